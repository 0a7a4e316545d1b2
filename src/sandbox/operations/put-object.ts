import { type BucketOperation, emptyAnswer } from '../request.ts'
import {
  newObjectAcl,
  nextVersionId,
  objectHeaders,
  requireBucketStillThere,
  versionHeader,
} from './object-version.ts'
import { checkWriteConditions } from './preconditions.ts'

/** Streams the body to disk; it becomes an object only when all of it was found right. */
export const putObject: BucketOperation = async (request, service) => {
  const { bucket, objectKey, headers } = request
  const acl = newObjectAcl(request, service)
  checkWriteConditions(headers, bucket.find(objectKey))
  const { content } = service.buckets
  const { piece, md5 } = await content.writeBody(request.body)
  try {
    requireBucketStillThere(request, service)
    checkWriteConditions(headers, bucket.find(objectKey))
  } catch (error) {
    content.remove([piece])
    throw error
  }
  const versionId = nextVersionId(bucket)
  bucket.addVersion(objectKey, {
    kind: 'object',
    versionId,
    lastModified: request.now.toISOString(),
    size: piece.size,
    etag: md5,
    pieces: [piece],
    headers: objectHeaders(request),
    acl,
  })
  return emptyAnswer(200, { etag: `"${md5}"`, ...versionHeader(bucket, versionId) })
}
