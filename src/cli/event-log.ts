import { open, type FileHandle } from 'node:fs/promises'
import { AppError } from '../util/errors.ts'
import { printableJson } from './printable.ts'

/** A log of what happens, for programs: one JSON object per line (docs/transfers.md). */
export interface EventLog {
  /** Adds a line with the time in front. Never fails and never waits: what can't be written is told by `close`. */
  record(event: { readonly event: string }): void
  /** Waits until all is written. Gives the sentence about what is missing; undefined when the log is whole. */
  close(): Promise<string | undefined>
}

/**
 * Opens a log to append to; a new one is readable by its owner alone.
 *
 * @throws AppError USAGE when it can't be opened
 */
export async function openEventLog(path: string): Promise<EventLog> {
  if (path === '-') {
    throw new AppError('USAGE', '--log takes a file, not -', {
      hints: ['stdout is for the result; --progress json prints progress to stderr'],
    })
  }
  try {
    return new FileEventLog(path, await open(path, 'a', 0o600))
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : ''
    throw new AppError('USAGE', `the log ${path} can't be opened${why}`, { cause })
  }
}

class FileEventLog implements EventLog {
  readonly #path: string
  readonly #file: FileHandle
  #waiting = ''
  #writing: Promise<void> | undefined
  #failure: Error | undefined

  constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  record(event: { readonly event: string }): void {
    // A line that is cut off spoils the next one: after a failure the log ends.
    if (this.#failure !== undefined) return
    this.#waiting += `${printableJson({ time: new Date().toISOString(), ...event }, 0)}\n`
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
  }

  async close(): Promise<string | undefined> {
    await this.#writing
    await this.#file.close().catch((error: unknown) => {
      this.#fail(error)
    })
    if (this.#failure === undefined) return undefined
    return `the log ${this.#path} is incomplete: ${this.#failure.message}`
  }

  /** Lines that come while a write is under way go out together with the next. */
  async #write(): Promise<void> {
    try {
      while (this.#waiting !== '') {
        const lines = this.#waiting
        this.#waiting = ''
        await this.#file.appendFile(lines)
      }
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new AppError('DISK_FULL', String(error))
    this.#waiting = ''
  }
}
