/**
 * A whole store in memory, for tests and dry runs: the contract of ObjectStore and AccessStore with S3's rules for
 * owners, ACLs and plain policy statements (memory-access.ts). Ownership is Ceph's: an object belongs to who stored it.
 */
import { createHash, randomUUID } from 'node:crypto'
import type { Acl, PolicyDocument } from './access/access-store.ts'
import { failure, type Where } from './failure.ts'
import { compareKeys } from './key-order.ts'
import { MemoryVersions } from './memory-versions.ts'
import { denied, type MemoryObject, MemoryWorld, ownAcl } from './memory-world.ts'
import type {
  BucketEntry,
  GetObjectOptions,
  ListObjectsOptions,
  ObjectBody,
  ObjectEntry,
  ObjectHead,
  PutObjectOptions,
  RequestOptions,
  StoredObject,
  Versioning,
  VersionOptions,
} from './object-store.ts'
import type { Provider } from './provider/provider.ts'
import { providerNamed } from './provider/providers.ts'
import type { Store } from './store.ts'

/** S3's general rule ("Bucket naming rules"), with Ceph's tenant in front. */
const BUCKET_NAME = /^(\w+:)?[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
/** Bytes of one chunk of a body. */
const CHUNK_SIZE = 64 * 1024

export interface MemoryStoreOptions {
  /** Canonical id of the caller; policies name it `arn:aws:iam:::user/` and this id. A fresh one when absent. */
  ownerId?: string | undefined
  /** The buckets; give the same world to several stores. */
  world?: MemoryWorld | undefined
  /** Bytes that every part but the last must have; S3's 5 MiB when absent. */
  minPartSize?: number | undefined
}

/** Makes a store in memory, as one caller sees it. */
export function createMemoryStore(options: MemoryStoreOptions = {}): Store {
  return new MemoryStore(
    options.ownerId ?? randomUUID(),
    options.world ?? new MemoryWorld(),
    options.minPartSize ?? 5 * 1024 ** 2,
  )
}

class MemoryStore extends MemoryVersions implements Store {
  async createBucket(bucket: string, options?: RequestOptions): Promise<void> {
    const where = this.begin('CreateBucket', { bucket }, options)
    if (!BUCKET_NAME.test(bucket)) throw failure('INVALID_BUCKET_NAME', where)
    if (this.world.buckets.has(bucket)) throw failure('BUCKET_EXISTS', where)
    this.world.buckets.set(bucket, {
      createdAt: new Date(),
      acl: ownAcl(this.callerId),
      policy: undefined,
      versioning: 'off',
      objects: new Map(),
      older: new Map(),
      uploads: new Map(),
    })
  }

  async bucketState(bucket: string, options?: RequestOptions): Promise<'visible' | 'forbidden' | 'absent'> {
    const where = this.begin('HeadBucket', { bucket }, options)
    if (!this.world.buckets.has(bucket)) return 'absent'
    return this.world.may(this.callerId, 's3:ListBucket', where) ? 'visible' : 'forbidden'
  }

  async listBuckets(options?: RequestOptions): Promise<BucketEntry[]> {
    this.begin('ListBuckets', {}, options)
    return [...this.world.buckets]
      .filter(([, { acl }]) => acl.ownerId === this.callerId)
      .map(([bucket, { createdAt }]) => ({ bucket, createdAt }))
      .sort((a, b) => compareKeys(a.bucket, b.bucket))
  }

  async deleteBucket(bucket: string, options?: RequestOptions): Promise<void> {
    const where = this.begin('DeleteBucket', { bucket }, options)
    const { objects, older } = this.world.permitted(this.callerId, 's3:DeleteBucket', where)
    if (objects.size > 0 || older.size > 0) throw failure('BUCKET_NOT_EMPTY', where)
    this.world.buckets.delete(bucket)
  }

  async bucketVersioning(bucket: string, options?: RequestOptions): Promise<Versioning> {
    const where = this.begin('GetBucketVersioning', { bucket }, options)
    return this.world.permitted(this.callerId, 's3:GetBucketVersioning', where).versioning
  }

  async enableVersioning(bucket: string, options?: RequestOptions): Promise<void> {
    const where = this.begin('PutBucketVersioning', { bucket }, options)
    this.world.permitted(this.callerId, 's3:PutBucketVersioning', where).versioning = 'enabled'
  }

  async headObject(bucket: string, objectKey: string, options?: VersionOptions): Promise<ObjectHead> {
    return headOf(this.readable('HeadObject', { bucket, objectKey, versionId: options?.versionId }, options))
  }

  async getObject(bucket: string, objectKey: string, options: GetObjectOptions = {}): Promise<ObjectBody> {
    const object = this.readable('GetObject', { bucket, objectKey }, options)
    const { body, etag } = object
    const { range = { offset: 0, length: body.length }, orLess = false, ifMatch } = options
    const where: Where = { operation: 'GetObject', bucket, objectKey }
    if (ifMatch !== undefined && ifMatch !== etag) throw failure('OBJECT_CHANGED', where)
    const isTooShort = range.offset + (orLess ? 1 : range.length) > body.length
    if (options.range !== undefined && isTooShort) {
      throw failure('OBJECT_CHANGED', where, `it has only ${body.length} bytes`)
    }
    const wanted = body.subarray(range.offset, range.offset + range.length)
    return {
      length: wanted.length,
      size: body.length,
      etag,
      head: headOf(object),
      body: chunks(wanted),
      destroy: () => undefined,
    }
  }

  async putObject(
    bucket: string,
    objectKey: string,
    body: Uint8Array,
    options: PutObjectOptions = {},
  ): Promise<StoredObject> {
    const where = this.begin('PutObject', { bucket, objectKey }, options)
    const { acl, objects } = this.world.permitted(this.callerId, 's3:PutObject', where)
    this.checkBody(where, body, options.sha256)
    if (options.ifAbsent === true && objects.has(objectKey)) throw failure('OBJECT_EXISTS', where)
    const etag = createHash('md5').update(body).digest('hex')
    return this.place(where, {
      body: Uint8Array.from(body),
      etag,
      acl: ownAcl(this.callerId, options.acl && acl.ownerId),
      headers: structuredClone(options.headers) ?? { contentType: options.contentType, metadata: {} },
      tags: { ...options.tags },
    })
  }

  async deleteObject(bucket: string, objectKey: string, options?: RequestOptions): Promise<void> {
    const where = this.begin('DeleteObject', { bucket, objectKey }, options)
    const found = this.world.permitted(this.callerId, 's3:DeleteObject', where)
    if (found.versioning === 'enabled') this.bury(found, objectKey)
    found.objects.delete(objectKey)
  }

  async *listObjects(bucket: string, options: ListObjectsOptions = {}): AsyncGenerator<ObjectEntry> {
    const where = this.begin('ListObjectsV2', { bucket }, options)
    const { objects } = this.world.permitted(this.callerId, 's3:ListBucket', where)
    const { prefix = '', startAfter, limit = Infinity } = options
    const wanted = [...objects]
      .filter(([objectKey]) => objectKey.startsWith(prefix))
      .filter(([objectKey]) => startAfter === undefined || compareKeys(objectKey, startAfter) > 0)
      .sort(([a], [b]) => compareKeys(a, b))
    for (const [objectKey, { body, etag, lastModified, acl }] of wanted.slice(0, limit)) {
      options.signal?.throwIfAborted()
      yield { objectKey, size: body.length, etag, lastModified, ownerId: acl.ownerId }
    }
  }

  async hasAnyVersion(bucket: string, options?: RequestOptions): Promise<boolean> {
    const where = this.begin('ListObjectVersions', { bucket }, options)
    const found = this.world.permitted(this.callerId, 's3:ListBucketVersions', where)
    return found.objects.size > 0 || found.older.size > 0
  }

  /** The rules here are Ceph's. */
  async provider(): Promise<Provider> {
    return providerNamed('ceph')
  }

  async bucketPolicy(bucket: string, options?: RequestOptions): Promise<PolicyDocument | undefined> {
    const where = this.begin('GetBucketPolicy', { bucket }, options)
    return structuredClone(this.world.permitted(this.callerId, 's3:GetBucketPolicy', where).policy)
  }

  async putBucketPolicy(bucket: string, policy: PolicyDocument, options?: RequestOptions): Promise<void> {
    const where = this.begin('PutBucketPolicy', { bucket }, options)
    this.world.permitted(this.callerId, 's3:PutBucketPolicy', where).policy = structuredClone(policy)
  }

  async deleteBucketPolicy(bucket: string, options?: RequestOptions): Promise<void> {
    const where = this.begin('DeleteBucketPolicy', { bucket }, options)
    this.world.permitted(this.callerId, 's3:DeleteBucketPolicy', where).policy = undefined
  }

  async bucketAcl(bucket: string, options?: RequestOptions): Promise<Acl> {
    const where = this.begin('GetBucketAcl', { bucket }, options)
    return structuredClone(this.world.permitted(this.callerId, 's3:GetBucketAcl', where).acl)
  }

  async putBucketAcl(bucket: string, acl: Acl, options?: RequestOptions): Promise<void> {
    const where = this.begin('PutBucketAcl', { bucket }, options)
    const found = this.world.permitted(this.callerId, 's3:PutBucketAcl', where)
    if (acl.ownerId !== found.acl.ownerId) throw denied(where)
    found.acl = structuredClone(acl)
  }

  async objectAcl(bucket: string, objectKey: string, options: VersionOptions = {}): Promise<Acl> {
    const where = { ...this.begin('GetObjectAcl', { bucket, objectKey }, options), objectKey }
    const { versionId } = options
    const action = versionId === undefined ? 's3:GetObjectAcl' : 's3:GetObjectVersionAcl'
    return structuredClone(this.world.object(this.callerId, action, where, versionId).acl)
  }

  async putObjectAcl(
    bucket: string,
    objectKey: string,
    acl: Acl,
    options: VersionOptions = {},
  ): Promise<void> {
    const where = { ...this.begin('PutObjectAcl', { bucket, objectKey }, options), objectKey }
    const { versionId } = options
    const action = versionId === undefined ? 's3:PutObjectAcl' : 's3:PutObjectVersionAcl'
    const object = this.world.object(this.callerId, action, where, versionId)
    if (acl.ownerId !== object.acl.ownerId) throw denied(where)
    object.acl = structuredClone(acl)
  }

  close(): void {
    // Nothing is open.
  }
}

function headOf({ body, etag, lastModified, versionId, headers, tags }: MemoryObject): ObjectHead {
  return {
    size: body.length,
    etag,
    lastModified,
    versionId,
    headers: structuredClone(headers),
    tagCount: Object.keys(tags).length,
  }
}

async function* chunks(body: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += CHUNK_SIZE)
    yield new Uint8Array(body.subarray(at, at + CHUNK_SIZE))
}
