import type { S3Client } from '@aws-sdk/client-s3'
import { AppError } from '../../util/errors.ts'

/**
 * Some servers take a bucket sub-resource that they don't know for the bare operation: on Ceph RGW 16
 * `DELETE /bucket?encryption` deletes the bucket. So each method may only ask for what was seen to work.
 */
const SUB_RESOURCES: Readonly<Record<string, readonly string[]>> = {
  GET: ['acl', 'policy', 'versioning', 'versions', 'uploads', 'uploadId', 'tagging', 'versionId'],
  PUT: ['acl', 'policy', 'versioning', 'uploadId', 'partNumber', 'tagging', 'versionId'],
  POST: ['uploads', 'uploadId'],
  DELETE: ['policy', 'uploadId', 'versionId'],
  HEAD: ['versionId'],
}

/** Parameters of those requests, harmless wherever they are not known. */
const PARAMETERS = new Set([
  'x-id',
  'list-type',
  'prefix',
  'delimiter',
  'max-keys',
  'fetch-owner',
  'start-after',
  'continuation-token',
  'encoding-type',
  'key-marker',
  'upload-id-marker',
  'version-id-marker',
  'part-number-marker',
  'max-parts',
  'max-uploads',
])

/** Makes a client refuse, before anything is sent, every sub-resource outside the list. */
export function refuseOtherRequests(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (args) => {
      checkRequest(args.request)
      return next(args)
    },
    { step: 'finalizeRequest', name: 'refuseOtherRequests', priority: 'low' },
  )
}

/** @throws AppError UNSUPPORTED for a request with a sub-resource that is not on the list. */
export function checkRequest(request: unknown): void {
  if (!isRequest(request)) throw new TypeError('not an HTTP request')
  const permitted = SUB_RESOURCES[request.method] ?? []
  for (const name of Object.keys(request.query)) {
    if (PARAMETERS.has(name) || permitted.includes(name)) continue
    throw new AppError(
      'UNSUPPORTED',
      `${request.method} with ?${name} is not among the requests sealift sends`,
    )
  }
}

function isRequest(request: unknown): request is { method: string; query: Record<string, unknown> } {
  return typeof request === 'object' && request !== null && 'method' in request && 'query' in request
}
