/**
 * The file in which headers are kept: one line for each object, in the order of S3's listings, so that it can be merged
 * with a listing as both go by. A line is its CRC-32 (hex), a blank, and JSON; the first names the server and the bucket.
 */
import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { AppError } from '../../util/errors.ts'
import type { PartialFile } from '../../util/partial-file.ts'
import type { Beginning } from './object-beginning.ts'

const VERSION = 1

/** Packets and bytes beyond which only what a header says is kept: it is fetched again to try identities on it. */
const KEPT_PACKETS = 64
const KEPT_HEADER_BYTES = 16 * 1024

/** No line has more bytes: an object key of 1024 bytes, escaped, and a header in base64. */
const LONGEST_LINE = 64 * 1024
/** Bytes read and written at once. */
const BLOCK = 64 * 1024
const LINE_END = 0x0a

/** What is known of one version of an object. */
export interface KeptBeginning {
  objectKey: string
  etag: string
  /** Bytes. */
  size: number
  beginning: Beginning
}

const count = z.number().int().nonnegative()
const version = { objectKey: z.string(), etag: z.string().min(1), size: count }
const lineSchema = z.union([
  z.object({ ...version, packets: count, headerLength: count, header: z.base64().optional() }),
  z.object({ ...version, problem: z.string() }),
  z.object(version),
])

/** The line of an object, without its end. */
export function serializeLine({ objectKey, etag, size, beginning }: KeptBeginning): string {
  return withChecksum({ objectKey, etag, size, ...fieldsOf(beginning) })
}

/** The inverse of {@link serializeLine}. Throws AppError FILE_UNREADABLE. */
export function parseLine(line: string): KeptBeginning {
  const parsed = lineSchema.safeParse(checkedJson(line))
  if (!parsed.success) throw damaged()
  const { objectKey, etag, size, ...fields } = parsed.data
  return { objectKey, etag, size, beginning: beginningOf(fields) }
}

/** The first line of a file. */
export function firstLine(endpoint: string, bucket: string): string {
  return withChecksum({ sealiftHeaders: VERSION, endpoint, bucket })
}

/**
 * The lines of a file, without their ends.
 *
 * @throws AppError FILE_UNREADABLE for what can't be a line, or for one that was cut off
 */
export async function* linesOf(file: FileHandle): AsyncGenerator<string, void, undefined> {
  const block = Buffer.alloc(BLOCK)
  let rest = Buffer.alloc(0)
  for (;;) {
    const { bytesRead } = await file.read(block, 0, BLOCK, null)
    if (bytesRead === 0) break
    const bytes = Buffer.concat([rest, block.subarray(0, bytesRead)])
    let start = 0
    for (let end = bytes.indexOf(LINE_END); end !== -1; end = bytes.indexOf(LINE_END, start)) {
      yield bytes.toString('utf8', start, end)
      start = end + 1
    }
    rest = bytes.subarray(start)
    if (rest.length > LONGEST_LINE) throw damaged()
  }
  if (rest.length > 0) throw damaged()
}

/** Writes lines one after the other, some at a time. */
export class LineWriter {
  readonly #file: PartialFile
  #pending: string[] = []
  #pendingLength = 0
  #written = 0

  constructor(file: PartialFile) {
    this.#file = file
  }

  /** Bytes so far, give or take those that wait to be written. */
  get size(): number {
    return this.#written
  }

  async append(line: string): Promise<void> {
    this.#pending.push(line, '\n')
    this.#pendingLength += line.length + 1
    if (this.#pendingLength >= BLOCK) await this.#write()
  }

  /** Writes what waits, and gives the file its name. Throws as PartialFile.finish. */
  async finish(): Promise<void> {
    await this.#write()
    await this.#file.finish()
  }

  async discard(): Promise<void> {
    await this.#file.discard()
  }

  async #write(): Promise<void> {
    const bytes = Buffer.from(this.#pending.join(''))
    this.#pending = []
    this.#pendingLength = 0
    await this.#file.writeAt(bytes, this.#written)
    this.#written += bytes.length
  }
}

/** What a line that is not as it was written is refused with. */
export function damaged(): AppError {
  return new AppError('FILE_UNREADABLE', 'a line of the kept headers is not as it was written')
}

function fieldsOf(beginning: Beginning): Record<string, unknown> {
  if (beginning.kind === 'other') return {}
  if (beginning.kind === 'broken') return { problem: beginning.problem }
  const { packets, headerLength, header } = beginning
  const kept = header !== undefined && packets <= KEPT_PACKETS && header.length <= KEPT_HEADER_BYTES
  return { packets, headerLength, ...(kept && { header: Buffer.from(header).toString('base64') }) }
}

function beginningOf(fields: {
  packets?: number
  headerLength?: number
  header?: string | undefined
  problem?: string
}): Beginning {
  const { packets, headerLength, header, problem } = fields
  if (problem !== undefined) return { kind: 'broken', problem }
  if (packets === undefined || headerLength === undefined) return { kind: 'other' }
  const bytes = header === undefined ? undefined : Buffer.from(header, 'base64')
  if (bytes !== undefined && bytes.length !== headerLength) throw damaged()
  return { kind: 'crypt4gh', packets, headerLength, header: bytes }
}

function withChecksum(value: unknown): string {
  const json = JSON.stringify(value)
  return `${checksum(json)} ${json}`
}

function checkedJson(line: string): unknown {
  const json = line.slice(9)
  if (line.slice(0, 9) !== `${checksum(json)} `) throw damaged()
  try {
    return JSON.parse(json)
  } catch {
    throw damaged()
  }
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, '0')
}
