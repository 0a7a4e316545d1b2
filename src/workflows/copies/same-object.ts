import type { ObjectHead, ObjectName, ObjectStore } from '../../storage/object-store.ts'
import { AppError } from '../../util/errors.ts'

/** True for two looks at the same object, which nobody wrote to in between. */
export function isSameObject(a: ObjectHead, b: ObjectHead): boolean {
  return (
    a.size === b.size &&
    a.etag === b.etag &&
    a.versionId === b.versionId &&
    a.lastModified?.getTime() === b.lastModified?.getTime()
  )
}

/**
 * Looks at an object again (HeadObject).
 *
 * @throws AppError OBJECT_CHANGED when it is not what it was, OBJECT_NOT_FOUND; StorageError
 */
export async function refuseIfChanged(
  store: ObjectStore,
  object: ObjectName,
  before: ObjectHead,
  signal: AbortSignal | undefined,
): Promise<void> {
  const now = await store.headObject(object.bucket, object.objectKey, { signal })
  if (!isSameObject(before, now)) throw changedMeanwhile(object)
}

/** The failure of an object that somebody else wrote to while it was copied. */
export function changedMeanwhile({ bucket, objectKey }: ObjectName): AppError {
  return new AppError('OBJECT_CHANGED', `s3://${bucket}/${objectKey} was written to while it was copied`, {
    hints: ['it was left as it is now; run the command again when nobody delivers under this name'],
  })
}
