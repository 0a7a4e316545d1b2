import { Command } from '@oclif/core/command'
import { AppError, hasCode } from '../util/errors.ts'
import { EXIT } from './exit-codes.ts'
import { globalFlags } from './flags.ts'
import { hintsFor } from './hints.ts'
import { listenForInterrupt, type Interrupt } from './interrupt.ts'
import { writeJson } from './json-stream.ts'
import { passphraseFor, type PassphraseFlags } from './passphrase.ts'
import { printable, printableJson } from './printable.ts'
import { startProgress, type Progress, type ProgressStyle } from './progress.ts'
import { writeOut } from './write-out.ts'

/** Seconds of a wait that nobody should spend without knowing why. */
const LONG_WAIT = 5
/** Milliseconds between two notes about such waits. */
const NOTE_INTERVAL = 60_000

/** One of several that did not work, in results of commands that go on with the rest. */
export interface PartialFailure {
  /** Which one. */
  name: string
  code: string
  message: string
  hints: readonly string[]
}

/**
 * What every command is: parse, call one workflow, return its result. The type of the result is the contract of
 * --json; toText() is the same for people. Failures are thrown; src/cli/main.ts shows them and sets the exit code.
 */
export abstract class SealiftCommand<Result> extends Command {
  static override enableJsonFlag = true
  static override baseFlags = globalFlags

