import { createHash } from 'node:crypto'
import { failure, type Where } from './failure.ts'
import { denied, type MemoryObject, type MemoryUpload, type MemoryWorld, ownAcl } from './memory-world.ts'
import { multipartEtag } from './multipart-etag.ts'
import { checkPartEtag } from './part-etag.ts'
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
} from './object-store.ts'

/** The multipart half of the memory store, and what both halves need. */
export class MemoryMultipart {
  protected readonly callerId: string
  protected readonly world: MemoryWorld
  readonly #minPartSize: number

  constructor(callerId: string, world: MemoryWorld, minPartSize: number) {
    this.callerId = callerId
    this.world = world
    this.#minPartSize = minPartSize
  }

  async createMultipartUpload(
    bucket: string,
    objectKey: string,
    options: CreateUploadOptions = {},
  ): Promise<string> {
    const where = this.begin('CreateMultipartUpload', { bucket, objectKey }, options)
    const { acl, uploads } = this.world.permitted(this.callerId, 's3:PutObject', where)
    const uploadId = this.world.nextId()
    uploads.set(uploadId, {
      objectKey,
      uploadId,
      initiatedAt: new Date(),
      acl: ownAcl(this.callerId, options.acl && acl.ownerId),
      headers: options.headers ?? { contentType: options.contentType, metadata: {} },
      parts: new Map(),
    })
    return uploadId
  }

  async uploadPart(
    upload: MultipartUpload,
    partNumber: number,
    body: Uint8Array | StreamedBody,
    options: PartOptions = {},
  ): Promise<UploadedPart> {
    const where = this.begin('UploadPart', { ...place(upload), partNumber }, options)
    this.world.permitted(this.callerId, 's3:PutObject', where)
    const bytes = body instanceof Uint8Array ? Uint8Array.from(body) : await wholeBody(body, where)
    this.checkBody(where, bytes, options.sha256)
    checkPartEtag(where, createHash('md5').update(bytes).digest('hex'), options.md5)
    return this.placePart(where, upload, partNumber, bytes)
  }

  async completeMultipartUpload(
    upload: MultipartUpload,
    parts: readonly UploadedPart[],
    options: CompleteUploadOptions = {},
  ): Promise<StoredObject> {
    const where = this.begin('CompleteMultipartUpload', place(upload), options)
    const { objects, uploads } = this.world.permitted(this.callerId, 's3:PutObject', where)
    const unfinished = this.#upload(upload, where)
    if (options.ifAbsent === true && objects.has(upload.objectKey)) throw failure('OBJECT_EXISTS', where)
    const bodies = this.#joinable(where, unfinished, parts)
    uploads.delete(upload.uploadId)
    const { acl, headers } = unfinished
    return this.place(where, {
      body: Buffer.concat(bodies),
      etag: multipartEtag(parts) ?? '',
      acl,
      headers,
      tags: {},
    })
  }

  async abortMultipartUpload(upload: MultipartUpload, options?: RequestOptions): Promise<void> {
    const where = this.begin('AbortMultipartUpload', place(upload), options)
    const { uploads } = this.world.permitted(this.callerId, 's3:AbortMultipartUpload', where)
    uploads.delete(upload.uploadId)
  }

  async *listParts(upload: MultipartUpload, options?: RequestOptions): AsyncGenerator<StoredPart> {
    const where = this.begin('ListParts', place(upload), options)
    const { acl, parts } = this.#upload(upload, where)
    const isUploader = acl.ownerId === this.callerId
    if (!isUploader && !this.world.may(this.callerId, 's3:ListMultipartUploadParts', where))
      throw denied(where)
    for (const [partNumber, { body, etag }] of [...parts].sort(([a], [b]) => a - b)) {
      yield { partNumber, etag, size: body.length }
    }
  }

  async *listMultipartUploads(bucket: string, options: PrefixOptions = {}): AsyncGenerator<UnfinishedUpload> {
    const where = this.begin('ListMultipartUploads', { bucket }, options)
    const { uploads } = this.world.permitted(this.callerId, 's3:ListBucketMultipartUploads', where)
    for (const { objectKey, uploadId, initiatedAt, acl } of uploads.values()) {
      if (!objectKey.startsWith(options.prefix ?? '')) continue
      yield { bucket, objectKey, uploadId, initiatedAt, ownerId: acl.ownerId, initiatorId: acl.ownerId }
    }
  }

  protected begin(operation: string, where: Omit<Where, 'operation'>, options?: RequestOptions): Where {
    options?.signal?.throwIfAborted()
    return { operation, ...where }
  }

  protected checkBody(where: Where, body: Uint8Array, sha256: string | undefined): void {
    if (sha256 === undefined || createHash('sha256').update(body).digest('hex') === sha256) return
    throw failure('INTEGRITY', where, '400 XAmzContentSHA256Mismatch', { status: 400, retryable: true })
  }

  /** Puts an object in place of what was there. */
  protected place(
    where: Where,
    object: Omit<MemoryObject, 'lastModified' | 'versionId'>,
  ): StoredObject & { etag: string } {
    const { objects, older, versioning } = this.world.bucket(where)
    const objectKey = where.objectKey ?? ''
    const versionId = versioning === 'enabled' ? this.world.nextId() : undefined
    const before = objects.get(objectKey)
    if (versionId !== undefined && before !== undefined) {
      older.set(objectKey, [before, ...(older.get(objectKey) ?? [])])
    }
    objects.set(objectKey, { ...object, lastModified: new Date(), versionId })
    return { etag: object.etag, versionId }
  }

  /** Stores bytes as a part of an unfinished upload. */
  protected placePart(
    where: Where,
    upload: MultipartUpload,
    partNumber: number,
    body: Uint8Array,
  ): UploadedPart {
    const etag = createHash('md5').update(body).digest('hex')
    this.#upload(upload, where).parts.set(partNumber, { body, etag })
    return { partNumber, etag }
  }

  #upload(upload: MultipartUpload, where: Where): MemoryUpload {
    const found = this.world.bucket(where).uploads.get(upload.uploadId)
    if (found?.objectKey !== upload.objectKey) {
      throw failure('UPLOAD_NOT_FOUND', where, '404 NoSuchUpload', { status: 404 })
    }
    return found
  }

  /** The parts' bodies, when the list names them as they are, in order, none too small. */
  #joinable(where: Where, unfinished: MemoryUpload, parts: readonly UploadedPart[]): Uint8Array[] {
    let last = 0
    const bodies = parts.map(({ partNumber, etag }) => {
      const part = unfinished.parts.get(partNumber)
      if (part?.etag !== etag || partNumber <= last) {
        throw failure('INTEGRITY', { ...where, partNumber }, '400 InvalidPart', { status: 400 })
      }
      last = partNumber
      return part.body
    })
    if (bodies.slice(0, -1).some((body) => body.length < this.#minPartSize)) {
      throw failure('STORE_FAILURE', where, '400 EntityTooSmall', { status: 400 })
    }
    return bodies
  }
}

async function wholeBody(body: StreamedBody, where: Where): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body.open()) chunks.push(Uint8Array.from(chunk))
  const bytes = Buffer.concat(chunks)
  if (bytes.length === body.length) return bytes
  throw failure('STORE_FAILURE', where, `${bytes.length} bytes instead of ${body.length}`)
}

function place({ bucket, objectKey }: MultipartUpload): { bucket: string; objectKey: string } {
  return { bucket, objectKey }
}
