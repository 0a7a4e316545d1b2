import { createMemoryStore } from '../../src/storage/memory-store.ts'
import { MemoryWorld } from '../../src/storage/memory-world.ts'
import type { ObjectHeaders, ObjectTags } from '../../src/storage/object-store.ts'
import type { Store } from '../../src/storage/store.ts'
import type { CopyRequest } from '../../src/workflows/many-objects/copy-run.ts'
import { collect } from '../conformance/steps.ts'

export const A = 'animine-data-import-1'
export const B = 'animine-archive'

export const HEADERS: ObjectHeaders = {
  contentType: 'text/x-reads',
  cacheControl: 'no-store',
  metadata: { sample: '7' },
}
export const TAGS: ObjectTags = { state: 'raw', of: 'run 12' }

/** Two buckets in memory; objects may be copied in parts of ten bytes. */
export async function twoBuckets(): Promise<{ store: Store; world: MemoryWorld }> {
  const world = new MemoryWorld()
  const store = createMemoryStore({ ownerId: 'project_2000222', world, minPartSize: 10 })
  await store.createBucket(A)
  await store.createBucket(B)
  return { store, world }
}

/** Stores an object that says something of itself, with tags unless told otherwise. */
export async function deliver(
  store: Store,
  bucket: string,
  objectKey: string,
  body: Uint8Array,
  tags = TAGS,
  headers = HEADERS,
): Promise<void> {
  const uploadId = await store.createMultipartUpload(bucket, objectKey, { headers })
  const upload = { bucket, objectKey, uploadId }
  await store.completeMultipartUpload(upload, [await store.uploadPart(upload, 1, body)])
  if (Object.keys(tags).length > 0) await store.putObjectTags(bucket, objectKey, tags)
}

/** The keys of a bucket. */
export async function keysIn(store: Store, bucket: string): Promise<string[]> {
  return (await collect(store.listObjects(bucket))).map(({ objectKey }) => objectKey)
}

/** A request by addresses without `s3://`. */
export function copyRequest(source: string, target: string, more: Partial<CopyRequest> = {}): CopyRequest {
  return { source: place(source), target: place(target), force: false, ...more }
}

/** `bucket/key` as a place. */
export function place(text: string): { bucket: string; objectKey: string } {
  const slash = text.indexOf('/')
  return { bucket: text.slice(0, slash), objectKey: text.slice(slash + 1) }
}
