import { abortLater } from '../util/abort-later.ts'
import type { MultipartUpload, ObjectName, ObjectStore } from './object-store.ts'
import type { UploadOptions } from './upload-plan.ts'

/** Milliseconds for which the answer is awaited after an abort. */
const GRACE = 10_000

/**
 * Begins an upload (CreateMultipartUpload).
 *
 * An abort does not cut the request off at once: the store may have made the upload already, and only the answer tells
 * the id by which it can be aborted. The caller finds the signal aborted then, and cleans up as after any failure.
 *
 * @throws what the store throws; the signal's reason when it was aborted before the request, or no answer came in time
 */
export async function createUpload(
  store: ObjectStore,
  target: ObjectName,
  { signal, acl, contentType, headers }: Pick<UploadOptions, 'signal' | 'acl' | 'contentType' | 'headers'>,
): Promise<MultipartUpload> {
  signal?.throwIfAborted()
  const cancel = new AbortController()
  const endWatch = abortLater(signal, cancel, GRACE)
  try {
    const options = { signal: cancel.signal, repeatUntil: signal, acl, contentType, headers }
    const uploadId = await store.createMultipartUpload(target.bucket, target.objectKey, options)
    return { ...target, uploadId }
  } finally {
    endWatch()
  }
}
