import type { ObjectStore } from '../../storage/object-store.ts'
import { hasCode } from '../../util/errors.ts'

/** Whether a bucket keeps what is deleted; `unknown` to those who may not ask, and where it kept versions once. */
export type VersionKeeping = 'kept' | 'none' | 'unknown'

/** Asks a bucket whether what is deleted in it stays as an older version. Throws StorageError. */
export async function versionKeeping(
  store: ObjectStore,
  bucket: string,
  signal?: AbortSignal,
): Promise<VersionKeeping> {
  try {
    const versioning = await store.bucketVersioning(bucket, { signal })
    if (versioning === 'enabled') return 'kept'
    return versioning === 'suspended' ? 'unknown' : 'none'
  } catch (error) {
    if (hasCode(error, 'ACCESS_DENIED', 'UNSUPPORTED')) return 'unknown'
    throw error
  }
}
