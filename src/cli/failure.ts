import { inspect } from 'node:util'
import { CLIError } from '@oclif/core/errors'
import { AppError } from '../util/errors.ts'
import { errnoOf, fileError } from '../util/file-errors.ts'
import { EXIT, EXIT_CODES, type ExitCode } from './exit-codes.ts'
import { hintsFor } from './hints.ts'
import { printable } from './printable.ts'
import { ownSentence, usageError } from './usage-error.ts'

/** How a failure is told: the same for people and programs. */
export interface Failure {
  /** An ErrorCode, or `BUG`. */
  code: string
  message: string
  hints: readonly string[]
  exitCode: ExitCode
  /** Only of bugs, and only shown with --verbose. */
  stack?: string | undefined
  /** What was done and found all the same, where the error carries it (such as the ways in that a revoke left open). */
  result?: unknown
  /** What led to it, outermost first; only shown with --verbose. */
  causes: readonly string[]
}

/** More causes than this are a loop, or help nobody. */
const MAX_CAUSES = 8

/** Sorts whatever was thrown: expected failures keep their code, wrong command lines are USAGE, the rest are bugs. */
export function failureOf(thrown: unknown): Failure {
  const error = expected(thrown)
  if (error instanceof AppError) {
    const { code } = error
    const message = ownSentence(error.message)
    const hints = hintsFor(code, error.hints)
    const result = 'result' in error ? error.result : undefined
    return { code, message, hints, exitCode: EXIT_CODES[code], result, causes: causesOf(error) }
  }
  const name = error instanceof Error ? error.name : typeof error
  return {
    code: 'BUG',
    message: `unexpected ${name}: ${error instanceof Error ? error.message : inspect(error, { depth: 0 })}`,
    hints: ['this is a bug in sealift: please report it, with the command and what it prints with --verbose'],
    exitCode: EXIT.failure,
    stack: error instanceof Error ? error.stack : undefined,
    causes: causesOf(error),
  }
}

/** `error: …` and its `hint: …` lines, with the code, causes and a bug's stack when `verbose`. */
export function failureText(failure: Failure, verbose: boolean): string {
  const parts = [`error: ${printable(failure.message)}`]
  if (verbose) {
    parts.push(`code: ${failure.code}`, ...failure.causes.map((cause) => `caused by: ${printable(cause)}`))
    parts.push(...(failure.stack ?? '').split('\n').slice(1).map(printable))
  }
  parts.push(...failure.hints.map((hint) => `hint: ${printable(hint)}`))
  return parts.join('\n')
}

/** The document that --json gives instead of a result. */
export function failureJson({ code, message, hints, result }: Failure): {
  error: Pick<Failure, 'code' | 'message' | 'hints'>
  result?: unknown
} {
  return { error: { code, message, hints }, ...(result === undefined ? {} : { result }) }
}

/** System errors that no layer named more precisely are still no bugs: a full disk behind stdout, a file taken away. */
function expected(thrown: unknown): unknown {
  if (thrown instanceof AppError) return thrown
  if (thrown instanceof CLIError) return usageError(thrown)
  if (errnoOf(thrown) === 'EPIPE') {
    return new AppError('OUTPUT_CLOSED', 'the reader of the output went away', { cause: thrown })
  }
  return fileError(thrown, 'use', pathOf(thrown))
}

function pathOf(error: unknown): string {
  if (error instanceof Error && 'path' in error && typeof error.path === 'string') return error.path
  return 'a file or the output'
}

function causesOf(error: unknown): string[] {
  const causes: string[] = []
  let cause = error instanceof Error ? error.cause : undefined
  while (cause !== undefined && causes.length < MAX_CAUSES) {
    causes.push(cause instanceof Error ? `${cause.name}: ${cause.message}` : inspect(cause, { depth: 0 }))
    cause = cause instanceof Error ? cause.cause : undefined
  }
  return causes
}
