import { createMemoryStore } from '../../src/storage/memory-store.ts'
import { MemoryWorld } from '../../src/storage/memory-world.ts'
import type { ObjectHeaders } from '../../src/storage/object-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { adoptObjects, type AdoptRequest, type AdoptResult } from '../../src/workflows/adopt-objects.ts'

export const BUCKET = 'animine-data-import-1'
export const OWNER = 'project_2000222'
export const PRODUCER = 'project_2000111'
export const MINE = { acl: 'bucket-owner-full-control' } as const

/** A bucket, and a producer who may write into it. */
export interface AdoptScene {
  owner: Store
  producer: Store
  adopt: (store?: Store, request?: Partial<AdoptRequest>) => Promise<AdoptResult>
  ownerOf: (objectKey: string) => Promise<string>
  /** The producer delivers an object with tags. */
  deliver(objectKey: string, body: Uint8Array, headers?: ObjectHeaders): Promise<void>
}

export async function adoptScene(): Promise<AdoptScene> {
  const world = new MemoryWorld()
  const owner = createMemoryStore({ ownerId: OWNER, world, minPartSize: 10 })
  const producer = createMemoryStore({ ownerId: PRODUCER, world, minPartSize: 10 })
  await owner.createBucket(BUCKET)
  const acl = await owner.bucketAcl(BUCKET)
  const write = { grantee: { type: 'canonical', id: PRODUCER }, permission: 'WRITE' } as const
  await owner.putBucketAcl(BUCKET, { ...acl, grants: [...acl.grants, write] })
  return {
    owner,
    producer,
    adopt: (store = owner, request = {}) => adoptObjects(store, { bucket: BUCKET, ...request }),
    ownerOf: async (objectKey) => (await owner.objectAcl(BUCKET, objectKey)).ownerId,
    async deliver(objectKey, body, headers) {
      const options = { ...MINE, ...(headers === undefined ? {} : { headers }) }
      const uploadId = await producer.createMultipartUpload(BUCKET, objectKey, options)
      const upload = { bucket: BUCKET, objectKey, uploadId }
      await producer.completeMultipartUpload(upload, [await producer.uploadPart(upload, 1, body)])
      await producer.putObjectTags(BUCKET, objectKey, { state: 'raw', of: 'run 12' })
    },
  }
}
