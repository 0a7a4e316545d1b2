/**
 * What the SDK, the server or the network says, as StorageErrors: the one place that knows S3's error codes.
 * Servers differ in texts and send none at all (Ceph RGW 16), so the code and status decide, and the words are ours.
 */
import type { ErrorCode } from '../../util/errors.ts'
import { StorageError, type StorageErrorOptions } from '../errors.ts'
import { failure, type Where } from '../failure.ts'
import { wasRemedied } from './remedies.ts'

/** Turns whatever a request threw into a StorageError; what is no failure of a request (a bug) is given back as it is. */
export function toStorageError(error: unknown, where: Where): unknown {
  if (error instanceof StorageError || !(error instanceof Error)) return error
  const answer = answerOf(error)
  if (answer !== undefined) return answerFailure(answer, where, error)
  return networkFailure(error, where) ?? error
}

/** The failure that a server's answer stands for. */
interface Answer {
  status: number
  /** S3's error code; undefined where the answer has no body (HEAD). */
  serverCode?: string | undefined
  requestId?: string | undefined
  retryAfter?: number | undefined
}

function answerFailure(answer: Answer, where: Where, cause: Error): StorageError {
  const { status, serverCode, requestId, retryAfter } = answer
  const [code, hints] = codeOf(answer, where)
  const options: Partial<StorageErrorOptions> = {
    status,
    serverCode,
    requestId,
    retryAfter,
    retryable: isRetryable(answer, code) || wasRemedied(cause),
    cause,
    ...(hints === undefined ? {} : { hints }),
  }
  return failure(code, where, [status, serverCode].filter((word) => word !== undefined).join(' '), options)
}

type Classified = readonly [ErrorCode, (readonly string[])?]

const ENDED: Classified = ['INVALID_CREDENTIALS', ['these temporary credentials have ended: get new ones']]

/** S3's codes that mean the same everywhere (Amazon S3 API, "Error responses"; Ceph RGW's rgw_common.cc). */
const BY_SERVER_CODE: Readonly<Record<string, Classified>> = {
  InvalidAccessKeyId: ['INVALID_CREDENTIALS'],
  SignatureDoesNotMatch: ['INVALID_CREDENTIALS'],
  InvalidToken: ['INVALID_CREDENTIALS'],
  ExpiredToken: ENDED,
  ExpiredTokenException: ENDED,
  TokenRefreshRequired: ENDED,
  RequestExpired: ENDED,
  AuthorizationHeaderMalformed: ['INVALID_CREDENTIALS', ['the store signs for another region: set --region']],
  PermanentRedirect: ['STORE_FAILURE', ['the bucket is in another region: set --region or --endpoint']],
  RequestTimeTooSkewed: ['CLOCK_SKEW'],
  QuotaExceeded: ['STORE_FAILURE', ["the project's quota at the store is used up"]],
  TooManyBuckets: ['STORE_FAILURE', ["the project's number of buckets at the store is used up"]],
  InvalidBucketName: ['INVALID_BUCKET_NAME'],
  BucketAlreadyExists: ['BUCKET_EXISTS'],
  BucketAlreadyOwnedByYou: ['BUCKET_EXISTS'],
  BucketNotEmpty: ['BUCKET_NOT_EMPTY'],
  NoSuchBucket: ['BUCKET_NOT_FOUND'],
  NoSuchUpload: ['UPLOAD_NOT_FOUND'],
  BadDigest: ['INTEGRITY'],
  XAmzContentSHA256Mismatch: ['INTEGRITY'],
  IncompleteBody: ['INTEGRITY'],
  InvalidPart: ['INTEGRITY'],
  // 403 on S3, to whoever may read the object.
  InvalidObjectState: ['STORE_FAILURE', ['the object is in an archive: have it restored first']],
  InvalidRange: ['OBJECT_CHANGED', ['the object is shorter than it was']],
  NotImplemented: ['UNSUPPORTED'],
  MethodNotAllowed: ['UNSUPPORTED'],
}

function codeOf(answer: Answer, where: Where): Classified {
  const named = answer.serverCode === undefined ? undefined : BY_SERVER_CODE[answer.serverCode]
  return named ?? codeOfStatus(answer.status, where)
}

/** Operations on an upload that Ceph RGW answers with NoSuchKey once the upload is complete. */
const NEEDS_UPLOAD = new Set(['UploadPart', 'CompleteMultipartUpload', 'AbortMultipartUpload', 'ListParts'])

