import { printable } from './printable.ts'
import { count, formatByteSize, formatTime, lines } from './report.ts'

/** The widest size formatByteSize gives: `1023 KiB`. */
const SIZE_WIDTH = 8
/** The widest words of their columns: `unreadable` and `headerless?`; `99 packets`; `not ours`. */
const FORMAT_WIDTH = 11
const PACKETS_WIDTH = 10
const OPENS_WIDTH = 8
/** Objects of a folder, up to ten million of them. */
const COUNT_WIDTH = 7
/** Canonical ids of AWS have 64 characters, of which some tell them apart. */
const OWNER_WIDTH = 24

/** What a line shows of an object. */
interface Line {
  objectKey: string
  size: number
  lastModified: Date | undefined
  ownerId: string | undefined
  format?: string
  packets?: number
  plaintextSize?: number
  canOpen?: boolean
}

/** Lines of a listing as they come: a column gets wider when an owner's name needs it, and stays so. */
export class LsLines {
  #ownerWidth = 0
  readonly #withIdentity: boolean

  constructor(options: { identities: boolean }) {
    this.#withIdentity = options.identities
  }

  of(object: Line): string {
    const cells = [formatByteSize(object.size).padStart(SIZE_WIDTH), formatTime(object.lastModified)]
    if (object.ownerId !== undefined || this.#ownerWidth > 0) cells.push(this.#owner(object.ownerId ?? '-'))
    if (object.format !== undefined) cells.push(...this.#headerCells(object, object.format))
    return [...cells, printable(object.objectKey)].join('  ')
  }

  #owner(ownerId: string): string {
    const text = printable(ownerId)
    const shown = text.length > OWNER_WIDTH ? `${text.slice(0, OWNER_WIDTH - 1)}…` : text
    this.#ownerWidth = Math.max(this.#ownerWidth, shown.length)
    return shown.padEnd(this.#ownerWidth)
  }

  #headerCells({ packets, plaintextSize, canOpen }: Line, format: string): string[] {
    const cells = [
      format.padEnd(FORMAT_WIDTH),
      (plaintextSize === undefined ? '-' : formatByteSize(plaintextSize)).padStart(SIZE_WIDTH),
      (packets === undefined ? '-' : count(packets, 'packet')).padEnd(PACKETS_WIDTH),
    ]
    if (!this.#withIdentity) return cells
    const opens = canOpen === undefined ? '-' : canOpen ? 'opens' : 'not ours'
    return [...cells, opens.padEnd(OPENS_WIDTH)]
  }
}

/** A line of `--du`. */
export function folderLine(totals: {
  folder: string
  objects: number
  size: number
  plaintextSize?: number
}): string {
  const { folder, objects, size, plaintextSize } = totals
  return [
    formatByteSize(size).padStart(SIZE_WIDTH),
    ...(plaintextSize === undefined ? [] : [formatByteSize(plaintextSize).padStart(SIZE_WIDTH)]),
    `${String(objects).padStart(COUNT_WIDTH)} ${objects === 1 ? 'object ' : 'objects'}`,
    folder === '' ? '(in no folder)' : printable(folder),
  ].join('  ')
}

/** The last lines of a listing. */
export function lsSummary(totals: {
  count: number
  totalSize: number
  totalPlaintextSize?: number
  openable?: number
  notOpenable?: number
  unreadable?: number
}): string {
  const { totalPlaintextSize, openable, notOpenable, unreadable = 0 } = totals
  const plain =
    totalPlaintextSize === undefined ? '' : `; ${formatByteSize(totalPlaintextSize)} of plaintext in Crypt4GH`
  return lines(
    `${count(totals.count, 'object')}, ${formatByteSize(totals.totalSize)}${plain}`,
    openable === undefined ? undefined : `${openable} can be opened, ${notOpenable ?? 0} are not ours`,
    unreadable === 0
      ? undefined
      : `${count(unreadable, 'object')} could not be read; why is told with --json`,
  )
}
