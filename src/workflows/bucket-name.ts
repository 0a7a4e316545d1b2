import { AppError } from '../util/errors.ts'

/**
 * Checks the name of a bucket to be created: 3 to 63 lower-case letters, digits and dashes (S3 user guide, "General
 * purpose bucket naming rules"; no dots, which break TLS for virtual-hosted requests). Throws INVALID_BUCKET_NAME.
 */
export function checkNewBucketName(name: string): void {
  if (name.includes(':')) throw invalid(name, 'a bucket is created in your own project: leave the tenant out')
  const isReserved = /^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|--x-s3|--table-s3)$/.test(name)
  if (!/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(name) || isReserved) {
    throw invalid(
      name,
      'use 3 to 63 lower-case letters, digits and dashes, beginning and ending with a letter or digit',
    )
  }
}

function invalid(name: string, hint: string): AppError {
  return new AppError('INVALID_BUCKET_NAME', `not a bucket name: ${JSON.stringify(name)}`, { hints: [hint] })
}