function codeOfStatus(status: number, where: Where): Classified {
  switch (status) {
    case 401:
      return ['INVALID_CREDENTIALS']
    case 403:
      return ['ACCESS_DENIED']
    case 404:
      if (NEEDS_UPLOAD.has(where.operation)) return ['UPLOAD_NOT_FOUND']
      return [where.objectKey === undefined ? 'BUCKET_NOT_FOUND' : 'OBJECT_NOT_FOUND']
    case 405:
    case 501:
      return ['UNSUPPORTED']
    case 412:
      return [where.operation === 'GetObject' ? 'OBJECT_CHANGED' : 'OBJECT_EXISTS']
    case 416:
      return ['OBJECT_CHANGED', ['the object is shorter than it was']]
    default:
      return ['STORE_FAILURE']
  }
}

const RETRYABLE_SERVER_CODES = new Set([
  'SlowDown',
  'RequestTimeout',
  'InternalError',
  'ServiceUnavailable',
  'OperationAborted',
  'ConditionalRequestConflict',
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'IncompleteBody',
])

function isRetryable({ status, serverCode }: Answer, code: ErrorCode): boolean {
  if (serverCode !== undefined && RETRYABLE_SERVER_CODES.has(serverCode)) return true
  if (code !== 'STORE_FAILURE') return false
  // A 2xx here is an answer that could not be read.
  return status >= 500 || status === 429 || status === 408 || (status >= 200 && status < 300)
}

/** Failures before there is an answer, by the name that Node gives them. */
const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EHOSTDOWN',
  'EAI_AGAIN',
  // A name that was found before: a resolver in trouble. One that never was is misspelt (with-retry.ts).
  'ENOTFOUND',
  'ETIMEDOUT',
])
const BROKEN_CODES = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ERR_STREAM_PREMATURE_CLOSE'])
const TLS_CODE =
  /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|EPROTO|HOSTNAME_MISMATCH|INVALID_CA)/

function networkFailure(error: Error, where: Where): StorageError | undefined {
  const code = networkCodeOf(error)
  if (code === undefined) {
    if (error.name === 'TimeoutError')
      return failure('STORE_FAILURE', where, 'no answer in time', retryable(error))
    if (error.name === 'CredentialsProviderError')
      return failure('NO_CREDENTIALS', where, undefined, { cause: error })
    return undefined
  }
  if (CONNECTION_CODES.has(code))
    return failure('ENDPOINT_UNREACHABLE', where, triedOf(error), retryable(error))
  if (BROKEN_CODES.has(code))
    return failure('STORE_FAILURE', where, `connection broken, ${code}`, retryable(error))
  if (TLS_CODE.test(code)) {
    const hints = [
      `the store's TLS certificate was not accepted; for a private authority set NODE_EXTRA_CA_CERTS`,
    ]
    return failure('ENDPOINT_UNREACHABLE', where, code, { cause: error, hints })
  }
  return undefined
}

function retryable(cause: Error): Partial<StorageErrorOptions> {
  return { cause, retryable: true }
}

/** Node's code of a failure; of the first one where several addresses were tried (AggregateError). */
function networkCodeOf(error: unknown): string | undefined {
  if (error instanceof AggregateError && error.errors.length > 0) return networkCodeOf(error.errors[0])
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Node's sentence with the address it tried: `connect ECONNREFUSED 127.0.0.1:9`, `getaddrinfo ENOTFOUND example.org`. */
function triedOf(error: Error): string {
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : []
  return first instanceof Error ? first.message : error.message
}

/** The answer behind an SDK error; undefined when there was none. */
function answerOf(error: Error): Answer | undefined {
  const metadata = recordIn(error, '$metadata')
  const response = recordIn(error, '$response')
  const status = metadata?.['httpStatusCode'] ?? response?.['statusCode']
  if (typeof status !== 'number') return undefined
  const requestId = metadata?.['requestId']
  const retryAfter = recordIn(response, 'headers')?.['retry-after']
  return {
    status,
    serverCode: serverCodeOf(error),
    requestId: typeof requestId === 'string' ? requestId : undefined,
    retryAfter: retryAfterSeconds(retryAfter),
  }
}

/** The SDK's names for an answer without a code of its own: a HEAD has no body. */
const NO_CODE = new Set([
  'Unknown',
  'UnknownError',
  'NotFound',
  'Error',
  'SyntaxError',
  'TypeError',
  'Forbidden',
  '',
])

function serverCodeOf(error: Error): string | undefined {
  const code = 'Code' in error && typeof error.Code === 'string' ? error.Code : error.name
  return NO_CODE.has(code) || /^\d+$/.test(code) ? undefined : code
}

function retryAfterSeconds(value: unknown): number | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined
}

function recordIn(holder: unknown, name: string): Record<string, unknown> | undefined {
  if (typeof holder !== 'object' || holder === null) return undefined
  const value: unknown = Reflect.get(holder, name)
  return typeof value === 'object' && value !== null ? { ...value } : undefined
}
