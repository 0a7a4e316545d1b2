import { AppError, type AppErrorOptions, type ErrorCode } from '../util/errors.ts'

/** Where in the store something failed. */
export interface StorageErrorOptions extends AppErrorOptions {
  /** The S3 operation, as the API spells it. */
  operation: string
  bucket?: string | undefined
  objectKey?: string | undefined
  partNumber?: number | undefined
  /** HTTP status of the answer, when there was one. */
  status?: number | undefined
  /** The server's own error code, such as `SlowDown`. */
  serverCode?: string | undefined
  requestId?: string | undefined
  /** True when the same request may succeed later: the store knows, the layers above only ask. */
  retryable?: boolean | undefined
  /** Seconds the server asked to wait (Retry-After). */
  retryAfter?: number | undefined
}

/** A request to the store failed. */
export class StorageError extends AppError {
  readonly operation: string
  readonly bucket: string | undefined
  readonly objectKey: string | undefined
  readonly partNumber: number | undefined
  readonly status: number | undefined
  readonly serverCode: string | undefined
  readonly requestId: string | undefined
  readonly retryable: boolean
  readonly retryAfter: number | undefined

  constructor(code: ErrorCode, message: string, options: StorageErrorOptions) {
    super(code, message, options)
    this.name = 'StorageError'
    this.operation = options.operation
    this.bucket = options.bucket
    this.objectKey = options.objectKey
    this.partNumber = options.partNumber
    this.status = options.status
    this.serverCode = options.serverCode
    this.requestId = options.requestId
    this.retryable = options.retryable ?? false
    this.retryAfter = options.retryAfter
  }
}
