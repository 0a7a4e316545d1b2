import type { ByteRange } from '../object-store.ts'

/** A range as `Range` and `x-amz-copy-source-range` have it. Throws RangeError for one that is none. */
export function rangeHeader({ offset, length }: ByteRange): string {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 1) {
    throw new RangeError(`no range: ${length} bytes from ${offset}`)
  }
  return `bytes=${offset}-${offset + length - 1}`
}
