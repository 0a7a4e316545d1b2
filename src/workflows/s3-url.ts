import { AppError } from '../util/errors.ts'

/** A place in the store. */
export interface S3Location {
  /** `name`, or `tenant:name` for a bucket of another tenant on Ceph. */
  bucket: string
  /** An object key, a prefix, or empty for the bucket itself; taken as it stands, without percent-decoding. */
  objectKey: string
}

/**
 * What existing buckets are called: S3's rules, the looser ones that older Ceph and Swift buckets still have, and an
 * optional tenant: an empty one is Ceph's default tenant, for those who are in another. Strict rules for new buckets are
 * the workflow's that makes them.
 */
const BUCKET = /^(?:[A-Za-z0-9_]{0,64}:)?[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/

/** Bytes of UTF-8 that S3 allows in an object key (S3 user guide, "Naming Amazon S3 objects"). */
const MAX_OBJECT_KEY_BYTES = 1024

/**
 * Takes `s3://[tenant:]bucket[/object-key]` apart.
 *
 * Throws AppError INVALID_S3_URL, INVALID_BUCKET_NAME.
 */
export function parseS3Url(url: string): S3Location {
  const match = /^s3:\/\/([^/]*)(?:\/([^]*))?$/.exec(url)
  if (match === null) {
    throw new AppError('INVALID_S3_URL', `not an s3 address: ${url}`, {
      hints: ['write s3://BUCKET/KEY, or s3://TENANT:BUCKET/KEY for a bucket of another tenant on Ceph'],
    })
  }
  const [, bucket = '', objectKey = ''] = match
  if (Buffer.byteLength(objectKey) > MAX_OBJECT_KEY_BYTES) {
    throw new AppError(
      'INVALID_S3_URL',
      `the object key in the address is longer than ${MAX_OBJECT_KEY_BYTES} bytes`,
    )
  }
  return { bucket: checkBucketName(bucket), objectKey }
}

/**
 * A bucket as people name it: `bucket`, `tenant:bucket` or `s3://bucket/`.
 *
 * Throws AppError INVALID_BUCKET_NAME, and INVALID_S3_URL for the address of an object.
 */
export function parseBucket(text: string): string {
  if (!text.startsWith('s3://')) return checkBucketName(text)
  const { bucket, objectKey } = parseS3Url(text)
  if (objectKey === '') return bucket
  throw new AppError('INVALID_S3_URL', `a bucket is needed, and ${text} is the address of an object`, {
    hints: [`did you mean s3://${bucket}?`],
  })
}

/** The address of an object or bucket, as parseS3Url takes it. */
export function formatS3Url(bucket: string, objectKey = ''): string {
  return `s3://${bucket}/${objectKey}`
}

function checkBucketName(bucket: string): string {
  if (BUCKET.test(bucket)) return bucket
  throw new AppError(
    'INVALID_BUCKET_NAME',
    bucket === '' ? 'no bucket is named' : `not a bucket name: ${bucket}`,
    {
      hints: ['bucket names have 3 or more letters, digits, dots and hyphens, such as animine-data-import-1'],
    },
  )
}
