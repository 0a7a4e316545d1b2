/**
 * Edit lists (crypt4gh.tex §2.3.2, §3.3): lengths that alternately discard and keep bytes of the stored
 * plaintext. After an even number the rest is discarded, after an odd number (it ends with a discard)
 * the rest is kept. No length at all means the whole file. Lengths are unsigned 64-bit; whatever lies
 * beyond the end of the file is clamped. Pure.
 */

/** Stored plaintext bytes from `start` up to, not including, `end`, which may be Infinity. */
export interface KeptRange {
  start: number
  end: number
}

/** The ranges that an edit list keeps: ascending, none empty, none touching the next. */
export function keptRanges(editList: readonly bigint[]): KeptRange[] {
  if (editList.length === 0) return [{ start: 0, end: Infinity }]
  const ranges: KeptRange[] = []
  let position = 0
  for (const [index, length] of editList.entries()) {
    const end = saturate(position, length)
    if (index % 2 === 1) keep(ranges, position, end)
    position = end
  }
  if (editList.length % 2 === 1) keep(ranges, position, Infinity)
  return ranges
}

/** Bytes of the file as its reader sees it: `storedSize` bytes of plaintext under an edit list, if any. */
export function editedSize(storedSize: number, editList: readonly bigint[] | undefined): number {
  return rangesWithin(keptRanges(editList ?? []), 0, storedSize).reduce(
    (sum, { start, end }) => sum + end - start,
    0,
  )
}

/** What of `start` up to `end` is kept, in ascending order. */
export function rangesWithin(ranges: readonly KeptRange[], start: number, end: number): KeptRange[] {
  const within: KeptRange[] = []
  for (let index = firstEndingAfter(ranges, start); index < ranges.length; index += 1) {
    const range = ranges[index]
    if (range === undefined || range.start >= end) break
    within.push({ start: Math.max(range.start, start), end: Math.min(range.end, end) })
  }
  return within.filter((range) => range.start < range.end)
}

/**
 * The stored plaintext that makes up the edited bytes from `start` up to `end`: what to fetch and
 * decrypt to answer a request for a range of the file as its reader sees it.
 */
export function storedRanges(ranges: readonly KeptRange[], start: number, end: number): KeptRange[] {
  const stored: KeptRange[] = []
  let edited = 0
  for (const range of ranges) {
    if (edited >= end) break
    const from = range.start + Math.max(0, start - edited)
    const to = Math.min(range.end, range.start + (end - edited))
    if (from < to) stored.push({ start: from, end: to })
    edited += range.end - range.start
  }
  return stored
}

/** Index of the first range that ends after `position`; hostile lists are long, hence by halves. */
function firstEndingAfter(ranges: readonly KeptRange[], position: number): number {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ranges[middle]?.end ?? Infinity) > position) high = middle
    else low = middle + 1
  }
  return low
}

/** No file reaches 2^53 bytes, so everything from there on is as good as endless. */
function saturate(position: number, length: bigint): number {
  const sum = position + Number(length)
  return sum > Number.MAX_SAFE_INTEGER ? Infinity : sum
}

function keep(ranges: KeptRange[], start: number, end: number): void {
  const last = ranges.at(-1)
  if (start >= end) return
  if (last?.end === start) last.end = end
  else ranges.push({ start, end })
}
