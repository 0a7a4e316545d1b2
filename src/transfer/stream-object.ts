/** An object's content in order, in ranges that are fetched ahead; for pipes, where nothing can be written in place. */
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../crypto/crypt4gh/format.ts'
import type { OpenedHeader } from '../crypto/crypt4gh/open-header.ts'
import { openBody } from '../crypto/crypt4gh/reader.ts'
import { segmentOpener } from '../crypto/crypt4gh/segment.ts'
import { plaintextBodySize } from '../crypto/crypt4gh/sizes.ts'
import type { ByteRange, ObjectName, ObjectStore } from '../storage/object-store.ts'
import { AppError } from '../util/errors.ts'
import type { ObjectVersion } from './download-options.ts'
import { fetchAhead } from './fetch-ahead.ts'
import { fetchRange } from './fetch-range.ts'

/** Segments in a fetched range: 4 MiB. */
const RANGE_SEGMENTS = 64

/** Ranges under way or waiting to be taken. With the one that is being opened they are all that is in memory. */
const RANGES_AHEAD = 3

/** Segments that are opened and given out together: 1 MiB of plaintext. */
const BATCH_SEGMENTS = 16

/** What is streamed, and from where. */
export interface StreamedObject {
  store: ObjectStore
  name: ObjectName
  version: ObjectVersion
  signal?: AbortSignal | undefined
}

/**
 * Bytes of the object as it is stored.
 *
 * @throws StorageError, OBJECT_CHANGED when the object was replaced meanwhile
 */
export async function* streamStored(
  object: StreamedObject,
  range: ByteRange,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* fetchRanges(object, range.offset, range.offset + range.length)
}

/**
 * A range of the plaintext; only the segments that hold it are fetched. Each piece was authenticated before it comes
 * out, and nothing of a batch comes out in which a segment is not genuine. With an edit list the range counts in the
 * plaintext as its reader sees it, and nothing is fetched ahead.
 *
 * @param bodyStart - bytes of the object before the first segment
 * @param range - must lie within the plaintext
 * @throws AppError AUTHENTICATION_FAILED; StorageError
 */
export async function* streamPlaintext(
  object: StreamedObject,
  bodyStart: number,
  opened: OpenedHeader,
  range: ByteRange,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { store, name, version, signal } = object
  if (opened.editList !== undefined) {
    const readAt = (offset: number, length: number): Promise<Uint8Array> =>
      fetchRange(store, name, { offset, length }, version.etag, signal, undefined, version.size)
    yield* openBody({ size: version.size, readAt }, bodyStart, opened).stream(range.offset, range.length)
    return
  }
  if (range.length === 0) return
  const end = range.offset + range.length
  const openBatch = batchOpener(opened)
  let segment = Math.floor(range.offset / SEGMENT_SIZE)
  const from = bodyStart + segment * ENCRYPTED_SEGMENT_SIZE
  const to = Math.min(version.size, bodyStart + Math.ceil(end / SEGMENT_SIZE) * ENCRYPTED_SEGMENT_SIZE)
  for await (const fetched of fetchRanges(object, from, to)) {
    for (let at = 0; at < fetched.length; at += BATCH_SEGMENTS * ENCRYPTED_SEGMENT_SIZE) {
      const batch = fetched.subarray(at, at + BATCH_SEGMENTS * ENCRYPTED_SEGMENT_SIZE)
      const plaintext = openBatch(batch, segment)
      const start = segment * SEGMENT_SIZE
      yield plaintext.subarray(Math.max(0, range.offset - start), Math.max(0, end - start))
      segment += BATCH_SEGMENTS
    }
  }
}

/** From one offset of the object to another, in pieces of whole segments counted from the first. */
async function* fetchRanges(
  { store, name, version, signal }: StreamedObject,
  from: number,
  to: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const step = RANGE_SEGMENTS * ENCRYPTED_SEGMENT_SIZE
  function* ranges(): Generator<ByteRange, void, undefined> {
    for (let offset = from; offset < to; offset += step) {
      yield { offset, length: Math.min(step, to - offset) }
    }
  }
  yield* fetchAhead(
    ranges(),
    RANGES_AHEAD,
    (range, either) => fetchRange(store, name, range, version.etag, either, undefined, version.size),
    signal,
  )
}

function batchOpener({ dataKeys }: OpenedHeader): (batch: Uint8Array, firstSegment: number) => Uint8Array {
  const openSegment = segmentOpener(dataKeys)
  return (batch, firstSegment) => {
    const plaintext = new Uint8Array(plaintextBodySize(batch.length))
    let written = 0
    for (let at = 0, number = firstSegment; at < batch.length; at += ENCRYPTED_SEGMENT_SIZE, number += 1) {
      const segment = batch.subarray(at, at + ENCRYPTED_SEGMENT_SIZE)
      written += openSegment(segment, plaintext, written, number)
    }
    // A segment in the middle that is shorter than all others would move what follows it.
    if (written !== plaintext.length) {
      throw new AppError('AUTHENTICATION_FAILED', `segment ${firstSegment} and on: wrong length`)
    }
    return plaintext
  }
}
