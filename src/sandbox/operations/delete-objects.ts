import { type BucketOperation, type BucketRequest, emptyAnswer, type Service, xmlAnswer } from '../request.ts'
import { S3Error } from '../s3-error.ts'
import { buildXml, childElements, childText, parseXml, type XmlElement } from '../xml.ts'
import { maxPage, maxXmlBytes } from './limits.ts'
import { newOwnerId, nextVersionId } from './object-version.ts'

/** Deleting what does not exist is no failure. */
export const deleteObject: BucketOperation = (request, service) => {
  if (request.headers['if-match'] !== undefined) {
    throw new S3Error('NotImplemented', 'the sandbox does not delete conditionally')
  }
  const { versionId, deleteMarker } = deleteVersion(
    request,
    service,
    request.objectKey,
    request.query.get('versionId'),
  )
  return emptyAnswer(204, {
    ...(versionId === undefined ? {} : { 'x-amz-version-id': versionId }),
    ...(deleteMarker ? { 'x-amz-delete-marker': 'true' } : {}),
  })
}

/** Up to a thousand at once; each is answered for itself, refusals included. */
export const deleteObjects: BucketOperation = async (request, service) => {
  const { multiDelete } = service.rules
  const root = parseXml(await request.body.text(maxXmlBytes), 'Delete')
  const objects = childElements(root, 'Object')
  if (objects.length > maxPage) throw new S3Error('MalformedXML', `at most ${maxPage} objects at once`)
  const access = request.accessTo(request.bucket)
  const quiet = childText(root, 'Quiet')?.trim() === 'true'
  const [deleted, errors]: [XmlElement[], XmlElement[]] = [[], []]
  for (const object of objects) {
    const objectKey = childText(object, 'Key') ?? ''
    const versionId = childText(object, 'VersionId')
    if (objectKey === '') throw new S3Error('MalformedXML', 'an object has no key')
    const action = versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion'
    if (multiDelete !== 'bucket' && !access.mayWrite(action, objectKey)) {
      errors.push({ Key: objectKey, VersionId: versionId, Code: 'AccessDenied', Message: 'access denied' })
      continue
    }
    const done = deleteVersion(request, service, objectKey, versionId)
    deleted.push({
      Key: objectKey,
      VersionId: versionId,
      ...(done.deleteMarker ? { DeleteMarker: true, DeleteMarkerVersionId: done.versionId } : {}),
    })
  }
  return xmlAnswer(buildXml('DeleteResult', { ...(quiet ? {} : { Deleted: deleted }), Error: errors }))
}

/** With an id that version is gone; without one a bucket with versioning gets a delete marker on top. */
function deleteVersion(
  request: BucketRequest,
  service: Service,
  objectKey: string,
  versionId: string | undefined,
): { versionId: string | undefined; deleteMarker: boolean } {
  const { bucket } = request
  if (versionId !== undefined) {
    const removed = bucket.removeVersion(objectKey, versionId)
    return { versionId, deleteMarker: removed?.kind === 'delete-marker' }
  }
  if (bucket.record.versioning === 'off') {
    bucket.removeVersion(objectKey, 'null')
    return { versionId: undefined, deleteMarker: false }
  }
  return { versionId: addDeleteMarker(request, service, objectKey), deleteMarker: true }
}

function addDeleteMarker(request: BucketRequest, service: Service, objectKey: string): string {
  const { bucket } = request
  const versionId = nextVersionId(bucket)
  bucket.addVersion(objectKey, {
    kind: 'delete-marker',
    versionId,
    lastModified: request.now.toISOString(),
    ownerId: newOwnerId(request, service),
  })
  return versionId
}
