import { headerText } from '../http-headers.ts'
import type { BucketOperation, BucketRequest, Service } from '../request.ts'
import { xmlAnswer } from '../request.ts'
import { S3Error } from '../s3-error.ts'
import type { Bucket } from '../state/bucket.ts'
import type { StoredVersion } from '../state/records.ts'
import { buildXml } from '../xml.ts'
import {
  newObjectAcl,
  nextVersionId,
  objectHeaders,
  requireBucketStillThere,
  versionHeader,
} from './object-version.ts'
import { checkWriteConditions } from './preconditions.ts'

/**
 * The copy belongs to whoever copies: onto itself it takes an object over. Its ETag stays the source's.
 * Throws InvalidRequest for a copy onto itself that changes nothing.
 */
export const copyObject: BucketOperation = async (request, service) => {
  const { bucket, objectKey, headers } = request
  const { source, sourceBucket, sourceKey } = findCopySource(request, service)
  const replace = headerText(headers, 'x-amz-metadata-directive')?.toUpperCase() === 'REPLACE'
  if (!replace && bucket === sourceBucket && objectKey === sourceKey) {
    throw new S3Error('InvalidRequest', 'a copy onto itself has to replace the metadata')
  }
  const acl = newObjectAcl(request, service)
  const { content } = service.buckets
  const pieces = await content.duplicate(source.pieces)
  try {
    requireBucketStillThere(request, service)
    checkWriteConditions(headers, bucket.find(objectKey))
  } catch (error) {
    content.remove(pieces)
    throw error
  }
  const versionId = nextVersionId(bucket)
  const lastModified = request.now.toISOString()
  bucket.addVersion(objectKey, {
    kind: 'object',
    versionId,
    lastModified,
    size: source.size,
    etag: source.etag,
    pieces,
    headers: replace ? objectHeaders(request) : source.headers,
    acl,
  })
  return xmlAnswer(
    buildXml('CopyObjectResult', { ETag: `"${source.etag}"`, LastModified: lastModified }),
    versionHeader(bucket, versionId),
  )
}

/**
 * The object x-amz-copy-source names, `[/][tenant:]bucket/key[?versionId=ID]`, after asking whether the caller may
 * read it. Throws NoSuchBucket, NoSuchKey, AccessDenied, InvalidArgument.
 */
export function findCopySource(
  request: BucketRequest,
  { buckets }: Service,
): { source: StoredVersion; sourceBucket: Bucket; sourceKey: string } {
  const header = headerText(request.headers, 'x-amz-copy-source') ?? ''
  const [path = '', versionId] = header.split('?versionId=')
  const [, address, sourceKey] = /^\/?([^/]+)\/(.+)$/s.exec(decodeSource(path)) ?? []
  if (address === undefined || sourceKey === undefined) {
    throw new S3Error('InvalidArgument', 'x-amz-copy-source is BUCKET/KEY')
  }
  const sourceBucket = buckets.find(address, request.identity.tenant)
  if (sourceBucket === undefined) throw new S3Error('NoSuchBucket', 'there is no such source bucket')
  const source = sourceBucket.find(sourceKey, versionId)
  const action = versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion'
  request.accessTo(sourceBucket).requireObject(action, sourceKey, source?.acl, 'READ')
  if (source === undefined) throw new S3Error('NoSuchKey', 'there is no such source')
  return { source, sourceBucket, sourceKey }
}

function decodeSource(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    throw new S3Error('InvalidArgument', 'x-amz-copy-source has a broken escape')
  }
}
