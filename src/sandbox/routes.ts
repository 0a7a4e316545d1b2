import { S3Error } from './s3-error.ts'
import type { RequestTarget } from './request-target.ts'

/** The S3 operations the sandbox knows, as the API spells them. */
export type OperationName = ServiceOperationName | BucketOperationName
export type ServiceOperationName = 'ListBuckets' | 'CreateBucket'
export type BucketOperationName =
  | 'HeadBucket'
  | 'DeleteBucket'
  | 'GetBucketLocation'
  | 'GetBucketVersioning'
  | 'PutBucketVersioning'
  | 'GetBucketPolicy'
  | 'PutBucketPolicy'
  | 'DeleteBucketPolicy'
  | 'GetBucketAcl'
  | 'PutBucketAcl'
  | 'ListObjects'
  | 'ListObjectsV2'
  | 'ListObjectVersions'
  | 'ListMultipartUploads'
  | 'DeleteObjects'
  | 'GetObject'
  | 'HeadObject'
  | 'PutObject'
  | 'CopyObject'
  | 'DeleteObject'
  | 'GetObjectAcl'
  | 'PutObjectAcl'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'UploadPartCopy'
  | 'ListParts'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'

interface Route {
  operation: OperationName
  scope: 'service' | 'bucket' | 'object'
  method: string
  /** Parameters that make it this operation. */
  needs: readonly string[]
  /** Parameters it also understands. */
  takes: readonly string[]
  /** The x-amz-copy-source header makes a put a copy. */
  copy?: boolean
}

const listing = ['prefix', 'delimiter', 'max-keys', 'encoding-type']
const overrides = [
  'content-type',
  'content-language',
  'expires',
  'cache-control',
  'content-disposition',
  'content-encoding',
]
const reading = ['versionId', ...overrides.map((name) => `response-${name}`)]
const part = ['partNumber', 'uploadId']

// prettier-ignore
const routes: readonly Route[] = [
  { operation: 'ListBuckets', scope: 'service', method: 'GET', needs: [], takes: [] },
  { operation: 'CreateBucket', scope: 'bucket', method: 'PUT', needs: [], takes: [] },
  { operation: 'HeadBucket', scope: 'bucket', method: 'HEAD', needs: [], takes: [] },
  { operation: 'DeleteBucket', scope: 'bucket', method: 'DELETE', needs: [], takes: [] },
  { operation: 'GetBucketLocation', scope: 'bucket', method: 'GET', needs: ['location'], takes: [] },
  { operation: 'GetBucketVersioning', scope: 'bucket', method: 'GET', needs: ['versioning'], takes: [] },
  { operation: 'PutBucketVersioning', scope: 'bucket', method: 'PUT', needs: ['versioning'], takes: [] },
  { operation: 'GetBucketPolicy', scope: 'bucket', method: 'GET', needs: ['policy'], takes: [] },
  { operation: 'PutBucketPolicy', scope: 'bucket', method: 'PUT', needs: ['policy'], takes: [] },
  { operation: 'DeleteBucketPolicy', scope: 'bucket', method: 'DELETE', needs: ['policy'], takes: [] },
  { operation: 'GetBucketAcl', scope: 'bucket', method: 'GET', needs: ['acl'], takes: [] },
  { operation: 'PutBucketAcl', scope: 'bucket', method: 'PUT', needs: ['acl'], takes: [] },
  { operation: 'ListObjectVersions', scope: 'bucket', method: 'GET', needs: ['versions'], takes: [...listing, 'key-marker', 'version-id-marker'] },
  { operation: 'ListMultipartUploads', scope: 'bucket', method: 'GET', needs: ['uploads'], takes: ['prefix', 'delimiter', 'encoding-type', 'max-uploads', 'key-marker', 'upload-id-marker'] },
  { operation: 'ListObjectsV2', scope: 'bucket', method: 'GET', needs: ['list-type'], takes: [...listing, 'continuation-token', 'start-after', 'fetch-owner'] },
  { operation: 'ListObjects', scope: 'bucket', method: 'GET', needs: [], takes: [...listing, 'marker'] },
  { operation: 'DeleteObjects', scope: 'bucket', method: 'POST', needs: ['delete'], takes: [] },
  { operation: 'ListParts', scope: 'object', method: 'GET', needs: ['uploadId'], takes: ['max-parts', 'part-number-marker', 'encoding-type'] },
  { operation: 'GetObjectAcl', scope: 'object', method: 'GET', needs: ['acl'], takes: ['versionId'] },
  { operation: 'GetObject', scope: 'object', method: 'GET', needs: [], takes: reading },
  { operation: 'HeadObject', scope: 'object', method: 'HEAD', needs: [], takes: reading },
  { operation: 'UploadPartCopy', scope: 'object', method: 'PUT', needs: part, takes: [], copy: true },
  { operation: 'UploadPart', scope: 'object', method: 'PUT', needs: part, takes: [], copy: false },
  { operation: 'PutObjectAcl', scope: 'object', method: 'PUT', needs: ['acl'], takes: ['versionId'] },
  { operation: 'CopyObject', scope: 'object', method: 'PUT', needs: [], takes: [], copy: true },
  { operation: 'PutObject', scope: 'object', method: 'PUT', needs: [], takes: [], copy: false },
  { operation: 'CreateMultipartUpload', scope: 'object', method: 'POST', needs: ['uploads'], takes: ['encoding-type'] },
  { operation: 'CompleteMultipartUpload', scope: 'object', method: 'POST', needs: ['uploadId'], takes: [] },
  { operation: 'AbortMultipartUpload', scope: 'object', method: 'DELETE', needs: ['uploadId'], takes: [] },
  { operation: 'DeleteObject', scope: 'object', method: 'DELETE', needs: [], takes: ['versionId'] },
]

