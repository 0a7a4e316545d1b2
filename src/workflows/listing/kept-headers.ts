import { open, type FileHandle } from 'node:fs/promises'
import { compareKeys } from '../../storage/key-order.ts'
import { AppError } from '../../util/errors.ts'
import { errnoOf, fileError } from '../../util/file-errors.ts'
import { damaged, linesOf, parseLine, type KeptBeginning } from './header-cache-file.ts'

/** The headers that the last run kept, line by line. Where the file is damaged, they end. */
export class KeptHeaders {
  /** The line that was read last; undefined at the end. */
  current: (KeptBeginning & { line: string }) | undefined
  /** Whether the file could not be read to its end. */
  cutShort = false
  readonly #path: string
  readonly #first: string
  readonly #onNotice: (message: string) => void
  #file: FileHandle | undefined
  #lines: AsyncGenerator<string, void, undefined> | undefined

  constructor(path: string, first: string, onNotice: (message: string) => void) {
    this.#path = path
    this.#first = first
    this.#onNotice = onNotice
  }

  /** Goes on to the next line. */
  async advance(): Promise<void> {
    if (this.cutShort) return
    const last = this.current?.objectKey
    this.current = undefined
    try {
      this.#lines ??= await this.#open()
      const next = await this.#lines?.next()
      if (next === undefined || next.done === true) return
      const kept = parseLine(next.value)
      if (last !== undefined && compareKeys(last, kept.objectKey) >= 0) throw damaged()
      this.current = { ...kept, line: next.value }
    } catch (error) {
      this.cutShort = true
      const reason = messageOf(error, this.#path)
      this.#onNotice(`what was kept in ${this.#path} is of no use, headers are fetched again: ${reason}`)
    }
  }

  async close(): Promise<void> {
    await this.#lines?.return()
    await this.#file?.close()
    this.#file = undefined
  }

  async #open(): Promise<AsyncGenerator<string, void, undefined> | undefined> {
    try {
      this.#file = await open(this.#path, 'r')
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw fileError(error, 'read', this.#path)
    }
    const lines = linesOf(this.#file)
    const { value } = await lines.next()
    if (value !== this.#first) throw damaged()
    return lines
  }
}

/** The sentence of an expected failure; a bug is thrown on. */
export function messageOf(error: unknown, path: string): string {
  const expected = fileError(error, 'use', path)
  if (expected instanceof AppError) return expected.message
  throw error
}
