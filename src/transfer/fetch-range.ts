import { StorageError } from '../storage/errors.ts'
import type { ByteRange, ObjectStore } from '../storage/object-store.ts'
import { retrying, retryOptionsOf } from '../storage/with-retry.ts'
import { releaseBuffer } from '../util/release-buffer.ts'

/**
 * Fetches exactly one range of one version of an object. A body that breaks off is fetched again:
 * the store's own retries end where a body begins.
 *
 * @param into - where the bytes go; a new buffer when absent
 * @param objectSize - bytes of the whole object, where they are known: a listing may be wrong about them
 * @throws StorageError OBJECT_CHANGED when the object no longer has the ETag or the size, INTEGRITY when the length is
 * wrong
 */
export async function fetchRange(
  store: ObjectStore,
  name: { bucket: string; objectKey: string },
  range: ByteRange,
  etag: string,
  signal?: AbortSignal,
  into: Uint8Array = new Uint8Array(range.length),
  objectSize?: number,
): Promise<Uint8Array> {
  const { bucket, objectKey } = name
  await retrying(
    async () => {
      const answer = await store.getObject(bucket, objectKey, { range, ifMatch: etag, signal })
      let filled = 0
      try {
        if (objectSize !== undefined && answer.size !== objectSize) throw otherSize(answer.size)
        for await (const chunk of answer.body) {
          if (filled + chunk.length > range.length) throw wrongLength('more')
          into.set(chunk, filled)
          filled += chunk.length
          releaseBuffer(chunk)
        }
      } finally {
        answer.destroy()
      }
      if (filled !== range.length) throw wrongLength('fewer')
    },
    { ...retryOptionsOf(store), signal },
  )
  return into

  function otherSize(size: number): StorageError {
    return new StorageError('OBJECT_CHANGED', `s3://${bucket}/${objectKey}: it has ${size} bytes now`, {
      operation: 'GetObject',
      bucket,
      objectKey,
    })
  }

  function wrongLength(which: 'more' | 'fewer'): StorageError {
    return new StorageError(
      'INTEGRITY',
      `s3://${bucket}/${objectKey}: the server sent ${which} than the ${range.length} bytes asked for`,
      { operation: 'GetObject', bucket, objectKey, retryable: true },
    )
  }
}
