import type { KeptRange } from '../crypto/crypt4gh/edit-list.ts'
import { SEGMENT_SIZE } from '../crypto/crypt4gh/format.ts'

/** Segments side by side. */
export interface SegmentSpan {
  first: number
  /** Not included. */
  end: number
}

/** The segments that hold some bytes of the stored plaintext, given in ascending order; spans that touch are one. Pure. */
export function segmentSpans(stored: readonly KeptRange[]): SegmentSpan[] {
  const spans: SegmentSpan[] = []
  for (const { start, end } of stored) {
    const span = { first: Math.floor(start / SEGMENT_SIZE), end: Math.ceil(end / SEGMENT_SIZE) }
    const last = spans.at(-1)
    if (last !== undefined && span.first <= last.end) last.end = Math.max(last.end, span.end)
    else spans.push(span)
  }
  return spans
}

/** The first segment after the span that `segment` is in, or the one after `segment` when it is in none. Pure. */
export function spanEnd(spans: readonly SegmentSpan[], segment: number): number {
  let low = 0
  let high = spans.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((spans[middle]?.end ?? Infinity) > segment) high = middle
    else low = middle + 1
  }
  const span = spans[low]
  return span !== undefined && span.first <= segment ? span.end : segment + 1
}
