import { ENCRYPTED_SEGMENT_SIZE } from '../../crypto/crypt4gh/format.ts'
import type { ObjectName, ObjectStore } from '../../storage/object-store.ts'
import type { ObjectVersion } from '../../transfer/download-options.ts'
import { fetchRange } from '../../transfer/fetch-range.ts'
import { fetchHeader } from '../../transfer/object-header.ts'
import { sameBytes } from '../../util/bytes.ts'
import { hasCode } from '../../util/errors.ts'

/**
 * Whether an object has another one's body behind a header of its own, as far as its length and its first and last
 * segment tell. Segments have random nonces: two bodies that were not copied from each other differ in each.
 *
 * @returns false also when there is no such object, or it is none of Crypt4GH
 */
export async function hasSameBody(
  store: ObjectStore,
  source: ObjectName & ObjectVersion,
  target: ObjectName,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    const { size, etag } = await store.headObject(target.bucket, target.objectKey, { signal })
    const [own, other] = await Promise.all([
      fetchHeader(source, source, { store, signal }),
      fetchHeader(target, { size, etag }, { store, signal }),
    ])
    const bodySize = source.size - own.length
    if (size - other.length !== bodySize) return false
    const length = Math.min(bodySize, ENCRYPTED_SEGMENT_SIZE)
    for (const offset of new Set([0, bodySize - length])) {
      const [ours, theirs] = await Promise.all([
        fetchBody(store, source, source, own.length, { offset, length }, signal),
        fetchBody(store, target, { size, etag }, other.length, { offset, length }, signal),
      ])
      if (!sameBytes(ours, theirs)) return false
    }
    return true
  } catch (error) {
    if (hasCode(error, 'OBJECT_NOT_FOUND', 'NOT_CRYPT4GH', 'INVALID_HEADER', 'OBJECT_CHANGED')) return false
    throw error
  }
}

async function fetchBody(
  store: ObjectStore,
  name: ObjectName,
  { size, etag }: ObjectVersion,
  bodyStart: number,
  { offset, length }: { offset: number; length: number },
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  if (length === 0) return new Uint8Array()
  const range = { offset: bodyStart + offset, length }
  return fetchRange(store, name, range, etag, signal, undefined, size)
}
