import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../../crypto/crypt4gh/format.ts'
import { endsEarly, parseHeader, type Header } from '../../crypto/crypt4gh/header.ts'
import { segmentOpener, type OpenSegment } from '../../crypto/crypt4gh/segment.ts'
import { StorageError } from '../../storage/errors.ts'
import type { ObjectHead, ObjectName, ObjectStore } from '../../storage/object-store.ts'
import { retrying, retryOptionsOf } from '../../storage/with-retry.ts'
import { fetchRange } from '../../transfer/fetch-range.ts'
import { inObject } from '../../transfer/object-header.ts'
import { MIN_PART_SIZE } from '../../transfer/part-plan.ts'
import { concatBytes } from '../../util/bytes.ts'
import { hasCode } from '../../util/errors.ts'

/** Bytes of body that the first part of a new object may need. */
const BODY_NEEDED = MIN_PART_SIZE + ENCRYPTED_SEGMENT_SIZE

/** The first read of an object, bytes: what is needed of its body, and room for the header of some five hundred readers. */
const FIRST_READ = BODY_NEEDED + 64 * 1024

/** The first bytes of a Crypt4GH object: its header, and as much of the body as part 1 may need, or all of it. */
export interface ObjectBeginning {
  /** As the answer told that had the first byte. */
  head: ObjectHead
  header: Header
  /** From the object's first byte on. */
  bytes: Uint8Array
}

/**
 * Fetches the beginning of an object, by one request where its header is not very long.
 *
 * @throws AppError NOT_CRYPT4GH, INVALID_HEADER naming the object; StorageError
 */
export async function fetchBeginning(
  store: ObjectStore,
  name: ObjectName,
  signal: AbortSignal | undefined,
): Promise<ObjectBeginning> {
  const { head, bytes: first } = await fetchFirst(store, name, signal)
  let bytes = first
  const extend = async (length: number): Promise<void> => {
    const range = { offset: bytes.length, length: Math.min(length, head.size) - bytes.length }
    if (range.length <= 0) return
    bytes = concatBytes([
      bytes,
      await fetchRange(store, name, range, head.etag, signal, undefined, head.size),
    ])
  }
  try {
    for (;;) {
      const header = parseHeader(bytes)
      if ('packets' in header) {
        await extend(header.length + BODY_NEEDED)
        return { head, header, bytes }
      }
      if (header.needed > head.size) throw endsEarly(head.size)
      // By doubling: a header of many packets must not be read once for each of them.
      await extend(Math.max(header.needed, 2 * bytes.length))
    }
  } catch (error) {
    throw inObject(error, name)
  }
}

/** The first bytes of an object that may be shorter. A body that breaks off is fetched again. */
async function fetchFirst(
  store: ObjectStore,
  name: ObjectName,
  signal: AbortSignal | undefined,
): Promise<{ head: ObjectHead; bytes: Uint8Array }> {
  const { bucket, objectKey } = name
  const range = { offset: 0, length: FIRST_READ }
  const fetchOnce = async (): Promise<{ head: ObjectHead; bytes: Uint8Array }> => {
    const answer = await store.getObject(bucket, objectKey, { range, orLess: true, signal })
    const bytes = new Uint8Array(answer.length)
    let filled = 0
    try {
      for await (const chunk of answer.body) {
        if (filled + chunk.length > bytes.length) throw wrongLength(name, bytes.length)
        bytes.set(chunk, filled)
        filled += chunk.length
      }
    } finally {
      answer.destroy()
    }
    if (filled !== bytes.length) throw wrongLength(name, bytes.length)
    return { head: answer.head, bytes }
  }
  try {
    return await retrying(fetchOnce, { ...retryOptionsOf(store), signal })
  } catch (error) {
    // An empty object has no range (416).
    if (!hasCode(error, 'OBJECT_CHANGED')) throw error
    const head = await store.headObject(bucket, objectKey, { signal })
    if (head.size > 0) throw error
    return { head, bytes: new Uint8Array() }
  }
}

function wrongLength({ bucket, objectKey }: ObjectName, length: number): StorageError {
  return new StorageError(
    'INTEGRITY',
    `s3://${bucket}/${objectKey}: the server sent other than the ${length} bytes it announced`,
    { operation: 'GetObject', bucket, objectKey, retryable: true },
  )
}

/** Opens segments to see that they are genuine and under which data keys, and keeps nothing of them. */
export class SegmentWitness {
  readonly keyCount: number
  /** Data keys that opened nothing yet. */
  readonly unseen: Set<Uint8Array>
  readonly #open: OpenSegment
  readonly #plaintext = new Uint8Array(SEGMENT_SIZE)

  constructor(dataKeys: readonly Uint8Array[]) {
    this.keyCount = dataKeys.length
    this.unseen = new Set(dataKeys)
    this.#open = segmentOpener(dataKeys, (dataKey) => this.unseen.delete(dataKey))
  }

  /**
   * @param bytes - consecutive segments from the beginning of one
   * @param firstSegment - its number in the object, from 0
   * @param isEnd - whether the object ends here: the last segment may be short then, and is left out otherwise
   * @throws AppError AUTHENTICATION_FAILED naming the segment
   */
  authenticate(bytes: Uint8Array, firstSegment: number, isEnd: boolean): void {
    for (let at = 0, number = firstSegment; at < bytes.length; at += ENCRYPTED_SEGMENT_SIZE, number += 1) {
      const segment = bytes.subarray(at, at + ENCRYPTED_SEGMENT_SIZE)
      if (segment.length < ENCRYPTED_SEGMENT_SIZE && !isEnd) return
      this.#open(segment, this.#plaintext, 0, number)
    }
  }

  /** Forgets the plaintext of the last segment. */
  wipe(): void {
    this.#plaintext.fill(0)
  }
}
