import { AppError, hasCode } from '../util/errors.ts'
import type { MultipartUpload, ObjectStore } from './object-store.ts'

/** Milliseconds that cleaning up after a failure may take. */
const CLEANUP_TIME = 60_000

/**
 * Removes an unfinished upload after a failure, and gives the error to throw: the failure itself,
 * with a hint that names the upload when it stays behind.
 */
export async function removeAfter(
  failure: unknown,
  store: ObjectStore,
  upload: MultipartUpload,
): Promise<unknown> {
  try {
    await removeUpload(store, upload)
    return failure
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return withHint(
      failure,
      `the unfinished upload ${upload.uploadId} of s3://${upload.bucket}/${upload.objectKey}` +
        ` could not be removed (${why}); the bucket's owner can abort it`,
    )
  }
}

/**
 * Aborts an unfinished upload and sees it gone: a part that was on the way can arrive after an abort and keep the
 * upload alive (S3 AbortMultipartUpload).
 *
 * @throws StorageError; AppError STORE_FAILURE when it stays
 */
export async function removeUpload(store: ObjectStore, upload: MultipartUpload): Promise<void> {
  const signal = AbortSignal.timeout(CLEANUP_TIME)
  for (let attempt = 1; attempt <= 3; attempt++) {
    await store.abortMultipartUpload(upload, { signal })
    if (await isGone(store, upload, signal)) return
  }
  throw new AppError('STORE_FAILURE', 'it is still there after it was aborted three times')
}

async function isGone(store: ObjectStore, upload: MultipartUpload, signal: AbortSignal): Promise<boolean> {
  try {
    for await (const _part of store.listParts(upload, { signal })) return false
    return false
  } catch (error) {
    if (hasCode(error, 'UPLOAD_NOT_FOUND')) return true
    // Not ours to see: the abort's own answer has to do.
    if (hasCode(error, 'ACCESS_DENIED', 'UNSUPPORTED', 'BUCKET_NOT_FOUND')) return true
    throw error
  }
}

/** A bug stays as it is; an abort's own reason becomes an AppError, so that it can carry the hint. */
function withHint(failure: unknown, hint: string): unknown {
  if (failure instanceof AppError) {
    return new AppError(failure.code, failure.message, { hints: [...failure.hints, hint], cause: failure })
  }
  if (failure instanceof DOMException) {
    return new AppError('INTERRUPTED', 'the upload was interrupted', { hints: [hint], cause: failure })
  }
  return failure
}