/** Request headers that change what is stored or when: not imitated, so refused rather than ignored. */
const unsupportedHeaders = [
  /^x-amz-server-side-encryption/,
  /^x-amz-copy-source-(if-|server-side)/,
  /^x-amz-tagging/,
  /^x-amz-object-lock-/,
  /^x-amz-bypass-governance-retention$/,
  /^x-amz-website-redirect-location$/,
  /^x-amz-write-offset-bytes$/,
  /^x-amz-mfa$/,
  /^x-amz-if-match-/,
]

/**
 * The operation a request asks for. Every parameter has to be one the operation understands:
 * servers that let an unknown sub-resource fall through to the bare operation delete a bucket on `DELETE ?encryption`.
 * With `ignored` the sandbox is such a server, for buckets. Throws NotImplemented.
 */
export function findOperation(
  method: string,
  target: RequestTarget,
  headers: readonly string[],
  unknownSubResources: 'refused' | 'ignored' = 'refused',
): OperationName {
  const scope = target.bucketName === '' ? 'service' : target.objectKey === '' ? 'bucket' : 'object'
  const parameters = [...target.query.keys()].filter((name) => !isNeutral(name))
  const copy = headers.includes('x-amz-copy-source')
  const candidates = routes.filter(
    (candidate) =>
      candidate.scope === scope &&
      candidate.method === method &&
      (candidate.copy ?? copy) === copy &&
      candidate.needs.every((name) => parameters.includes(name)),
  )
  const understood = candidates.find((candidate) =>
    parameters.every((name) => candidate.needs.includes(name) || candidate.takes.includes(name)),
  )
  const route =
    understood ?? (unknownSubResources === 'ignored' && scope === 'bucket' ? candidates[0] : undefined)
  if (route === undefined || (copy && route.copy === undefined)) {
    throw new S3Error(
      'NotImplemented',
      `the sandbox does not know ${method} with ${parameters.join(', ') || 'this target'}`,
    )
  }
  const header = headers.find((name) => unsupportedHeaders.some((pattern) => pattern.test(name)))
  if (header !== undefined)
    throw new S3Error('NotImplemented', `the sandbox does not imitate the header ${header}`)
  return route.operation
}

/** Parameters of the signature, of the SDK's own, and headers an SDK moved into a presigned URL: RGW ignores those. */
function isNeutral(name: string): boolean {
  return name === 'x-id' || name.toLowerCase().startsWith('x-amz-')
}
