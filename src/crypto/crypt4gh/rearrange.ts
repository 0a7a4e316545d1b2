/**
 * A range of a file as a file of its own, without encrypting its body again (crypt4gh.tex, "Edit List"): the
 * segments that hold a byte of the range are copied, all others are left out, and an edit list in the new
 * header says what of them counts. What the first and the last segment of the range hold besides stays
 * readable for the recipients of the new file.
 */
import { beyondEnd } from '../../util/byte-range.ts'
import type { KeyPair } from '../keys/key-pair.ts'
import { editedSize, keptRanges, rangesWithin, storedRanges } from './edit-list.ts'
import type { KeptRange } from './edit-list.ts'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_OVERHEAD, SEGMENT_SIZE } from './format.ts'
import { readHeader } from './header.ts'
import { openHeader } from './open-header.ts'
import type { OpenedHeader } from './open-header.ts'
import { sealHeader } from './seal-header.ts'
import { segmentOpener } from './segment.ts'
import { batches } from './segments.ts'

/** What to keep, in bytes of the file as its reader sees it. */
export interface RearrangeRange {
  /** From 0. */
  offset: bigint | number
  /** Undefined keeps everything from `offset` on. */
  length: number | undefined
  /** Fail when the file ends before the range does; without it, what there is of the range is kept. */
  exact?: boolean | undefined
}

/** Which segments a rearranged file takes over, and what its edit list says about them. */
export interface Rearrangement {
  /** Segment numbers from `start` up to, not including, `end`, which may be Infinity; ascending. */
  segments: KeptRange[]
  /** Undefined when every byte of the segments is kept. */
  editList: bigint[] | undefined
}

/** Plans a file that keeps these ranges of the stored plaintext (ascending, not touching) and no other segment. */
export function planRearrangement(ranges: readonly KeptRange[]): Rearrangement {
  const segments: KeptRange[] = []
  const editList: bigint[] = []
  let position = 0
  let segmentCount = 0
  for (const { start, end } of ranges) {
    const first = Math.floor(start / SEGMENT_SIZE)
    const last = segments.at(-1)
    // The first segment of a range may be the last one of the range before.
    const from = Math.max(first, last?.end ?? 0)
    const to = Math.ceil(end / SEGMENT_SIZE)
    const moved = (first < from ? segmentCount - 1 : segmentCount) * SEGMENT_SIZE + (start % SEGMENT_SIZE)
    if (last?.end === from) last.end = to
    else segments.push({ start: from, end: to })
    segmentCount += to - from
    editList.push(BigInt(moved - position))
    if (end !== Infinity) editList.push(BigInt(end - start))
    position = moved + (end - start)
  }
  const whole = editList.length === 0 || (editList.length === 1 && editList[0] === 0n)
  return { segments, editList: whole ? undefined : editList }
}

/**
 * Makes a file of a range of another: all data keys and a new edit list are sealed for `recipients`, for the
 * identities that open the file when there is none. A segment is handed on after its tag was verified. Reading
 * stops after the last segment that is needed.
 *
 * @throws {@link AppError} NOT_CRYPT4GH, INVALID_HEADER, NO_MATCHING_KEY, AUTHENTICATION_FAILED; INVALID_KEY, USAGE for
 * the recipients; INVALID_RANGE when the file ends before `offset`, or with `exact` before the range does: at the
 * end of the stream, what came out before must be thrown away
 */
export async function* rearrangeStream(
  ciphertext: AsyncIterable<Uint8Array>,
  identities: readonly KeyPair[],
  recipients: readonly Uint8Array[],
  range: RearrangeRange,
  sender?: KeyPair,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { header, rest, close } = await readHeader(ciphertext)
  try {
    const opened = await openHeader(header, identities)
    try {
      const { dataKeys, readers } = opened
      const ranges = wantedRanges(opened, range)
      const { editList } = planRearrangement(ranges)
      const to = recipients.length > 0 ? recipients : readers
      yield await sealHeader({ dataKeys, editList }, to, sender)
      const storedSize = yield* copySegments(rest, ranges, opened)
      requireRange(range, ranges, opened, storedSize)
    } finally {
      for (const dataKey of opened.dataKeys) dataKey.fill(0)
    }
  } finally {
    await close()
  }
}

/** Gives the number of stored plaintext bytes up to which the body was read: its end, or all that is needed. */
async function* copySegments(
  body: AsyncIterable<Uint8Array>,
  ranges: readonly KeptRange[],
  { dataKeys }: OpenedHeader,
): AsyncGenerator<Uint8Array, number, undefined> {
  const end = ranges.at(-1)?.end ?? 0
  if (end === 0) return 0
  const openSegment = segmentOpener(dataKeys)
  const plaintext = new Uint8Array(SEGMENT_SIZE)
  let storedSize = 0
  for await (const segment of batches(body, ENCRYPTED_SEGMENT_SIZE)) {
    const start = storedSize
    const size = Math.max(0, segment.length - SEGMENT_OVERHEAD)
    storedSize += size
    // By its real size: the last segment may end before a range that goes on to the end of the file begins.
    // A tail too short for a segment is opened to be refused.
    if (segment.length < SEGMENT_OVERHEAD || rangesWithin(ranges, start, start + size).length > 0) {
      openSegment(segment, plaintext, 0, start / SEGMENT_SIZE)
      yield segment.slice()
    }
    if (storedSize >= end) break
  }
  plaintext.fill(0)
  return storedSize
}

function wantedRanges({ editList }: OpenedHeader, range: RearrangeRange): KeptRange[] {
  // No file reaches 2^52 bytes; beyond 2^53 offset + length would be offset.
  const offset = Math.min(Number(range.offset), 2 ** 52)
  const { length = Infinity } = range
  if (offset < 0 || length < 0) throw new RangeError('a range has no negative offset or length')
  return storedRanges(keptRanges(editList ?? []), offset, offset + length)
}

/** The end of a body is known only when it was reached; ranges that it can't fill are found out here. */
function requireRange(
  { offset, length, exact = false }: RearrangeRange,
  ranges: readonly KeptRange[],
  { editList }: OpenedHeader,
  storedSize: number,
): void {
  const kept = rangesWithin(ranges, 0, storedSize).reduce((sum, { start, end }) => sum + end - start, 0)
  const short = exact && length !== undefined && kept < length
  if (kept > 0 && !short) return
  const size = editedSize(ranges.length === 0 ? Infinity : storedSize, editList)
  if (short || Number(offset) > size) throw beyondEnd(size)
}
