/**
 * The answer to a GET of a range, as far as a thread that fetches for itself has to understand it: the very answer that
 * was asked for, or not. Whatever is unusual counts as not; the ordinary way then finds out what it is.
 */

/** Bytes that a head may have at most. Node.js allows as many. */
export const LONGEST_HEAD = 16 * 1024

const END_OF_HEAD = '\r\n\r\n'

/** Which bytes of which object an answer must bring. */
export interface WantedBytes {
  offset: number
  length: number
  /** Bytes of the whole object. */
  objectSize: number
  /** Without quotes. */
  etag: string
}

export interface ResponseHead {
  status: number
  /** By their names in lower case; those of the same name joined by a comma. */
  headers: ReadonlyMap<string, string>
  /** Where the body begins. */
  bodyStart: number
}

/**
 * Reads the head of an HTTP/1.1 answer (RFC 9112).
 *
 * @returns undefined while its end has not arrived
 * @throws RangeError when it is too long or none
 */
export function parseResponseHead(received: Uint8Array): ResponseHead | undefined {
  const text = Buffer.from(received.buffer, received.byteOffset, received.length).toString('latin1')
  const end = text.indexOf(END_OF_HEAD)
  if (end === -1) {
    if (received.length >= LONGEST_HEAD) throw new RangeError(`a head of more than ${LONGEST_HEAD} bytes`)
    return undefined
  }
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
  const status = /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(statusLine)?.[1]
  if (status === undefined) throw new RangeError('no HTTP/1.1 answer')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon))
    // Blanks and tabs around the value; what else trim() takes is not allowed in one at all.
    const value = line.slice(colon + 1).trim()
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw new RangeError('a header that is none')
    const before = headers.get(name.toLowerCase())
    headers.set(name.toLowerCase(), before === undefined ? value : `${before}, ${value}`)
  }
  return { status: Number(status), headers, bodyStart: end + END_OF_HEAD.length }
}

/** True for exactly the bytes that were asked for, sent plainly and with their length. */
export function brings({ status, headers }: ResponseHead, wanted: WantedBytes): boolean {
  const { offset, length, objectSize, etag } = wanted
  return (
    status === 206 &&
    headers.get('content-length') === String(length) &&
    headers.get('content-range') === `bytes ${offset}-${offset + length - 1}/${objectSize}` &&
    headers.get('etag')?.replaceAll('"', '') === etag &&
    !headers.has('transfer-encoding') &&
    !headers.has('content-encoding')
  )
}

/** Whether the server lets another request follow on the same connection. */
export function keepsAlive({ headers }: ResponseHead): boolean {
  return !/\bclose\b/i.test(headers.get('connection') ?? '')
}
