import { createHash } from 'node:crypto'
import { type Answer, type BucketOperation, type BucketRequest, xmlAnswer } from '../request.ts'
import { S3Error } from '../s3-error.ts'
import type { PartRecord, StoredVersion } from '../state/records.ts'
import type { Upload } from '../state/uploads.ts'
import { buildXml, childElements, childText, parseXml } from '../xml.ts'
import { maxPartNumber, maxXmlBytes, minPartSize } from './limits.ts'
import { openUpload } from './multipart.ts'
import { nextVersionId, requireBucketStillThere, versionHeader } from './object-version.ts'
import { checkWriteConditions } from './preconditions.ts'

interface ListedPart {
  readonly partNumber: number
  readonly etag: string
}

/**
 * Joins the parts: their files become the object's, no byte is copied. A Complete that is repeated is answered as the
 * first one was. The object belongs to who opened the upload, whoever completes it.
 */
export const completeMultipartUpload: BucketOperation = async (request, service) => {
  const { bucket, objectKey, query, headers } = request
  const listed = parseParts(await request.body.text(maxXmlBytes))
  requireBucketStillThere(request, service)
  const finished = bucket.findUploaded(objectKey, query.get('uploadId') ?? '')
  if (finished !== undefined) return answer(request, finished)

  const upload = openUpload(request)
  checkWriteConditions(headers, bucket.find(objectKey))
  const parts = matchParts(upload, listed)
  const version: StoredVersion = {
    kind: 'object',
    versionId: nextVersionId(bucket),
    lastModified: request.now.toISOString(),
    size: parts.reduce((total, part) => total + part.size, 0),
    etag: multipartEtag(parts),
    pieces: parts.map((part) => part.piece),
    headers: upload.record.headers,
    acl: upload.record.acl,
    uploadId: upload.record.uploadId,
  }
  bucket.addVersion(objectKey, version)
  bucket.uploads.finish(upload.record.uploadId)
  return answer(request, version)
}

/** MD5 of the parts' MD5s, and how many they were. */
function multipartEtag(parts: readonly PartRecord[]): string {
  const hash = createHash('md5')
  for (const part of parts) hash.update(Buffer.from(part.etag, 'hex'))
  return `${hash.digest('hex')}-${parts.length}`
}

/**
 * The parts as they arrived. Every one of them has to be listed: AWS lets a client leave some out, Ceph RGW does not.
 * Throws InvalidPart, InvalidPartOrder, EntityTooSmall.
 */
function matchParts(upload: Upload, listed: readonly ListedPart[]): PartRecord[] {
  const parts = listed.map(({ partNumber, etag }, index) => {
    if (index > 0 && partNumber <= (listed[index - 1]?.partNumber ?? 0)) {
      throw new S3Error('InvalidPartOrder', 'parts are listed by ascending number, each once')
    }
    const part = upload.parts.get(partNumber)
    if (part?.etag !== etag)
      throw new S3Error('InvalidPart', `part ${partNumber} did not arrive with this ETag`)
    return part
  })
  if (parts.length !== upload.parts.size)
    throw new S3Error('InvalidPart', 'parts that arrived are not listed')
  const small = parts.slice(0, -1).find((part) => part.size < minPartSize)
  if (small !== undefined) {
    throw new S3Error('EntityTooSmall', `part ${small.partNumber} is smaller than ${minPartSize} bytes`)
  }
  return parts
}

function parseParts(text: string): ListedPart[] {
  const parts = childElements(parseXml(text, 'CompleteMultipartUpload'), 'Part').map((part) => ({
    partNumber: Number(childText(part, 'PartNumber')),
    etag: (childText(part, 'ETag') ?? '').trim().replaceAll('"', ''),
  }))
  if (
    parts.length === 0 ||
    parts.length > maxPartNumber ||
    parts.some(({ partNumber }) => !Number.isInteger(partNumber))
  ) {
    throw new S3Error('MalformedXML', `1 to ${maxPartNumber} parts have to be listed`)
  }
  return parts
}

function answer({ bucket, objectKey }: BucketRequest, version: StoredVersion): Answer {
  return xmlAnswer(
    buildXml('CompleteMultipartUploadResult', {
      Location: `/${bucket.address}/${objectKey}`,
      Bucket: bucket.record.name,
      Key: objectKey,
      ETag: `"${version.etag}"`,
    }),
    versionHeader(bucket, version.versionId),
  )
}
