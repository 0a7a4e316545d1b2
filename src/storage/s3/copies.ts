import { CopyObjectCommand, type S3Client, UploadPartCopyCommand } from '@aws-sdk/client-s3'
import { refuseDecodedTwice } from '../copied-part.ts'
import type { CopiedObject, CopyObjectOptions, ObjectSource } from '../copy-store.ts'
import { StorageError } from '../errors.ts'
import { failure, type Where } from '../failure.ts'
import type { ByteRange, MultipartUpload, ObjectName, RequestOptions, UploadedPart } from '../object-store.ts'
import { rangeHeader } from './byte-range.ts'
import { serializeObjectHeaders } from './object-headers.ts'
import { request, unquoted } from './request.ts'
import { sentInUtf8 } from './utf8-headers.ts'
import { versionIdOf } from './version-id.ts'

/**
 * The SDK takes an `<Error>` in an answer of status 200 for a failure of status 503; Ceph RGW 16.2 begins such an answer
 * while it copies, to keep the connection open. Its ETag has no quotes, and it names no version.
 */
export async function copyObject(
  client: S3Client,
  source: ObjectSource,
  { bucket, objectKey }: ObjectName,
  options: CopyObjectOptions = {},
): Promise<CopiedObject> {
  const where = { operation: 'CopyObject', bucket, objectKey }
  const { headers, acl } = options
  const command = new CopyObjectCommand({
    Bucket: bucket,
    Key: objectKey,
    CopySource: serializeCopySource(source),
    ...(acl === undefined ? {} : { ACL: acl }),
    ...(headers === undefined ? {} : { MetadataDirective: 'REPLACE', ...serializeObjectHeaders(headers) }),
  })
  const answer = await request(where, options, (settings) => client.send(sentInUtf8(command), settings))
  // The SDK reads the result out of any document: an error that ends in a line end, another server's greeting.
  const { ETag, LastModified } = answer.CopyObjectResult ?? {}
  if (ETag === undefined && LastModified === undefined) {
    throw failure('STORE_FAILURE', where, 'the answer names no copy', { status: 200, retryable: true })
  }
  return { etag: unquoted(ETag), versionId: versionIdOf(answer.VersionId) }
}

export async function copyPart(
  client: S3Client,
  { bucket, objectKey, uploadId }: MultipartUpload,
  partNumber: number,
  source: ObjectSource & { range?: ByteRange | undefined },
  options?: RequestOptions,
): Promise<UploadedPart> {
  const where = { operation: 'UploadPartCopy', bucket, objectKey, partNumber }
  refuseDecodedTwice(where, source)
  const { range } = source
  const command = new UploadPartCopyCommand({
    Bucket: bucket,
    Key: objectKey,
    UploadId: uploadId,
    PartNumber: partNumber,
    CopySource: serializeCopySource(source),
    ...(range === undefined ? {} : { CopySourceRange: rangeHeader(range) }),
  })
  const answer = await request(where, options, (settings) => client.send(command, settings)).catch(
    (error: unknown) => {
      throw range === undefined ? error : rangeFailure(error, where)
    },
  )
  const etag = unquoted(answer.CopyPartResult?.ETag)
  if (etag === undefined) {
    throw failure('STORE_FAILURE', where, 'the answer has no ETag', { status: 200, retryable: true })
  }
  return { partNumber, etag }
}

/** A range that the source is too short for: 416 InvalidRange on Ceph RGW, 400 InvalidArgument on AWS and versitygw. */
function rangeFailure(error: unknown, where: Where): unknown {
  const isRange = error instanceof StorageError && error.serverCode === 'InvalidArgument'
  return isRange
    ? failure('OBJECT_CHANGED', where, '400 InvalidArgument', { status: 400, cause: error })
    : error
}

/**
 * `BUCKET/KEY?versionId=ID`, each name percent-encoded for itself (CopyObject, x-amz-copy-source). The colon of
 * `tenant:bucket` may be encoded: seen on Ceph RGW 16.2.
 */
export function serializeCopySource({ bucket, objectKey, versionId }: ObjectSource): string {
  const key = objectKey.split('/').map(encodeURIComponent).join('/')
  const version = versionId === undefined ? '' : `?versionId=${encodeURIComponent(versionId)}`
  return `${encodeURIComponent(bucket)}/${key}${version}`
}
