/** Segments as streams: any chunking in, whole segments sealed or opened, bounded memory. */
import { AppError } from '../../util/errors.ts'
import { keptRanges, rangesWithin } from './edit-list.ts'
import type { KeptRange } from './edit-list.ts'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from './format.ts'
import type { OpenedHeader } from './open-header.ts'
import { sealSegments, segmentOpener } from './segment.ts'
import type { OpenSegment } from './segment.ts'
import { encryptedBodySize } from './sizes.ts'

/** Segments that are gathered before they are sealed or opened together: 1 MiB of plaintext. */
const BATCH_SEGMENTS = 16

/**
 * Seals a plaintext stream of any chunking. Short reads never end a segment early: only the last
 * segment is short, and an empty stream gives no segment at all.
 */
export async function* sealStream(
  plaintext: AsyncIterable<Uint8Array>,
  dataKey: Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const batch of batches(plaintext, BATCH_SEGMENTS * SEGMENT_SIZE)) {
    const sealed = new Uint8Array(encryptedBodySize(batch.length))
    sealSegments(dataKey, batch, sealed)
    yield sealed
  }
}

/**
 * Opens a body stream of any chunking and applies the edit list. A segment's plaintext is given out only
 * after its tag was verified; when a segment fails, all before it have been given out. Segments that the
 * edit list discards whole are not decrypted, and reading stops after the last byte it keeps.
 *
 * @throws {@link AppError} AUTHENTICATION_FAILED naming the first segment that is damaged, forged or cut short
 */
export async function* openStream(
  body: AsyncIterable<Uint8Array>,
  opened: Pick<OpenedHeader, 'dataKeys' | 'editList'>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const ranges = keptRanges(opened.editList ?? [])
  const openSegment = segmentOpener(opened.dataKeys)
  const end = ranges.at(-1)?.end ?? 0
  let segmentNumber = 0
  for await (const batch of batches(body, BATCH_SEGMENTS * ENCRYPTED_SEGMENT_SIZE)) {
    const plaintext = openBatch(openSegment, batch, segmentNumber, ranges)
    yield* plaintext.pieces
    if (plaintext.failure !== undefined) throw plaintext.failure
    segmentNumber += BATCH_SEGMENTS
    if (end <= segmentNumber * SEGMENT_SIZE) return
  }
}

interface OpenedBatch {
  /** What the edit list keeps, all of it authenticated; views of one fresh array. */
  pieces: Uint8Array[]
  /** Why the segment after the last piece couldn't be opened. */
  failure: AppError | undefined
}

function openBatch(
  openSegment: OpenSegment,
  batch: Uint8Array,
  firstSegment: number,
  ranges: readonly KeptRange[],
): OpenedBatch {
  const segmentCount = Math.ceil(batch.length / ENCRYPTED_SEGMENT_SIZE)
  const plaintext = new Uint8Array(segmentCount * SEGMENT_SIZE)
  const batchStart = firstSegment * SEGMENT_SIZE
  const pieces: KeptRange[] = []
  let failure: AppError | undefined
  for (let index = 0; index < segmentCount && failure === undefined; index += 1) {
    const start = index * SEGMENT_SIZE
    const kept = rangesWithin(ranges, batchStart + start, batchStart + start + SEGMENT_SIZE)
    if (kept.length === 0) continue
    const at = index * ENCRYPTED_SEGMENT_SIZE
    try {
      const segment = batch.subarray(at, at + ENCRYPTED_SEGMENT_SIZE)
      const end = start + openSegment(segment, plaintext, start, firstSegment + index)
      for (const range of kept) {
        addPiece(pieces, range.start - batchStart, Math.min(range.end - batchStart, end))
      }
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      failure = error
    }
  }
  return { pieces: pieces.map(({ start, end }) => plaintext.subarray(start, end)), failure }
}

/** Whole segments lie side by side: without an edit list a batch comes out as one piece. */
function addPiece(pieces: KeptRange[], start: number, end: number): void {
  const last = pieces.at(-1)
  if (start >= end) return
  if (last?.end === start) last.end = end
  else pieces.push({ start, end })
}

/**
 * Cuts a stream into arrays of exactly `size` bytes, but for the last. What it gives out is overwritten
 * by the next one.
 */
export async function* batches(
  source: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const batch = new Uint8Array(size)
  let filled = 0
  for await (const chunk of source) {
    for (let used = 0; used < chunk.length;) {
      const piece = chunk.subarray(used, used + size - filled)
      batch.set(piece, filled)
      used += piece.length
      filled += piece.length
      if (filled === size) {
        yield batch
        filled = 0
      }
    }
  }
  if (filled > 0) yield batch.subarray(0, filled)
}
