import { type BucketOperation, xmlAnswer } from '../request.ts'
import { compareUtf8 } from '../state/key-index.ts'
import type { UploadRecord } from '../state/records.ts'
import { buildXml } from '../xml.ts'
import { ownerXml } from './acl.ts'
import { maxPage } from './limits.ts'
import { parseCount, parseListing, takePage } from './listing.ts'
import { openUpload } from './multipart.ts'

/** Unfinished uploads of everybody, by key. */
export const listMultipartUploads: BucketOperation = (request, { projects }) => {
  const { bucket, query } = request
  const listing = parseListing(request, 'max-uploads')
  const { encode } = listing
  const keyMarker = query.get('key-marker') ?? ''
  const uploadIdMarker = query.get('upload-id-marker') ?? ''
  const behindMarker = ({ objectKey, uploadId }: UploadRecord): boolean => {
    const order = compareUtf8(objectKey, keyMarker)
    return (
      keyMarker === '' || order > 0 || (order === 0 && uploadIdMarker !== '' && uploadId > uploadIdMarker)
    )
  }
  const uploads = bucket.uploads
    .list()
    .map(({ record }) => record)
    .filter((record) => record.objectKey.startsWith(listing.prefix) && behindMarker(record))
    .sort(
      (left, right) =>
        compareUtf8(left.objectKey, right.objectKey) || compareUtf8(left.uploadId, right.uploadId),
    )
  const page = takePage(uploads, ({ objectKey }) => objectKey, { ...listing, after: keyMarker })
  return xmlAnswer(
    buildXml('ListMultipartUploadsResult', {
      Bucket: bucket.record.name,
      Prefix: encode(listing.prefix),
      Delimiter: listing.delimiter === '' ? undefined : encode(listing.delimiter),
      KeyMarker: encode(keyMarker),
      UploadIdMarker: uploadIdMarker,
      NextKeyMarker: page.last === undefined ? undefined : encode(page.last.objectKey),
      NextUploadIdMarker: page.last?.uploadId,
      MaxUploads: listing.limit,
      EncodingType: listing.encodingType,
      IsTruncated: page.last !== undefined,
      Upload: page.entries.map((upload) => ({
        Key: encode(upload.objectKey),
        UploadId: upload.uploadId,
        Initiator: ownerXml(upload.initiatorId, projects, 'upload', request.identity),
        Owner: ownerXml(upload.acl.ownerId, projects, 'upload', request.identity),
        StorageClass: 'STANDARD',
        Initiated: upload.initiatedAt,
      })),
      CommonPrefixes: page.commonPrefixes.map((prefix) => ({ Prefix: encode(prefix) })),
    }),
  )
}

/** The parts that arrived, by number. */
export const listParts: BucketOperation = (request, { projects }) => {
  const { bucket, objectKey, query } = request
  const { record, parts } = openUpload(request)
  const limit = parseCount(query.get('max-parts'), 'max-parts', maxPage)
  const marker = parseCount(
    query.get('part-number-marker') ?? '0',
    'part-number-marker',
    Number.MAX_SAFE_INTEGER,
  )
  const behind = [...parts.values()]
    .filter((part) => part.partNumber > marker)
    .sort((left, right) => left.partNumber - right.partNumber)
  const page = behind.slice(0, limit)
  const truncated = behind.length > page.length
  return xmlAnswer(
    buildXml('ListPartsResult', {
      Bucket: bucket.record.name,
      Key: objectKey,
      UploadId: record.uploadId,
      Initiator: ownerXml(record.initiatorId, projects, 'upload', request.identity),
      Owner: ownerXml(record.acl.ownerId, projects, 'upload', request.identity),
      StorageClass: 'STANDARD',
      PartNumberMarker: marker,
      NextPartNumberMarker: page.at(-1)?.partNumber ?? 0,
      MaxParts: limit,
      IsTruncated: truncated,
      Part: page.map((part) => ({
        PartNumber: part.partNumber,
        LastModified: part.lastModified,
        ETag: `"${part.etag}"`,
        Size: part.size,
      })),
    }),
  )
}
