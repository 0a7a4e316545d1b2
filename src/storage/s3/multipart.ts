import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { hasCode } from '../../util/errors.ts'
import { StorageError } from '../errors.ts'
import { failure } from '../failure.ts'
import type {
  CompleteUploadOptions,
  CreateUploadOptions,
  MultipartUpload,
  PartOptions,
  PrefixOptions,
  RequestOptions,
  StoredObject,
  StoredPart,
  StreamedBody,
  UnfinishedUpload,
  UploadedPart,
} from '../object-store.ts'
import { checkPartEtag } from '../part-etag.ts'
import { serializeObjectHeaders } from './object-headers.ts'
import { nextPage } from './pages.ts'
import { request, unquoted } from './request.ts'
import { sendBody, type Wire } from './sent-body.ts'
import { signedSha256, signedWith } from './signed-sha256.ts'
import { sentInUtf8 } from './utf8-headers.ts'
import { versionIdOf } from './version-id.ts'

export async function createMultipartUpload(
  client: S3Client,
  bucket: string,
  objectKey: string,
  options: CreateUploadOptions = {},
): Promise<string> {
  const { acl, contentType, headers } = options
  const where = { operation: 'CreateMultipartUpload', bucket, objectKey }
  const command = new CreateMultipartUploadCommand({
    Bucket: bucket,
    Key: objectKey,
    ...(acl === undefined ? {} : { ACL: acl }),
    ...(contentType === undefined ? {} : { ContentType: contentType }),
    ...(headers === undefined ? {} : serializeObjectHeaders(headers)),
  })
  const sent = headers === undefined ? command : sentInUtf8(command)
  const { UploadId } = await request(where, options, (settings) => client.send(sent, settings))
  if (UploadId === undefined || UploadId === '') {
    throw failure('STORE_FAILURE', where, 'the answer has no upload id')
  }
  return UploadId
}

export async function uploadPart(
  client: S3Client,
  wire: Wire,
  upload: MultipartUpload,
  partNumber: number,
  body: Uint8Array | StreamedBody,
  options: PartOptions = {},
): Promise<UploadedPart> {
  const where = { ...whereOf('UploadPart', upload), partNumber }
  const sha256 = signedSha256(where, wire, body, options.sha256)
  const { pace } = wire
  const answer = await sendBody(body, { pace, signal: options.signal }, (sent, signal) => {
    const input = { ...names(upload), PartNumber: partNumber, Body: sent, ContentLength: body.length }
    const command = signedWith(new UploadPartCommand(input), sha256)
    return request(where, { signal }, (settings) => client.send(command, settings))
  })
  const etag = unquoted(answer.ETag)
  if (etag === undefined)
    throw failure('STORE_FAILURE', where, 'the answer has no ETag', {
      status: 200,
      retryable: true,
    })
  checkPartEtag(where, etag, options.md5)
  return { partNumber, etag }
}

export async function completeMultipartUpload(
  client: S3Client,
  upload: MultipartUpload,
  parts: readonly UploadedPart[],
  options: CompleteUploadOptions = {},
): Promise<StoredObject> {
  const listed = parts.map(({ partNumber, etag }) => ({ PartNumber: partNumber, ETag: `"${etag}"` }))
  const command = new CompleteMultipartUploadCommand({
    ...names(upload),
    MultipartUpload: { Parts: listed },
    ...(options.ifAbsent === true ? { IfNoneMatch: '*' } : {}),
  })
  const where = whereOf('CompleteMultipartUpload', upload)
  try {
    const answer = await request(where, options, (settings) => client.send(command, settings))
    // Ceph RGW 16 leaves the ETag empty; an answer that names nothing at all comes from something else than a store.
    if ([answer.ETag, answer.Key, answer.Bucket, answer.Location].every((field) => field === undefined)) {
      throw failure('STORE_FAILURE', where, 'the answer names no object', { status: 200, retryable: true })
    }
    return { etag: unquoted(answer.ETag), versionId: versionIdOf(answer.VersionId) }
  } catch (error) {
    if (error instanceof StorageError && error.status === 500) await throwIfGone(client, upload, options)
    throw error
  }
}

