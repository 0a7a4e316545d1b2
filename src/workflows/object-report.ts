import { fileError } from '../util/file-errors.ts'
import { createPartialFile, type PartialFile } from '../util/partial-file.ts'
import { escapeUnprintable } from '../util/printable-json.ts'

/** Characters that are written at once. */
const BLOCK = 64 * 1024

/** What a report says of itself before it tells of objects. */
interface ReportHead {
  format: string
  version: number
}

/**
 * A report that is written as the run goes, so that a hundred thousand objects take no memory: one JSON document, a line
 * for each object in the order in which they were done. It gets its name when it is whole, and replaces a report that is
 * there. Mode 0600.
 */
export class ObjectReport<Entry extends object, End extends object> {
  readonly #path: string
  readonly #file: PartialFile
  #waiting: string
  #entries = 0
  #position = 0
  #written: Promise<void> = Promise.resolve()

  private constructor(path: string, file: PartialFile, { format, version, ...fields }: ReportHead) {
    this.#path = path
    this.#file = file
    const head = { format, version, madeAt: new Date().toISOString(), ...fields }
    this.#waiting = `${escapeUnprintable(JSON.stringify(head)).slice(0, -1)},"objects":[`
  }

  /** @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, DISK_FULL: before anything is done with an object */
  static async start<Entry extends object, End extends object>(
    path: string,
    head: ReportHead,
  ): Promise<ObjectReport<Entry, End>> {
    return new ObjectReport(path, await createPartialFile(path, { replace: true }), head)
  }

  /** @throws AppError FILE_UNREADABLE, DISK_FULL; after that the report can't be finished */
  async add(entry: Entry): Promise<void> {
    this.#waiting += `${this.#entries === 0 ? '' : ','}\n${escapeUnprintable(JSON.stringify(entry))}`
    this.#entries += 1
    if (this.#waiting.length >= BLOCK) await this.#write()
  }

  /** Writes the rest, syncs it and gives it its name. */
  async finish(end: End): Promise<void> {
    this.#waiting += `\n],${escapeUnprintable(JSON.stringify(end)).slice(1)}\n`
    await this.#write()
    await this.#file.finish()
  }

  /** Removes what was written. Harmless after finish. */
  async discard(): Promise<void> {
    await this.#written.catch(() => undefined)
    await this.#file.discard()
  }

  /** One after the other: objects end at the same time. */
  #write(): Promise<void> {
    const block = Buffer.from(this.#waiting)
    this.#waiting = ''
    const position = this.#position
    this.#position += block.length
    this.#written = this.#written.then(async () => {
      await this.#file.writeAt(block, position).catch((error: unknown) => {
        throw fileError(error, 'write', this.#path)
      })
    })
    return this.#written
  }
}
