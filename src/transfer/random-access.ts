/** Objects to be read at random: any range of the plaintext as its reader sees it, from memory where it was read before. */
import { editedSize, keptRanges, rangesWithin, storedRanges } from '../crypto/crypt4gh/edit-list.ts'
import type { KeptRange } from '../crypto/crypt4gh/edit-list.ts'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../crypto/crypt4gh/format.ts'
import type { OpenedHeader } from '../crypto/crypt4gh/open-header.ts'
import { segmentOpener } from '../crypto/crypt4gh/segment.ts'
import { plaintextBodySize } from '../crypto/crypt4gh/sizes.ts'
import type { ByteRange, ObjectName } from '../storage/object-store.ts'
import { beyondEnd } from '../util/byte-range.ts'
import { AppError } from '../util/errors.ts'
import type { ObjectVersion } from './download-options.ts'
import { inObject } from './object-header.ts'
import { ReadSession } from './read-session.ts'
import { SEGMENTS_PER_OBJECT } from './segment-cache.ts'
import { SegmentReader, type SegmentPiece, type SharedReading } from './segment-reader.ts'
import { segmentSpans } from './segment-spans.ts'

/** Bytes that are given out together at most. */
const CHUNK_SIZE = 4 * SEGMENT_SIZE

/** One version of an object. */
export interface RandomAccessObject {
  /** Bytes of the plaintext as its reader sees it. */
  readonly size: number
  readonly version: ObjectVersion
  /**
   * A range in order, as fast as it is taken; every byte was authenticated. A chunk is only lent: it is overwritten when
   * the next one is asked for, or at the end.
   *
   * @param range - must lie within `size`
   * @param options - `bounded`: the reader named the end of the range, and will likely take all of it
   * @throws AppError INVALID_RANGE, AUTHENTICATION_FAILED; StorageError, OBJECT_CHANGED among them; the signal's reason
   */
  stream(range: ByteRange, options: StreamOptions): AsyncGenerator<Uint8Array, void, undefined>
  /** Drops what is in memory of it. What is being read goes on. */
  close(): void
}

interface StreamOptions {
  bounded: boolean
  signal: AbortSignal
}

/**
 * A Crypt4GH object whose header was opened. Its data keys are wiped.
 *
 * @param headerLength - bytes of the object before the first segment
 * @throws AppError AUTHENTICATION_FAILED for an impossible size
 */
export function accessSealed(
  name: ObjectName,
  version: ObjectVersion,
  headerLength: number,
  opened: OpenedHeader,
  shared: SharedReading,
): RandomAccessObject {
  try {
    const bodySize = version.size - headerLength
    const storedSize = plaintextBodySize(bodySize)
    const segmentCount = Math.ceil(bodySize / ENCRYPTED_SEGMENT_SIZE)
    if (segmentCount > SEGMENTS_PER_OBJECT) throw tooLarge('AUTHENTICATION_FAILED', version.size)
    const kept = rangesWithin(keptRanges(opened.editList ?? []), 0, storedSize)
    const layout = {
      bodyStart: headerLength,
      storedSegmentSize: ENCRYPTED_SEGMENT_SIZE,
      segmentCount,
      readable: segmentSpans(kept),
      open: segmentOpener(opened.dataKeys),
      dataKeyCount: opened.dataKeys.length,
    }
    const size = editedSize(storedSize, opened.editList)
    return accessible(name, version, { size, kept }, new SegmentReader(name, version, layout, shared))
  } catch (error) {
    throw inObject(error, name)
  } finally {
    for (const dataKey of opened.dataKeys) dataKey.fill(0)
  }
}

/**
 * An object as it is stored; nothing about it is authenticated.
 *
 * @throws AppError STORE_FAILURE for an impossible size
 */
export function accessStored(
  name: ObjectName,
  version: ObjectVersion,
  shared: SharedReading,
): RandomAccessObject {
  const { size } = version
  const segmentCount = Math.ceil(size / SEGMENT_SIZE)
  if (segmentCount > SEGMENTS_PER_OBJECT) throw inObject(tooLarge('STORE_FAILURE', size), name)
  const kept = size === 0 ? [] : [{ start: 0, end: size }]
  const layout = {
    bodyStart: 0,
    storedSegmentSize: SEGMENT_SIZE,
    segmentCount,
    readable: segmentSpans(kept),
    open: (bytes: Uint8Array, into: Uint8Array, offset: number): number => {
      into.set(bytes, offset)
      return bytes.length
    },
    dataKeyCount: 0,
  }
  return accessible(name, version, { size, kept }, new SegmentReader(name, version, layout, shared))
}

function accessible(
  name: ObjectName,
  version: ObjectVersion,
  { size, kept }: { size: number; kept: readonly KeptRange[] },
  reader: SegmentReader,
): RandomAccessObject {
  async function* stream(
    { offset, length }: ByteRange,
    { bounded, signal }: StreamOptions,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    if (offset + length > size) throw beyondEnd(size)
    const stored = storedRanges(kept, offset, offset + length)
    const session = new ReadSession(segmentSpans(stored), bounded, signal)
    const chunk = new Uint8Array(Math.min(CHUNK_SIZE, length))
    let filled = 0
    try {
      for (const piece of segmentPieces(stored)) {
        const pieceLength = piece.to - piece.from
        // What is ready does not wait for what has to be fetched.
        if (filled > 0 && (filled + pieceLength > chunk.length || !reader.has(piece.segment))) {
          yield chunk.subarray(0, filled)
          filled = 0
        }
        await reader.read(piece, chunk, filled, session)
        filled += pieceLength
      }
      if (filled > 0) yield chunk.subarray(0, filled)
    } catch (error) {
      throw inObject(error, name)
    } finally {
      session.end()
      chunk.fill(0)
    }
  }
  return {
    size,
    version,
    stream,
    close: () => {
      reader.close()
    },
  }
}

/** Whatever the store says: its segments could not be told from those of another object. */
function tooLarge(code: 'AUTHENTICATION_FAILED' | 'STORE_FAILURE', size: number): AppError {
  return new AppError(code, `no object has ${size} bytes`, {
    hints: ['the store tells a size that can not be; ask its provider'],
  })
}

/** Stored bytes of plaintext, cut where segments end. */
function* segmentPieces(stored: readonly KeptRange[]): Generator<SegmentPiece, void, undefined> {
  for (const { start, end } of stored) {
    for (let from = start; from < end;) {
      const segment = Math.floor(from / SEGMENT_SIZE)
      const segmentStart = segment * SEGMENT_SIZE
      const to = Math.min(end, segmentStart + SEGMENT_SIZE)
      yield { segment, from: from - segmentStart, to: to - segmentStart }
      from = to
    }
  }
}
