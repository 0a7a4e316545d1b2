/** `--range` as the reference tool understands it, which is one byte less than it says. */
import type { RequestedRange } from '../util/byte-range.ts'
import { AppError } from '../util/errors.ts'

/**
 * Parses `START-END`: END - START - 1 bytes from START on, so that 0-11 are the first ten. Scripts and the reference's
 * own test suite count on it. `START` and `START-`, which its help promises and it refuses, keep all from START on.
 *
 * @throws {@link AppError} USAGE
 */
export function parseStartEnd(text: string): RequestedRange {
  const [, start, end] = /^(\d+)(?:-(\d+)?)?$/.exec(text) ?? []
  if (start === undefined) throw invalid(text, 'it is not START-END, in bytes')
  const offset = Number(start)
  const length = end === undefined ? undefined : Number(end) - offset - 1
  if (!Number.isSafeInteger(offset + (length ?? 0))) throw invalid(text, 'no file is so large')
  if (length !== undefined && length < 1) throw invalid(text, 'it keeps nothing')
  return { offset, length }
}

function invalid(text: string, why: string): AppError {
  return new AppError('USAGE', `the range ${text} can't be used: ${why}`, {
    hints: ['START-END keeps END - START - 1 bytes, from START on: --range 0-11 is the first ten'],
  })
}
