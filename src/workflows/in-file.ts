import { AppError, hasCode, type ErrorCode } from '../util/errors.ts'

/** What the layers below find out about bytes whose name they don't know. */
const ABOUT_BYTES: readonly ErrorCode[] = [
  'NOT_CRYPT4GH',
  'INVALID_HEADER',
  'NO_MATCHING_KEY',
  'UNEXPECTED_SENDER',
  'AUTHENTICATION_FAILED',
  'INVALID_RANGE',
  'INTEGRITY',
]

/** Says which file it was. */
export function inFile(error: unknown, path: string): unknown {
  if (!hasCode(error, ...ABOUT_BYTES)) return error
  return new AppError(error.code, `${path}: ${error.message}`, { hints: error.hints, cause: error })
}
