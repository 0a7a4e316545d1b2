/** Which segments of a body its reader gets to see, and which ones an edit list hides; pure (crypt4gh.tex §3.3). */
import { keptRanges, rangesWithin } from './edit-list.ts'
import { SEGMENT_SIZE } from './format.ts'

/** A run of segments. */
export interface SegmentRun {
  /** Number of the first one, from 0. */
  first: number
  count: number
}

export interface CoveredSegments {
  /** Segments of which the reader sees at least a byte. */
  covered: SegmentRun[]
  /** Segments that are discarded whole: who has the data key can read them all the same. */
  hidden: SegmentRun[]
}

/** Sorts the segments of a body by an edit list, in ascending runs. */
export function coveredSegments(
  segmentCount: number,
  editList: readonly bigint[] | undefined,
): CoveredSegments {
  const covered: SegmentRun[] = []
  for (const { start, end } of rangesWithin(keptRanges(editList ?? []), 0, segmentCount * SEGMENT_SIZE)) {
    const first = Math.floor(start / SEGMENT_SIZE)
    const count = Math.ceil(end / SEGMENT_SIZE) - first
    const last = covered.at(-1)
    if (last !== undefined && last.first + last.count >= first) last.count = first + count - last.first
    else covered.push({ first, count })
  }
  const hidden: SegmentRun[] = []
  let position = 0
  for (const { first, count } of covered) {
    if (first > position) hidden.push({ first: position, count: first - position })
    position = first + count
  }
  if (position < segmentCount) hidden.push({ first: position, count: segmentCount - position })
  return { covered, hidden }
}
