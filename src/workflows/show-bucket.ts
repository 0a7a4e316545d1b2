import type { AccessEntry } from '../storage/access/access-entries.ts'
import type { Versioning } from '../storage/object-store.ts'
import type { Store } from '../storage/store.ts'
import { hasCode } from '../util/errors.ts'
import { findBucketKeys, type BucketKey } from './bucket-keys.ts'
import { showAccess } from './show-access.ts'
import type { Mechanism } from './sharing.ts'

/** What `bucket show` tells: the --json contract. */
export interface ShowBucketResult {
  bucket: string
  ownerId: string
  versioning: Versioning
  keys: { name: string; objectKey: string; fingerprint: string }[]
  /** Why uploaders would not use the keys of this bucket; absent when they would, or when there are none. */
  keyProblem?: string
  mechanism: Mechanism
  access: AccessEntry[]
  uploads: { objectKey: string; uploadId: string; initiatedAt?: string }[]
  objects: ObjectTotals
}

export interface ObjectTotals {
  count: number
  /** Bytes of the newest versions. */
  bytes: number
}

/** Looks at a bucket: keys, who may use it, unfinished uploads, objects. Throws what readSharing throws. */
export async function showBucket(
  store: Store,
  { bucket }: { bucket: string },
  signal?: AbortSignal,
): Promise<ShowBucketResult> {
  const { ownerId, mechanism, access } = await showAccess(store, { bucket }, signal)
  const versioning = await store.bucketVersioning(bucket, { signal })
  const keys = await keysOrProblem(store, bucket, signal)
  const uploads: ShowBucketResult['uploads'] = []
  for await (const { objectKey, uploadId, initiatedAt } of store.listMultipartUploads(bucket, { signal })) {
    uploads.push({
      objectKey,
      uploadId,
      ...(initiatedAt === undefined ? {} : { initiatedAt: initiatedAt.toISOString() }),
    })
  }
  const objects = await countObjects(store, bucket, signal)
  return { bucket, ownerId, versioning, ...keys, mechanism, access, uploads, objects }
}

/** Counts a bucket's objects and their bytes (ListObjectsV2). */
export async function countObjects(
  store: Store,
  bucket: string,
  signal?: AbortSignal,
): Promise<ObjectTotals> {
  const totals = { count: 0, bytes: 0 }
  for await (const { size } of store.listObjects(bucket, { signal })) {
    totals.count += 1
    totals.bytes += size
  }
  return totals
}

async function keysOrProblem(
  store: Store,
  bucket: string,
  signal: AbortSignal | undefined,
): Promise<Pick<ShowBucketResult, 'keys' | 'keyProblem'>> {
  try {
    const keys = await findBucketKeys(store, bucket, signal)
    return { keys: keys.map(shown) }
  } catch (error) {
    if (hasCode(error, 'NO_BUCKET_KEYS')) return { keys: [] }
    if (hasCode(error, 'KEY_NOT_TRUSTED', 'INVALID_KEY')) return { keys: [], keyProblem: error.message }
    throw error
  }
}

function shown({ name, objectKey, fingerprint }: BucketKey): ShowBucketResult['keys'][number] {
  return { name, objectKey, fingerprint }
}
