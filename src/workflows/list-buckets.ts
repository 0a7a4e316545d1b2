import type { ObjectStore } from '../storage/object-store.ts'

export interface ListedBucket {
  bucket: string
  createdAt: Date | undefined
}

/** The caller's own buckets, by name (ListBuckets). Buckets of others, opened for the caller, are not among them. */
export async function listBuckets(store: ObjectStore, signal?: AbortSignal): Promise<ListedBucket[]> {
  const buckets = await store.listBuckets({ signal })
  return buckets.toSorted((a, b) => (a.bucket < b.bucket ? -1 : 1))
}
