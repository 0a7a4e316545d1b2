/** What the memory stores of one test share: the server's side. */
import type { Acl, PolicyDocument } from './access/access-store.ts'
import { failure, type Where } from './failure.ts'
import { type AccessRules, isAllowed } from './memory-access.ts'
import type { Versioning } from './object-store.ts'

export interface MemoryObject {
  body: Uint8Array
  etag: string
  lastModified: Date
  versionId: string | undefined
  acl: Acl
}

export interface MemoryUpload {
  objectKey: string
  uploadId: string
  initiatedAt: Date
  acl: Acl
  parts: Map<number, { body: Uint8Array; etag: string }>
}

export interface MemoryBucket {
  createdAt: Date
  acl: Acl
  policy: PolicyDocument | undefined
  versioning: Versioning
  objects: Map<string, MemoryObject>
  /** Versions that were overwritten or deleted while versioning was on. */
  olderVersions: number
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

  may(callerId: string, action: string, where: Where): boolean {
    const bucket = this.bucket(where)
    const { objectKey } = where
    const object = objectKey === undefined ? undefined : bucket.objects.get(objectKey)
    const rules: AccessRules = { policy: bucket.policy, bucketAcl: bucket.acl, objectAcl: object?.acl }
    return isAllowed({ callerId, action, bucket: where.bucket ?? '', objectKey }, rules)
  }

  /** An object that the caller may use. Throws OBJECT_NOT_FOUND only to those who may list, else ACCESS_DENIED. */
  object(callerId: string, action: string, where: Where & { objectKey: string }): MemoryObject {
    const object = this.bucket(where).objects.get(where.objectKey)
    if (object === undefined && this.may(callerId, 's3:ListBucket', { ...where, objectKey: undefined })) {
      throw failure('OBJECT_NOT_FOUND', where, '404 NoSuchKey', { status: 404 })
    }
    if (object === undefined || !this.may(callerId, action, where)) throw denied(where)
    return object
  }
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
