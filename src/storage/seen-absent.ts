import { hasCode } from '../util/errors.ts'
import { StorageError } from './errors.ts'
import type { ObjectName, ObjectStore, RequestOptions } from './object-store.ts'

/**
 * Looks whether there is no such object yet; false where the store does not let the uploader see it (HeadObject).
 * Ceph RGW 16 ignores If-None-Match on CompleteMultipartUpload, so this is done before anything is sent.
 * Two uploaders that start in the same moment can still both pass.
 *
 * @throws StorageError OBJECT_EXISTS, and whatever else the store answers
 */
export async function seenAbsent(
  store: ObjectStore,
  { bucket, objectKey }: ObjectName,
  options: RequestOptions,
): Promise<boolean> {
  try {
    await store.headObject(bucket, objectKey, { signal: options.signal })
  } catch (error) {
    if (hasCode(error, 'OBJECT_NOT_FOUND')) return true
    // Without the right to list or read, a server answers 403 for both cases.
    if (hasCode(error, 'ACCESS_DENIED')) return false
    throw error
  }
  throw new StorageError('OBJECT_EXISTS', `s3://${bucket}/${objectKey} exists already`, {
    operation: 'HeadObject',
    bucket,
    objectKey,
  })
}
