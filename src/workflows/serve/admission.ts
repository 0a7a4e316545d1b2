/** Who is answered at all: on this machine, through this address, with the token. Pure. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** What a request may be. */
export interface HouseRules {
  port: number
  token: string
  /** Origins of web pages that may read, such as `https://igv.org`. */
  origins: ReadonlySet<string>
}

/** A request as it came. */
export interface Visitor {
  method: string | undefined
  /** The request target as it stood in the request line. */
  target: string | undefined
  headers: IncomingHttpHeaders
}

/** A request that is let in, or how it is turned away. */
export type Admission = Admitted | Refusal

export interface Admitted {
  method: 'GET' | 'HEAD'
  /** What follows the token, decoded once. */
  path: string
  /** Headers that the answer has in any case. */
  headers: Record<string, string>
}

interface Refusal {
  status: number
  headers: Record<string, string>
}

/** What every answer says: nobody keeps it, guesses what it is, tells others its address or shows it in a page of theirs. */
const ALWAYS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

/** Headers of a request that a page may set without being asked for each. */
const REQUEST_HEADERS = 'Range, If-Range, If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since'

const EXPOSED_HEADERS = 'Accept-Ranges, Content-Length, Content-Range, ETag, Last-Modified'

/**
 * Lets a request in or turns it away. A name that resolves to this machine but is not its own (DNS rebinding) is 421,
 * whatever has not the token is 404, and neither is told more.
 */
export function admit({ method, target, headers }: Visitor, rules: HouseRules): Admission {
  if (!isOwnName(headers.host, rules.port)) return { status: 421, headers: { ...ALWAYS } }
  const [, given = '', rest] = /^\/([^/?#]*)(?:\/([^?#]*))?(?:[?#]|$)/.exec(target ?? '') ?? []
  if (!sameToken(given, rules.token)) return { status: 404, headers: { ...ALWAYS } }
  // Links of the first page would lead elsewhere without the slash.
  if (rest === undefined) return { status: 308, headers: { ...ALWAYS, Location: `/${rules.token}/` } }
  const shared = { ...ALWAYS, ...crossOrigin(headers.origin, rules.origins) }
  if (method === 'OPTIONS' && rules.origins.size > 0) return preflight(headers, shared)
  if (method !== 'GET' && method !== 'HEAD')
    return { status: 405, headers: { ...shared, Allow: 'GET, HEAD' } }
  const path = decoded(rest)
  return path === undefined ? { status: 404, headers: shared } : { method, path, headers: shared }
}

/** Loopback under its usual names, with the port. */
function isOwnName(host: string | undefined, port: number): boolean {
  const own = ['127.0.0.1', 'localhost', '[::1]'].flatMap((name) =>
    port === 80 ? [name, `${name}:80`] : [`${name}:${port}`],
  )
  return own.includes(host?.toLowerCase() ?? '')
}

/** Digests have one length, so that comparing them takes as long whatever was given. */
function sameToken(given: string, token: string): boolean {
  return timingSafeEqual(digest(given), digest(token))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function crossOrigin(origin: string | undefined, origins: ReadonlySet<string>): Record<string, string> {
  if (origins.size === 0) return {}
  const vary = { Vary: 'Origin' }
  if (origin === undefined || !origins.has(origin)) return vary
  return {
    ...vary,
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Expose-Headers': EXPOSED_HEADERS,
  }
}

/** The question a browser asks before a page may send the request itself. */
function preflight(headers: IncomingHttpHeaders, shared: Record<string, string>): Refusal {
  if (!('Access-Control-Allow-Origin' in shared)) return { status: 403, headers: shared }
  const privateNetwork =
    headers['access-control-request-private-network'] === 'true'
      ? { 'Access-Control-Allow-Private-Network': 'true' }
      : {}
  const allowed = {
    'Access-Control-Allow-Methods': 'GET, HEAD',
    'Access-Control-Allow-Headers': REQUEST_HEADERS,
    'Access-Control-Max-Age': '600',
  }
  return { status: 204, headers: { ...shared, ...allowed, ...privateNetwork } }
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}
