import type { ErrorCode } from '../util/errors.ts'
import { StorageError, type StorageErrorOptions } from './errors.ts'

/** Which request failed. */
export interface Where {
  /** The S3 operation, as the API spells it. */
  operation: string
  bucket?: string | undefined
  objectKey?: string | undefined
  partNumber?: number | undefined
}

/**
 * A StorageError in our own words: servers send none (Ceph RGW 16), or theirs.
 * `detail` goes behind the sentence in brackets, such as `403 AccessDenied`.
 */
export function failure(
  code: ErrorCode,
  where: Where,
  detail?: string,
  options: Partial<StorageErrorOptions> = {},
): StorageError {
  const sentence = SENTENCES[code]?.(placeOf(where), where) ?? `${where.operation} ${placeOf(where)} failed`
  const message = detail === undefined ? sentence : `${sentence} (${detail})`
  const hints = options.hints ?? HINTS[code]
  return new StorageError(code, message, { ...where, ...options, ...(hints === undefined ? {} : { hints }) })
}

/** Where a request went, as the user names it: `part 3 of s3://bucket/object`. */
function placeOf({ bucket, objectKey, partNumber }: Where): string {
  if (bucket === undefined) return 'the store'
  const place = `s3://${bucket}${objectKey === undefined ? '' : `/${objectKey}`}`
  return partNumber === undefined ? place : `part ${partNumber} of ${place}`
}

type Sentence = (place: string, where: Where) => string

const SENTENCES: Partial<Record<ErrorCode, Sentence>> = {
  ACCESS_DENIED: (place, { operation }) => `access to ${place} denied at ${operation}`,
  INVALID_CREDENTIALS: () => 'the store does not accept these credentials',
  NO_CREDENTIALS: () => 'no credentials for the store',
  CLOCK_SKEW: () => "this machine's clock is too far from the store's",
  INVALID_BUCKET_NAME: (_place, { bucket }) => `the store does not take ${bucket ?? ''} as a bucket name`,
  BUCKET_NOT_FOUND: (place) => `there is no bucket ${bucketOf(place)}`,
  BUCKET_EXISTS: (_place, { bucket }) => `the bucket name ${bucket ?? ''} is taken`,
  BUCKET_NOT_EMPTY: (place) => `${place} is not empty`,
  OBJECT_NOT_FOUND: (place) => `there is no object ${place}`,
  OBJECT_EXISTS: (place) => `${place} exists already`,
  OBJECT_CHANGED: (place) => `${place} is not the object it was`,
  UPLOAD_NOT_FOUND: (place) => `there is no such unfinished upload of ${place}`,
  ENDPOINT_UNREACHABLE: (place, { operation }) => `no connection to the store at ${operation} ${place}`,
  STORE_FAILURE: (place, { operation }) => `the store failed at ${operation} ${place}`,
  INTEGRITY: (place, { operation }) => `the bytes of ${place} were damaged on the way at ${operation}`,
  UNSUPPORTED: (place, { operation }) => `the store does not support ${operation} on ${place}`,
}

const HINTS: Partial<Record<ErrorCode, readonly string[]>> = {
  INVALID_CREDENTIALS: ['check the access key, the secret key and the profile in use'],
  NO_CREDENTIALS: [
    'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile of ~/.aws/credentials',
  ],
  CLOCK_SKEW: ["set this machine's clock: requests are refused when it is more than 15 minutes off"],
  BUCKET_EXISTS: ['bucket names are shared by all projects of a store: choose another'],
  ENDPOINT_UNREACHABLE: ['check the endpoint and the network'],
}

function bucketOf(place: string): string {
  return /^(?:part \d+ of )?s3:\/\/([^/]*)/.exec(place)?.[1] ?? place
}
