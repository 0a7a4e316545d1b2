import { createUpload } from '../../storage/create-upload.ts'
import type { MultipartUpload, ObjectName } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import { removeUpload } from '../../storage/upload-cleanup.ts'
import { hasCode } from '../../util/errors.ts'

/**
 * Whether the target's bucket is proven to be another one than `bucket`, whatever they are called: a multipart upload is
 * begun at the target, looked for in the other (ListParts), and aborted. No object comes of it.
 *
 * @returns false when it is the same bucket, and when it is not allowed to find out
 * @throws StorageError when the server can't be asked; AppError STORE_FAILURE when the upload stays behind
 */
export async function areDistinctBuckets(
  store: Store,
  bucket: string,
  target: ObjectName,
  signal?: AbortSignal,
): Promise<boolean> {
  if (bucket === target.bucket) return false
  try {
    const upload = await createUpload(store, target, { signal })
    try {
      // An upload that its own bucket doesn't know can't tell anything of another.
      if (!(await isKnown(store, upload, signal))) return false
      return !(await isKnown(store, { ...upload, bucket }, signal))
    } finally {
      await removeUpload(store, upload)
    }
  } catch (error) {
    if (hasCode(error, 'ACCESS_DENIED', 'UNSUPPORTED')) return false
    throw error
  }
}

async function isKnown(
  store: Store,
  upload: MultipartUpload,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    for await (const _part of store.listParts(upload, { signal })) return true
    return true
  } catch (error) {
    if (hasCode(error, 'UPLOAD_NOT_FOUND')) return false
    throw error
  }
}
