/**
 * Every expected failure is an AppError: a sentence for the person, a stable code for the program.
 * The exit code of each error code is a table in src/cli/exit-codes.ts; docs/exit-codes.md explains them.
 * Anything else that is thrown is a bug and is shown as one.
 */

/** Stable codes: public API, unlike the sentences. */
export type ErrorCode =
  // what was asked
  | 'USAGE'
  | 'INVALID_BUCKET_NAME'
  | 'INVALID_S3_URL'
  | 'INVALID_DURATION'
  | 'INVALID_RANGE'
  | 'UNKNOWN_PROJECT'
  // local files
  | 'FILE_NOT_FOUND'
  | 'FILE_UNREADABLE'
  | 'FILE_EXISTS'
  | 'FILE_CHANGED'
  | 'DISK_FULL'
  | 'UNSAFE_PATH'
  | 'OUTPUT_CLOSED'
  // keys and Crypt4GH
  | 'INVALID_KEY'
  | 'WRONG_PASSPHRASE'
  | 'PASSPHRASE_NEEDED'
  | 'NO_MATCHING_KEY'
  | 'NOT_CRYPT4GH'
  | 'ALREADY_ENCRYPTED'
  | 'INVALID_HEADER'
  | 'AUTHENTICATION_FAILED'
  | 'UNEXPECTED_SENDER'
  | 'KEY_CHANGED'
  | 'KEYS_DIFFER'
  | 'KEY_NOT_TRUSTED'
  | 'UNNAMED_READERS'
  | 'NO_BUCKET_KEYS'
  // the store
  | 'BUCKET_NOT_FOUND'
  | 'BUCKET_EXISTS'
  | 'BUCKET_NOT_EMPTY'
  | 'WRONG_BUCKET'
  | 'OBJECT_NOT_FOUND'
  | 'OBJECT_EXISTS'
  | 'OBJECT_CHANGED'
  | 'UPLOAD_NOT_FOUND'
  | 'ACCESS_DENIED'
  | 'INVALID_CREDENTIALS'
  | 'NO_CREDENTIALS'
  | 'CLOCK_SKEW'
  | 'ENDPOINT_UNREACHABLE'
  | 'STORE_FAILURE'
  | 'INTEGRITY'
  | 'UNSUPPORTED'
  | 'STILL_ACCESSIBLE'
  | 'AUDIT_FAILED'
  | 'ACCESS_DEVIATES'
  | 'SIGNING_FAILED'
  | 'POLICY_CHANGED'
  // transfers that go on later
  | 'TRANSFER_NOT_FOUND'
  | 'INVALID_JOURNAL'
  | 'TRANSFER_RUNNING'
  | 'RESUMABLE'
  // the run as a whole
  | 'SOME_FAILED'
  | 'INTERRUPTED'
  | 'TERMINATED'

/** What an {@link AppError} may carry besides its code and sentence. */
export interface AppErrorOptions {
  /** What the person can do about it; each a sentence, lower case, no full stop. */
  hints?: readonly string[]
  cause?: unknown
}

/** An expected failure. `message` is lower case, without a full stop, and says what and where. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly hints: readonly string[]

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.hints = options.hints ?? []
  }
}

/** True for an {@link AppError} with one of the codes. */
export function hasCode(error: unknown, ...codes: ErrorCode[]): error is AppError {
  return error instanceof AppError && codes.includes(error.code)
}
