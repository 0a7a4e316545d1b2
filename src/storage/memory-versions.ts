import { refuseDecodedTwice } from './copied-part.ts'
import type { CopiedObject, CopyObjectOptions, ObjectSource, ObjectTags } from './copy-store.ts'
import { failure, type Where } from './failure.ts'
import { compareKeys } from './key-order.ts'
import { MemoryMultipart } from './memory-multipart.ts'
import {
  type MemoryBucket,
  type MemoryDeleteMarker,
  type MemoryObject,
  ownAcl,
  spelledVersion,
} from './memory-world.ts'
import type {
  ByteRange,
  MultipartUpload,
  ObjectName,
  PrefixOptions,
  RequestOptions,
  UploadedPart,
  VersionOptions,
} from './object-store.ts'
import type { VersionEntry } from './version-store.ts'

/** Copies and versions of the memory store. A copy belongs to who copies and, replacing the headers, has no tags: Ceph's rules. */
export class MemoryVersions extends MemoryMultipart {
  async copyObject(
    source: ObjectSource,
    target: ObjectName,
    options: CopyObjectOptions = {},
  ): Promise<CopiedObject> {
    const { bucket, objectKey } = target
    const where = this.begin('CopyObject', { bucket, objectKey }, options)
    const { acl } = this.world.permitted(this.callerId, 's3:PutObject', where)
    const found = this.readable('CopyObject', source, options)
    const { headers } = options
    if (headers === undefined && source.bucket === bucket && source.objectKey === objectKey) {
      throw failure('STORE_FAILURE', where, '400 InvalidRequest', { status: 400 })
    }
    return this.place(where, {
      body: found.body,
      etag: found.etag,
      acl: ownAcl(this.callerId, options.acl && acl.ownerId),
      headers: structuredClone(headers ?? found.headers),
      tags: headers === undefined ? found.tags : {},
    })
  }

  async copyPart(
    upload: MultipartUpload,
    partNumber: number,
    source: ObjectSource & { range?: ByteRange | undefined },
    options?: RequestOptions,
  ): Promise<UploadedPart> {
    const { bucket, objectKey } = upload
    const where = this.begin('UploadPartCopy', { bucket, objectKey, partNumber }, options)
    refuseDecodedTwice(where, source)
    this.world.permitted(this.callerId, 's3:PutObject', where)
    const { body } = this.readable('UploadPartCopy', source, options)
    const { offset, length } = source.range ?? { offset: 0, length: body.length }
    if (offset + length > body.length) {
      throw failure('OBJECT_CHANGED', where, '416 InvalidRange', { status: 416 })
    }
    return this.placePart(where, upload, partNumber, body.slice(offset, offset + length))
  }

  async objectTags(bucket: string, objectKey: string, options: VersionOptions = {}): Promise<ObjectTags> {
    const where = { ...this.begin('GetObjectTagging', { bucket, objectKey }, options), objectKey }
    return { ...this.world.object(this.callerId, 's3:GetObjectTagging', where, options.versionId).tags }
  }

  async putObjectTags(
    bucket: string,
    objectKey: string,
    tags: ObjectTags,
    options: VersionOptions = {},
  ): Promise<void> {
    const where = { ...this.begin('PutObjectTagging', { bucket, objectKey }, options), objectKey }
    const object = this.world.object(this.callerId, 's3:PutObjectTagging', where, options.versionId)
    object.tags = { ...tags }
  }

  async *listVersions(bucket: string, options: PrefixOptions = {}): AsyncGenerator<VersionEntry> {
    const where = this.begin('ListObjectVersions', { bucket }, options)
    const { objects, older } = this.world.permitted(this.callerId, 's3:ListBucketVersions', where)
    const { prefix = '', signal } = options
    const objectKeys = [...new Set([...objects.keys(), ...older.keys()])]
      .filter((objectKey) => objectKey.startsWith(prefix))
      .sort(compareKeys)
    for (const objectKey of objectKeys) {
      const current = objects.get(objectKey)
      const versions = [...(current === undefined ? [] : [current]), ...(older.get(objectKey) ?? [])]
      for (const [index, version] of versions.entries()) {
        signal?.throwIfAborted()
        yield entryOf(objectKey, version, index === 0)
      }
    }
  }

  async deleteVersion(
    bucket: string,
    objectKey: string,
    versionId: string,
    options?: RequestOptions,
  ): Promise<void> {
    const where = this.begin('DeleteObject', { bucket, objectKey }, options)
    const { objects, older } = this.world.permitted(this.callerId, 's3:DeleteObjectVersion', where)
    const current = objects.get(objectKey)
    const isCurrent = current !== undefined && spelledVersion(current) === versionId
    if (isCurrent) objects.delete(objectKey)
    const left = (older.get(objectKey) ?? []).filter((version) => spelledVersion(version) !== versionId)
    // The version below takes the place of what is gone, unless that is another delete marker.
    const [top] = left
    if (!objects.has(objectKey) && top?.body !== undefined) {
      objects.set(objectKey, top)
      left.shift()
    }
    if (left.length === 0) older.delete(objectKey)
    else older.set(objectKey, left)
  }

  /** Puts a delete marker on top of a key's versions. */
  protected bury({ objects, older }: MemoryBucket, objectKey: string): void {
    const current = objects.get(objectKey)
    const marker: MemoryDeleteMarker = {
      body: undefined,
      lastModified: new Date(),
      versionId: this.world.nextId(),
      ownerId: this.callerId,
    }
    older.set(objectKey, [
      marker,
      ...(current === undefined ? [] : [current]),
      ...(older.get(objectKey) ?? []),
    ])
  }

  /** An object, or one version of it, whose bytes the caller may read. */
  protected readable(
    operation: string,
    { bucket, objectKey, versionId }: ObjectSource,
    options: RequestOptions | undefined,
  ): MemoryObject {
    const where: Where & { objectKey: string } = {
      ...this.begin(operation, { bucket, objectKey }, options),
      objectKey,
    }
    const action = versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion'
    return this.world.object(this.callerId, action, where, versionId)
  }
}

function entryOf(
  objectKey: string,
  version: MemoryObject | MemoryDeleteMarker,
  isLatest: boolean,
): VersionEntry {
  const { lastModified } = version
  const common = { objectKey, versionId: spelledVersion(version), isLatest, lastModified }
  return version.body === undefined
    ? { ...common, kind: 'delete-marker', size: 0, etag: '', ownerId: version.ownerId }
    : {
        ...common,
        kind: 'object',
        size: version.body.length,
        etag: version.etag,
        ownerId: version.acl.ownerId,
      }
}
