import type { ObjectEntry, ObjectHead, ObjectName } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import { retrying, retryOptionsOf } from '../../storage/with-retry.ts'
import { AppError, hasCode } from '../../util/errors.ts'
import { formatS3Url } from '../s3-url.ts'

/** Milliseconds: headers have whole seconds where listings have fractions. */
const TIME_RESOLUTION = 1000

/**
 * Deletes an object, with a look before every attempt: a request that is repeated because its answer was lost would delete
 * what was stored under the name since.
 *
 * @param look - false when there is nothing to delete any more; throws when it must not be deleted. Given the attempt's
 * number, from 1
 * @param signal - ends requests and waits; without it, what was begun is brought to its end
 * @throws what `look` throws; StorageError
 */
export async function deleteSeen(
  store: Store,
  { bucket, objectKey }: ObjectName,
  look: (attempt: number) => Promise<boolean>,
  signal?: AbortSignal,
): Promise<void> {
  const attempt = async (number: number): Promise<void> => {
    if (await look(number)) await store.deleteObject(bucket, objectKey, { signal, once: true })
  }
  await retrying(attempt, { ...retryOptionsOf(store), signal })
}

/**
 * Deletes an object that was listed, if it is still the same. To those who may delete it and not look at it, the listing
 * has to do.
 *
 * @throws AppError OBJECT_CHANGED when it was stored anew since: it stays; StorageError
 */
export async function deleteListed(
  store: Store,
  bucket: string,
  entry: ObjectEntry,
  signal?: AbortSignal,
): Promise<void> {
  const { objectKey } = entry
  const look = async (): Promise<boolean> => {
    try {
      const now = await store.headObject(bucket, objectKey, { signal })
      if (!isAsListed(entry, now)) throw changed({ bucket, objectKey })
      return true
    } catch (error) {
      if (hasCode(error, 'OBJECT_NOT_FOUND')) return false
      if (hasCode(error, 'ACCESS_DENIED')) return true
      throw error
    }
  }
  await deleteSeen(store, { bucket, objectKey }, look, signal)
}

function isAsListed(listed: ObjectEntry, now: ObjectHead): boolean {
  if (listed.size !== now.size || (listed.etag !== '' && listed.etag !== now.etag)) return false
  if (listed.lastModified === undefined || now.lastModified === undefined) return true
  return Math.abs(listed.lastModified.getTime() - now.lastModified.getTime()) < TIME_RESOLUTION
}

function changed({ bucket, objectKey }: ObjectName): AppError {
  return new AppError(
    'OBJECT_CHANGED',
    `${formatS3Url(bucket, objectKey)} was written to since it was listed, and stays`,
    { hints: ['look at it, and run the command again if it shall go as well'] },
  )
}
