import { AppError, type ErrorCode } from '../../util/errors.ts'

/** What a failure is as an HTTP status; all others are the store's or ours to answer for (502). */
const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  OBJECT_NOT_FOUND: 404,
  BUCKET_NOT_FOUND: 404,
  NOT_CRYPT4GH: 404,
  ACCESS_DENIED: 403,
  INVALID_CREDENTIALS: 403,
  NO_CREDENTIALS: 403,
  NO_MATCHING_KEY: 403,
  UNEXPECTED_SENDER: 403,
  OBJECT_CHANGED: 409,
  ENDPOINT_UNREACHABLE: 504,
}

/** The status and sentence for a failure that came before the first byte; 500 for a bug. Pure. */
export function failureAnswer(error: unknown): { status: number; message: string } {
  if (error instanceof AppError) return { status: STATUS[error.code] ?? 502, message: error.message }
  return { status: 500, message: 'unexpected failure' }
}

/** What was wrong, for the person who serves: with the way on, where there is one. */
export function problemText(error: unknown): string {
  if (!(error instanceof AppError))
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  const [hint] = error.hints
  return hint === undefined ? error.message : `${error.message} (${hint})`
}
