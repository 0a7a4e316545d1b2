import { failure, type Where } from '../failure.ts'

/**
 * Where the next page of a listing starts; undefined after the last.
 *
 * @param truncated - IsTruncated, which every listing has: an answer without it is something else, such as a login page
 * @throws StorageError STORE_FAILURE also when there is more and the server does not say where, or names the same place again:
 * the listing would end silently early, or never
 */
export function nextPage<Marker>(
  where: Where,
  truncated: boolean | undefined,
  current: Marker | undefined,
  next: Marker | undefined,
): Marker | undefined {
  if (truncated === undefined) throw failure('STORE_FAILURE', where, 'the answer is not a listing')
  if (!truncated) return undefined
  if (next === undefined || next === '' || JSON.stringify(next) === JSON.stringify(current)) {
    throw failure('STORE_FAILURE', where, 'the listing is cut off and cannot go on')
  }
  return next
}

/**
 * Undoes `encoding-type=url` where the server says that it was done; servers write a space as `+` or as `%20`. The decoder
 * throws StorageError STORE_FAILURE for what was not encoded so.
 */
export function decoderOf(where: Where, encodingType: string | undefined): (name: string) => string {
  if (encodingType !== 'url') return (name) => name
  return (encoded) => {
    try {
      return decodeURIComponent(encoded.replaceAll('+', '%20'))
    } catch (cause) {
      throw failure('STORE_FAILURE', where, 'a name in the listing is not encoded properly', { cause })
    }
  }
}
