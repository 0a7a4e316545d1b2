/** What a GET or HEAD for a file is answered with: ranges and conditions of RFC 9110 (§13, §14). Pure. */
import type { IncomingHttpHeaders } from 'node:http'
import type { ByteRange } from '../../storage/object-store.ts'

/** A file as it can be had now. */
export interface Representation {
  /** Bytes. */
  size: number
  /** Strong, with its quotes. */
  etag: string
  lastModified: Date | undefined
}

export interface PlannedAnswer {
  status: 200 | 206 | 304 | 412 | 416
  headers: Record<string, string>
  /** The bytes that the body has; undefined for no body. */
  range: ByteRange | undefined
  /** Whether the client named the end of a part: then it will likely take all of it. */
  bounded: boolean
}

export function planAnswer(
  method: 'GET' | 'HEAD',
  asked: IncomingHttpHeaders,
  file: Representation,
): PlannedAnswer {
  const about = validators(file)
  const unmet = unmetCondition(asked, file)
  if (unmet !== undefined) {
    const headers = unmet === 304 ? about : { ...about, 'Content-Length': '0' }
    return { status: unmet, headers, range: undefined, bounded: false }
  }
  const wanted = method === 'GET' ? wantedRange(asked, file) : 'whole'
  if (wanted === 'unsatisfiable') {
    const range = { 'Content-Range': `bytes */${file.size}`, 'Content-Length': '0' }
    return { status: 416, headers: { ...about, ...range }, range: undefined, bounded: false }
  }
  const whole = { offset: 0, length: file.size }
  if (wanted === 'whole') {
    const length = { 'Content-Length': String(file.size) }
    return {
      status: 200,
      headers: { ...about, ...length },
      range: method === 'GET' ? whole : undefined,
      bounded: false,
    }
  }
  const { offset, length } = wanted
  const last = offset + length - 1
  return {
    status: 206,
    headers: {
      ...about,
      'Content-Length': String(length),
      'Content-Range': `bytes ${offset}-${last}/${file.size}`,
    },
    range: wanted,
    bounded: last < file.size - 1 || isSuffix(asked.range),
  }
}

/**
 * The one range that a Range header asks for. Several ranges are answered with the whole, as RFC 9110 §14.2 allows, and
 * so is what is no valid Range header.
 */
export function parseRange(header: string, size: number): ByteRange | 'whole' | 'unsatisfiable' {
  const [, first, last] = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i.exec(header) ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return 'whole'
  if (first === '') return lastBytes(Number(last), size)
  const offset = Number(first)
  const named = last === '' ? Infinity : Number(last)
  if (named < offset) return 'whole'
  if (offset >= size) return 'unsatisfiable'
  return { offset, length: Math.min(named, size - 1) - offset + 1 }
}

function lastBytes(count: number, size: number): ByteRange | 'whole' | 'unsatisfiable' {
  if (count === 0) return 'unsatisfiable'
  // There is no Content-Range for a part of nothing.
  if (count >= size) return 'whole'
  return { offset: size - count, length: count }
}

function isSuffix(header: string | undefined): boolean {
  return /^bytes=[ \t]*-/i.test(header ?? '')
}

function wantedRange(
  { range, 'if-range': ifRange }: IncomingHttpHeaders,
  { size, etag }: Representation,
): ByteRange | 'whole' | 'unsatisfiable' {
  if (range === undefined) return 'whole'
  // A date is no strong validator here: an object may be replaced twice within a second.
  if (ifRange !== undefined && ifRange !== etag) return 'whole'
  return parseRange(range, size)
}

/** The order is that of RFC 9110 §13.2.2. */
function unmetCondition(headers: IncomingHttpHeaders, file: Representation): 304 | 412 | undefined {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = headers
  if (ifMatch !== undefined) {
    if (!names(ifMatch, file.etag, 'strong')) return 412
  } else if (isLater(file.lastModified, headers['if-unmodified-since']) === true) return 412
  if (ifNoneMatch !== undefined) return names(ifNoneMatch, file.etag, 'weak') ? 304 : undefined
  return isLater(file.lastModified, headers['if-modified-since']) === false ? 304 : undefined
}

/** Whether a list of ETags names this one. */
function names(header: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (header.trim() === '*') return true
  const tags = header.match(/(?:W\/)?"[^"]*"/g) ?? []
  return tags.some((tag) => tag === etag || (comparison === 'weak' && tag === `W/${etag}`))
}

/** Whether a time is later than the one of a header, in whole seconds; undefined when one of them is not known. */
function isLater(time: Date | undefined, header: string | undefined): boolean | undefined {
  const bound = Date.parse(header ?? '')
  if (time === undefined || Number.isNaN(bound)) return undefined
  return Math.floor(time.getTime() / 1000) > Math.floor(bound / 1000)
}

function validators({ etag, lastModified }: Representation): Record<string, string> {
  return {
    ETag: etag,
    'Accept-Ranges': 'bytes',
    ...(lastModified === undefined ? {} : { 'Last-Modified': lastModified.toUTCString() }),
  }
}
