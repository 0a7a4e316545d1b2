import type { IncomingHttpHeaders } from 'node:http'
import type { PayloadCheck } from './authenticate/payload-check.ts'
import type { RequestTarget } from './request-target.ts'
import type { OperationName } from './routes.ts'
import type { Rules } from './rules.ts'
import { S3Error } from './s3-error.ts'

/**
 * Refuses what the imitated server does not have, before anything is done.
 * Throws NotImplemented, InvalidBucketName, InvalidRequest.
 */
export function refuseAbsent(
  request: {
    operation: OperationName
    target: RequestTarget
    headers: IncomingHttpHeaders
    payload: PayloadCheck
  },
  rules: Rules,
): void {
  const { operation, target, headers, payload } = request
  if (!rules.tenantAddresses && target.bucketName.includes(':')) {
    throw new S3Error('InvalidBucketName', 'a bucket name has no colon')
  }
  if (rules.awsChunked === 'refused' && payload.kind === 'aws-chunked') {
    throw new S3Error('NotImplemented', 'Transfering payloads in multiple chunks is not implemented')
  }
  const conditional = headers['if-match'] !== undefined || headers['if-none-match'] !== undefined
  if (
    rules.conditionalPut === 'refused' &&
    conditional &&
    (operation === 'PutObject' || operation === 'CopyObject')
  ) {
    throw new S3Error('NotImplemented', 'a put has no conditions here')
  }
  if (rules.multiDeleteNeedsMd5 && operation === 'DeleteObjects' && headers['content-md5'] === undefined) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: Content-MD5')
  }
}
