import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { copyFile, link, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { RequestBody } from '../request-body.ts'
import type { ContentPiece } from './records.ts'

/** Bytes read or written at once. */
const blockSize = 1024 * 1024

/** Bytes that were written, and their MD5 in hex: the ETag of a part or of an object put whole. */
export interface WrittenContent {
  readonly piece: ContentPiece
  readonly md5: string
}

/**
 * The bytes of objects and parts, as files with random names in one folder. A file is written once and never changed;
 * until a record names it, it counts for nothing and the next start removes it.
 */
export class ContentStore {
  readonly #folder: string
  readonly #discard: boolean
  readonly #readers = new Map<string, number>()
  readonly #unwanted = new Set<string>()

  /** `discard` counts and hashes what is written, keeps none of it, and reads zeros. */
  constructor(folder: string, discard = false) {
    this.#folder = folder
    this.#discard = discard
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  /** Streams the body of a request into a new file. On any failure of it nothing stays behind. */
  writeBody(body: RequestBody): Promise<WrittenContent> {
    return this.write(body.bytes(), body.computesMd5 ? () => body.md5 : undefined)
  }

  /** The same for bytes from elsewhere. `md5` gives their MD5 at the end, where somebody computes it already. */
  async write(source: AsyncIterable<Uint8Array>, md5?: () => string | undefined): Promise<WrittenContent> {
    const file = randomUUID()
    const hash = md5 === undefined ? createHash('md5') : undefined
    let size = 0
    const count = (bytes: Uint8Array): void => {
      hash?.update(bytes)
      size += bytes.length
    }
    if (this.#discard) for await (const bytes of source) count(bytes)
    else await this.#writeFile(file, source, count)
    return { piece: { file, size }, md5: md5?.() ?? hash?.digest('hex') ?? '' }
  }

  async #writeFile(
    file: string,
    source: AsyncIterable<Uint8Array>,
    count: (bytes: Uint8Array) => void,
  ): Promise<void> {
    async function* counted(): AsyncGenerator<Uint8Array> {
      for await (const bytes of source) {
        count(bytes)
        yield bytes
      }
    }
    try {
      await pipeline(
        counted,
        createWriteStream(this.#path(file), { flags: 'wx', mode: 0o600, highWaterMark: blockSize }),
      )
    } catch (error) {
      await rm(this.#path(file), { force: true })
      throw error
    }
  }

  /** The same bytes under new names, without copying them where the file system has hard links. */
  async duplicate(pieces: readonly ContentPiece[]): Promise<ContentPiece[]> {
    if (this.#discard) return pieces.map(({ size }) => ({ file: randomUUID(), size }))
    const copies: ContentPiece[] = []
    try {
      for (const piece of pieces) {
        const file = randomUUID()
        await link(this.#path(piece.file), this.#path(file)).catch(async () =>
          copyFile(this.#path(piece.file), this.#path(file)),
        )
        copies.push({ file, size: piece.size })
      }
    } catch (error) {
      this.remove(copies)
      throw error
    }
    return copies
  }

  /** A range of the pieces joined, block by block. What is being read stays readable when it is removed meanwhile. */
  async *read(pieces: readonly ContentPiece[], offset: number, length: number): AsyncGenerator<Buffer> {
    if (this.#discard) {
      yield* zeros(length)
      return
    }
    for (const piece of pieces) this.#readers.set(piece.file, (this.#readers.get(piece.file) ?? 0) + 1)
    try {
      for (const slice of slices(pieces, offset, length)) {
        const stream = createReadStream(this.#path(slice.file), {
          start: slice.start,
          end: slice.start + slice.length - 1,
          highWaterMark: blockSize,
        })
        yield* stream as AsyncIterable<Buffer>
      }
    } finally {
      for (const piece of pieces) this.#release(piece.file)
    }
  }

  /** Removes files, those being read as soon as their last reader is done. */
  remove(pieces: readonly ContentPiece[]): void {
    for (const { file } of pieces) {
      if (this.#readers.has(file)) this.#unwanted.add(file)
      else rmSync(this.#path(file), { force: true })
    }
  }

  /** Removes every file no record names. */
  sweep(wanted: ReadonlySet<string>): void {
    for (const file of readdirSync(this.#folder)) {
      if (!wanted.has(file)) rmSync(join(this.#folder, file), { force: true })
    }
  }

  #release(file: string): void {
    const left = (this.#readers.get(file) ?? 1) - 1
    if (left > 0) {
      this.#readers.set(file, left)
      return
    }
    this.#readers.delete(file)
    if (this.#unwanted.delete(file)) rmSync(this.#path(file), { force: true })
  }

  #path(file: string): string {
    return join(this.#folder, file)
  }
}

function* zeros(length: number): Generator<Buffer> {
  const block = Buffer.alloc(Math.min(length, blockSize))
  for (let left = length; left > 0; left -= block.length) yield block.subarray(0, left)
}

/** Which bytes of which file make up a range. */
function* slices(
  pieces: readonly ContentPiece[],
  offset: number,
  length: number,
): Generator<{ file: string; start: number; length: number }> {
  let [skip, left] = [offset, length]
  for (const piece of pieces) {
    const take = Math.min(Math.max(piece.size - skip, 0), left)
    if (take > 0) yield { file: piece.file, start: skip, length: take }
    skip = Math.max(skip - piece.size, 0)
    left -= take
  }
}