  readonly #interrupt: Interrupt = listenForInterrupt((message) => {
    this.#progress?.stop()
    this.note(message)
  })
  readonly #cleanups: (() => void | Promise<void>)[] = []
  #progress: Progress | undefined
  #longWaitNoted = -Infinity
  #jsonWritten = false

  /** Does the work and gives the result. */
  protected abstract perform(): Promise<Result>

  /** The result for people, without a line end. */
  protected abstract toText(result: Result): string

  /** Those of several that failed; the command then ends with exit code 3 and names each on stderr. */
  protected failures?(result: Result): readonly PartialFailure[]

  override async run(): Promise<Result> {
    const result = await this.#stoppable()
    const failed = this.failures?.(result) ?? []
    if (failed.length === 0) this.#progress?.finish()
    this.#progress?.stop()
    // What an interrupt cut short is not "some failed", even where a workflow reports it per file.
    if (failed.length > 0) this.signal.throwIfAborted()
    this.#printResult(this.toText(result))
    if (failed.length > 0 && !this.jsonEnabled()) process.stderr.write(`${partialFailureText(failed)}\n`)
    process.exitCode = failed.length > 0 ? EXIT.someFailed : EXIT.done
    return result
  }

  /** Aborted by the signals that ask to stop (interrupt.ts); goes into every workflow that can take long. */
  protected get signal(): AbortSignal {
    return this.#interrupt.signal
  }

  /** Something worth knowing besides the result, on stderr; silent with --quiet. */
  protected note(message: string): void {
    if (!this.#has('--quiet', '-q')) process.stderr.write(`${printable(message)}\n`)
  }

  /** Several lines of the same kind, made printable already. */
  protected notes(text: string): void {
    if (!this.#has('--quiet', '-q')) process.stderr.write(`${text}\n`)
  }

  /** A line of the result that is printed before the rest is known; with --json the result itself carries it. */
  protected line(text: string): void {
    this.#printResult(text)
  }

  /** Lines of the result that are too many to be held, no faster than they are read; not for --json. */
  protected async streamLines(texts: AsyncIterable<string>): Promise<void> {
    for await (const text of texts) await writeOut(`${text}\n`)
  }

  /**
   * Writes the document of --json piece by piece (json-stream.ts), where it is too long to be held. The result of perform()
   * is not printed then. When `pieces` throws, the document stays without its end.
   */
  protected async streamJson(pieces: AsyncIterable<string>): Promise<void> {
    await writeJson(pieces)
    this.#jsonWritten = true
  }

  /** Has something closed when the command ends, however it ends. */
  protected closing<C extends { close(): void | Promise<void> }>(resource: C): C {
    this.#cleanups.push(() => resource.close())
    return resource
  }

  /** Says that a request failed and is tried again. Without --verbose only now and then, when it lasts. */
  protected onRetry = (message: string, wait: number): void => {
    const now = Date.now()
    const lasts = wait >= LONG_WAIT && now - this.#longWaitNoted >= NOTE_INTERVAL
    if (!lasts && !this.#has('--verbose', '-v')) return
    if (lasts) this.#longWaitNoted = now
    this.note(`${message}; trying again in ${wait.toFixed(1)} s`)
  }

  /** For the connect workflow: requests that are tried again, and what was set right without being asked. */
  protected get telling(): {
    onRetry: (message: string, wait: number) => void
    onNotice: (message: string) => void
  } {
    return {
      onRetry: this.onRetry,
      onNotice: (message) => {
        this.note(message)
      },
    }
  }

  /** Starts to show progress; gives the callback that workflows take. */
  protected async progress(style: ProgressStyle): Promise<Progress['update']> {
    const progress = await startProgress(style, this.jsonEnabled() || this.#has('--quiet', '-q'))
    this.#progress = progress
    return (state) => {
      if (!this.signal.aborted) progress.update(state)
    }
  }

  /** The same for the work on one file, which counts bytes as they are done. */
  protected async progressOfFile(
    style: ProgressStyle,
    current: string,
  ): Promise<(bytes: number, totalBytes: number) => void> {
    const update = await this.progress(style)
    let doneBytes = 0
    return (bytes, totalBytes) => {
      doneBytes += bytes
      update({ totalBytes, doneBytes, totalFiles: 1, doneFiles: doneBytes < totalBytes ? 0 : 1, current })
    }
  }

  /** Asks for the passphrase of a key file only when a workflow finds that it needs one. */
  protected askPassphrase(flags: PassphraseFlags): (file: string) => Promise<string> {
    return (file) => passphraseFor(file, flags)
  }

  /** Failures are shown in one place (src/cli/main.ts), those of parsing and of unknown commands too. */
  protected override async catch(error: Error): Promise<never> {
    throw error
  }

  protected override async finally(): Promise<void> {
    this.#progress?.stop()
    for (const cleanup of this.#cleanups.reverse()) await cleanup()
    this.#interrupt.release()
  }

  protected override logJson(json: unknown): void {
    if (!this.#jsonWritten) process.stdout.write(`${printableJson(json)}\n`)
  }

  /** An interrupt shows as itself, whatever error the stopping work ended with, unless that is how to go on. */
  async #stoppable(): Promise<Result> {
    try {
      return await this.perform()
    } catch (error) {
      const reason: unknown = this.signal.reason
      if (reason instanceof AppError && error !== reason && !hasCode(error, 'RESUMABLE')) {
        throw withHintsOf(error, reason)
      }
      throw error
    }
  }

  #printResult(text: string): void {
    if (!this.jsonEnabled() && text !== '') process.stdout.write(`${text}\n`)
  }

  /** Global switches are read from argv: they count before, and even when, parsing fails. */
  #has(...names: readonly string[]): boolean {
    return hasSwitch(this.argv, ...names)
  }
}

/** Whether one of the switches stands on the command line before `--`. */
export function hasSwitch(argv: readonly string[], ...names: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return argv.slice(0, end === -1 ? argv.length : end).some((word) => names.includes(word))
}

/** A line for each that failed, and each hint once. */
function partialFailureText(failed: readonly PartialFailure[]): string {
  const errors = failed.map(({ name, message }) =>
    message.includes(name)
      ? `error: ${printable(message)}`
      : `error: ${printable(name)}: ${printable(message)}`,
  )
  const hints = new Set(failed.flatMap(({ code, hints }) => hintsFor(code, hints)))
  return [...errors, ...[...hints].map((hint) => `hint: ${printable(hint)}`)].join('\n')
}

/** Work that was stopped may say how to go on. */
function withHintsOf(error: unknown, reason: AppError): AppError {
  const hints = error instanceof AppError ? error.hints : []
  return new AppError(reason.code, reason.message, { hints, cause: error })
}
