import { randomBytes } from 'node:crypto'
import { headerText } from '../http-headers.ts'
import { type BucketOperation, type BucketRequest, emptyAnswer, xmlAnswer } from '../request.ts'
import { S3Error } from '../s3-error.ts'
import type { WrittenContent } from '../state/content.ts'
import type { Upload } from '../state/uploads.ts'
import { buildXml } from '../xml.ts'
import { parseCopyRange } from './byte-range.ts'
import { findCopySource } from './copy-object.ts'
import { maxPartNumber } from './limits.ts'
import { newObjectAcl, objectHeaders, uploaderId } from './object-version.ts'

const idBytes = 24

/** ACL and metadata are fixed here, for the object that Complete makes. */
export const createMultipartUpload: BucketOperation = (request, service) => {
  const { bucket, objectKey } = request
  const uploadId = randomBytes(idBytes).toString('base64url')
  bucket.uploads.open({
    uploadId,
    objectKey,
    initiatedAt: request.now.toISOString(),
    initiatorId: uploaderId(request),
    headers: objectHeaders(request),
    acl: newObjectAcl(request, service),
  })
  return xmlAnswer(
    buildXml('InitiateMultipartUploadResult', {
      Bucket: bucket.record.name,
      Key: objectKey,
      UploadId: uploadId,
    }),
  )
}

export const uploadPart: BucketOperation = async (request, { buckets }) => {
  openUpload(request)
  const partNumber = parsePartNumber(request)
  const written = await buckets.content.writeBody(request.body)
  addPart(request, partNumber, written, (piece) => {
    buckets.content.remove(piece)
  })
  return emptyAnswer(200, { etag: `"${written.md5}"` })
}

/** A part from a range of an object the caller may read. */
export const uploadPartCopy: BucketOperation = async (request, service) => {
  openUpload(request)
  const partNumber = parsePartNumber(request)
  const { source } = findCopySource(request, service)
  const range = parseCopyRange(headerText(request.headers, 'x-amz-copy-source-range'), source.size)
  const { content } = service.buckets
  const written = await content.write(content.read(source.pieces, range.offset, range.length))
  addPart(request, partNumber, written, (piece) => {
    content.remove(piece)
  })
  return xmlAnswer(
    buildXml('CopyPartResult', { ETag: `"${written.md5}"`, LastModified: request.now.toISOString() }),
  )
}

export const abortMultipartUpload: BucketOperation = (request) => {
  const upload = openUpload(request)
  request.bucket.uploads.abort(upload.record.uploadId)
  return emptyAnswer(204)
}

/** The unfinished upload a request names. Throws NoSuchUpload. */
export function openUpload({ bucket, objectKey, query }: BucketRequest): Upload {
  const upload = bucket.uploads.find(objectKey, query.get('uploadId') ?? '')
  if (upload === undefined) throw new S3Error('NoSuchUpload', 'there is no such upload')
  return upload
}

/** The upload may have been aborted while the part was on its way. */
function addPart(
  request: BucketRequest,
  partNumber: number,
  { piece, md5 }: WrittenContent,
  discard: (pieces: WrittenContent['piece'][]) => void,
): void {
  let upload: Upload
  try {
    upload = openUpload(request)
  } catch (error) {
    discard([piece])
    throw error
  }
  request.bucket.uploads.addPart(upload, {
    partNumber,
    size: piece.size,
    etag: md5,
    lastModified: request.now.toISOString(),
    piece,
  })
}

function parsePartNumber({ query }: BucketRequest): number {
  const text = query.get('partNumber') ?? ''
  const partNumber = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (partNumber < 1 || partNumber > maxPartNumber) {
    throw new S3Error('InvalidArgument', `a part number is 1 to ${maxPartNumber}`)
  }
  return partNumber
}
