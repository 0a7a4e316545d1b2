import type { S3Request } from '../request.ts'
import { S3Error } from '../s3-error.ts'
import { maxPage } from './limits.ts'

/** A page of a listing, keys with a common beginning folded together. */
export interface Page<T> {
  readonly entries: readonly T[]
  readonly commonPrefixes: readonly string[]
  /** The last entry the page took in, folded ones included: the next page begins behind it. Set when there is more. */
  readonly last: T | undefined
}

export interface PageOptions {
  readonly prefix: string
  /** Keys are folded at its first occurrence behind the prefix; empty for none. */
  readonly delimiter: string
  readonly limit: number
  /** A client may give the last common prefix as its marker: that one is not given again. */
  readonly after?: string | undefined
}

/**
 * Cuts one page from entries that are in order, begin with the prefix and lie behind the marker
 * (S3 API, ListObjectsV2: a common prefix counts as one). Pure.
 */
export function takePage<T>(
  entries: Iterable<T>,
  keyOf: (entry: T) => string,
  options: PageOptions,
): Page<T> {
  const { prefix, delimiter, limit, after } = options
  const taken: T[] = []
  const commonPrefixes: string[] = []
  let last: T | undefined
  if (limit === 0) return { entries: taken, commonPrefixes, last }
  for (const entry of entries) {
    const objectKey = keyOf(entry)
    const end = delimiter === '' ? -1 : objectKey.indexOf(delimiter, prefix.length)
    const folded = end === -1 ? undefined : objectKey.slice(0, end + delimiter.length)
    const known = folded !== undefined && (folded === commonPrefixes.at(-1) || folded === after)
    if (!known) {
      if (taken.length + commonPrefixes.length === limit) return { entries: taken, commonPrefixes, last }
      if (folded === undefined) taken.push(entry)
      else commonPrefixes.push(folded)
    }
    last = entry
  }
  return { entries: taken, commonPrefixes, last: undefined }
}

/** What listings have in common in their parameters. */
export interface ListingParameters {
  readonly prefix: string
  readonly delimiter: string
  readonly limit: number
  /** Writes keys and prefixes as encoding-type asks. */
  readonly encode: (text: string) => string
  readonly encodingType: string | undefined
}

/** Throws InvalidArgument. */
export function parseListing({ query }: S3Request, limitName = 'max-keys'): ListingParameters {
  const encodingType = query.get('encoding-type')
  if (encodingType !== undefined && encodingType !== 'url') {
    throw new S3Error('InvalidArgument', 'the only encoding-type is url')
  }
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    limit: parseCount(query.get(limitName), limitName, maxPage),
    encode: encodingType === 'url' ? encodeKey : (text) => text,
    encodingType,
  }
}

/** A number of entries, at most the most there may be. Throws InvalidArgument. */
export function parseCount(text: string | undefined, name: string, most: number): number {
  if (text === undefined || text === '') return most
  if (!/^\d{1,10}$/.test(text)) throw new S3Error('InvalidArgument', `${name} is no number`)
  return Math.min(Number(text), most)
}

function encodeKey(text: string): string {
  return encodeURIComponent(text).replaceAll('%2F', '/')
}