/** Ceph RGW 16 answers 500 `already in progress` for ever when the upload was aborted: UPLOAD_NOT_FOUND is the truth. */
async function throwIfGone(
  client: S3Client,
  upload: MultipartUpload,
  options: RequestOptions | undefined,
): Promise<void> {
  try {
    await listParts(client, upload, options).next()
  } catch (error) {
    if (hasCode(error, 'UPLOAD_NOT_FOUND')) throw error
  }
}

export async function abortMultipartUpload(
  client: S3Client,
  upload: MultipartUpload,
  options?: RequestOptions,
): Promise<void> {
  try {
    await request(whereOf('AbortMultipartUpload', upload), options, (settings) =>
      client.send(new AbortMultipartUploadCommand(names(upload)), settings),
    )
  } catch (error) {
    if (!hasCode(error, 'UPLOAD_NOT_FOUND')) throw error
  }
}

export async function* listParts(
  client: S3Client,
  upload: MultipartUpload,
  options?: RequestOptions,
): AsyncGenerator<StoredPart> {
  const where = whereOf('ListParts', upload)
  let marker: string | undefined
  do {
    const from = marker === undefined ? {} : { PartNumberMarker: marker }
    const command = new ListPartsCommand({ ...names(upload), ...from })
    const page = await request(where, options, (settings) => client.send(command, settings))
    for (const { PartNumber, ETag, Size } of page.Parts ?? []) {
      const etag = unquoted(ETag)
      if (PartNumber === undefined || Size === undefined || etag === undefined) {
        throw failure('STORE_FAILURE', where, 'a part is listed without number, size or ETag')
      }
      yield { partNumber: PartNumber, size: Size, etag }
    }
    marker = nextPage(where, page.IsTruncated, marker, page.NextPartNumberMarker)
  } while (marker !== undefined)
}

/** Without `encoding-type`: Ceph RGW 16 encodes the object keys then, and does not say so. */
export async function* listMultipartUploads(
  client: S3Client,
  bucket: string,
  options: PrefixOptions = {},
): AsyncGenerator<UnfinishedUpload> {
  const where = { operation: 'ListMultipartUploads', bucket }
  const prefix = options.prefix === undefined ? {} : { Prefix: options.prefix }
  let marker: { KeyMarker: string; UploadIdMarker: string } | undefined
  do {
    const command = new ListMultipartUploadsCommand({ Bucket: bucket, ...prefix, ...marker })
    const page = await request(where, options, (settings) => client.send(command, settings))
    for (const { Key, UploadId, Initiated, Owner, Initiator } of page.Uploads ?? []) {
      if (Key === undefined || UploadId === undefined) {
        throw failure('STORE_FAILURE', where, 'an upload is listed without object key or id')
      }
      yield {
        bucket,
        objectKey: Key,
        uploadId: UploadId,
        initiatedAt: Initiated,
        ownerId: Owner?.ID,
        initiatorId: Initiator?.ID,
      }
    }
    const { NextKeyMarker, NextUploadIdMarker = '' } = page
    const next =
      NextKeyMarker === undefined || NextKeyMarker === ''
        ? undefined
        : { KeyMarker: NextKeyMarker, UploadIdMarker: NextUploadIdMarker }
    marker = nextPage(where, page.IsTruncated, marker, next)
  } while (marker !== undefined)
}

function names({ bucket, objectKey, uploadId }: MultipartUpload) {
  return { Bucket: bucket, Key: objectKey, UploadId: uploadId }
}

function whereOf(operation: string, { bucket, objectKey }: MultipartUpload) {
  return { operation, bucket, objectKey }
}
