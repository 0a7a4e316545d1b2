/** What the memory stores of one test share: the server's side. */
import type { Acl, PolicyDocument } from './access/access-store.ts'
import { failure, type Where } from './failure.ts'
import { type AccessRules, isAllowed } from './memory-access.ts'
import type { ObjectTags } from './copy-store.ts'
import type { ObjectHeaders, Versioning } from './object-store.ts'

export interface MemoryObject {
  body: Uint8Array
  etag: string
  lastModified: Date
  /** Undefined for what was stored without versioning: `null` to those who ask for it. */
  versionId: string | undefined
  acl: Acl
  headers: ObjectHeaders
  tags: ObjectTags
}

/** What stands for an object that was deleted while versioning was on. */
export interface MemoryDeleteMarker {
  body: undefined
  lastModified: Date
  versionId: string
  ownerId: string
}

export interface MemoryUpload {
  objectKey: string
  uploadId: string
  initiatedAt: Date
  acl: Acl
  headers: ObjectHeaders
  parts: Map<number, { body: Uint8Array; etag: string }>
}

export interface MemoryBucket {
  createdAt: Date
  acl: Acl
  policy: PolicyDocument | undefined
  versioning: Versioning
  objects: Map<string, MemoryObject>
  /** What was overwritten or deleted while versioning was on, newest first; on top the marker of a deleted object. */
  older: Map<string, (MemoryObject | MemoryDeleteMarker)[]>
  uploads: Map<string, MemoryUpload>
}

/** The buckets of a store that lives in memory. Give one world to several stores to test access between owners. */
export class MemoryWorld {
  readonly buckets = new Map<string, MemoryBucket>()
  #ids = 0

  /** A fresh id for a version or an upload. */
  nextId(): string {
    this.#ids += 1
    return `m${this.#ids.toString().padStart(8, '0')}`
  }

  /** Throws BUCKET_NOT_FOUND. */
  bucket(where: Where): MemoryBucket {
    const bucket = this.buckets.get(where.bucket ?? '')
    if (bucket === undefined) throw failure('BUCKET_NOT_FOUND', where, '404 NoSuchBucket', { status: 404 })
    return bucket
  }

  /** The bucket, when the caller may do the action there. Throws BUCKET_NOT_FOUND, ACCESS_DENIED. */
  permitted(callerId: string, action: string, where: Where): MemoryBucket {
    const bucket = this.bucket(where)
    if (!this.may(callerId, action, where)) throw denied(where)
    return bucket
  }

  may(callerId: string, action: string, where: Where, objectAcl?: Acl): boolean {
    const bucket = this.bucket(where)
    const { objectKey } = where
    const current = objectKey === undefined ? undefined : bucket.objects.get(objectKey)
    const rules: AccessRules = {
      policy: bucket.policy,
      bucketAcl: bucket.acl,
      objectAcl: objectAcl ?? current?.acl,
    }
    return isAllowed({ callerId, action, bucket: where.bucket ?? '', objectKey }, rules)
  }

  /**
   * An object that the caller may use, or one version of it. Throws OBJECT_NOT_FOUND only to those who may list,
   * else ACCESS_DENIED.
   */
  object(
    callerId: string,
    action: string,
    where: Where & { objectKey: string },
    versionId?: string,
  ): MemoryObject {
    const object = this.#version(where, versionId)
    if (object === undefined && this.may(callerId, 's3:ListBucket', { ...where, objectKey: undefined })) {
      throw failure('OBJECT_NOT_FOUND', where, '404 NoSuchKey', { status: 404 })
    }
    if (object === undefined || !this.may(callerId, action, where, object.acl)) throw denied(where)
    return object
  }

  #version(where: Where & { objectKey: string }, versionId: string | undefined): MemoryObject | undefined {
    const { objects, older } = this.bucket(where)
    const current = objects.get(where.objectKey)
    if (versionId === undefined) return current
    const versions = [...(current === undefined ? [] : [current]), ...(older.get(where.objectKey) ?? [])]
    const found = versions.find((version) => spelledVersion(version) === versionId)
    return found?.body === undefined ? undefined : found
  }
}

/** The id of a version as listings and requests name it. */
export function spelledVersion({ versionId }: MemoryObject | MemoryDeleteMarker): string {
  return versionId ?? 'null'
}

/** The ACL of something fresh: its owner alone, and the bucket's owner where that was asked for. */
export function ownAcl(ownerId: string, alsoFullControl?: string): Acl {
  const ids = alsoFullControl === undefined ? [ownerId] : [ownerId, alsoFullControl]
  const grants = [...new Set(ids)].map((id) => ({
    grantee: { type: 'canonical', id } as const,
    permission: 'FULL_CONTROL' as const,
  }))
  return { ownerId, grants }
}

export function denied(where: Where) {
  return failure('ACCESS_DENIED', where, '403 AccessDenied', { status: 403, serverCode: 'AccessDenied' })
}
