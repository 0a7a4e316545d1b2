import type { ObjectName } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import { hasCode } from '../../util/errors.ts'

/**
 * Whether the target's bucket is proven to be another one than `bucket`, whatever they are called: a multipart upload is
 * begun at the target, looked for in the other (ListParts), and aborted. No object comes of it.
 *
 * @returns false when it is the same bucket, and when it is not allowed to find out
 * @throws StorageError when the server can't be asked
 */
export async function areDistinctBuckets(
  store: Store,
  bucket: string,
  target: ObjectName,
  signal?: AbortSignal,
): Promise<boolean> {
  if (bucket === target.bucket) return false
  try {
    const uploadId = await store.createMultipartUpload(target.bucket, target.objectKey, { signal })
    try {
      // An upload that its own bucket doesn't know can't tell anything of another.
      await firstPart(store, { ...target, uploadId }, signal)
      return await isUnknown(firstPart(store, { ...target, bucket, uploadId }, signal))
    } finally {
      await store.abortMultipartUpload({ ...target, uploadId })
    }
  } catch (error) {
    if (hasCode(error, 'ACCESS_DENIED', 'UNSUPPORTED', 'UPLOAD_NOT_FOUND')) return false
    throw error
  }
}

async function isUnknown(asked: Promise<void>): Promise<boolean> {
  try {
    await asked
    return false
  } catch (error) {
    if (hasCode(error, 'UPLOAD_NOT_FOUND')) return true
    throw error
  }
}

/** Asks for an upload's parts as far as to know that it is there. */
async function firstPart(
  store: Store,
  upload: Parameters<Store['listParts']>[0],
  signal: AbortSignal | undefined,
): Promise<void> {
  for await (const _ of store.listParts(upload, { signal })) return
}
