/**
 * AWS Signature Version 4, the server's side (AWS General Reference, "Signature Version 4 signing process").
 * The SDK's library signs but has no way to verify a request that arrived; what is left of it is four HMACs.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

export const algorithm = 'AWS4-HMAC-SHA256'

/** The credential scope: which day, region and service a signature is for. */
export interface CredentialScope {
  /** YYYYMMDD. */
  readonly day: string
  readonly region: string
}

/** What a signature covers. Names of headers are lower case, in the order the client listed them. */
export interface SignedRequest {
  readonly method: string
  /** The decoded path. */
  readonly path: string
  readonly query: ReadonlyMap<string, string>
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Hex SHA-256, or one of the words the API allows in its place. */
  readonly payloadHash: string
}

/** Step 1 of signing. The signature parameter itself is left out of the query. */
export function canonicalRequest(request: SignedRequest): string {
  const query = [...request.query]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [uriEncode(name), uriEncode(value)] as const)
    .sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
  return [
    request.method,
    request.path.split('/').map(uriEncode).join('/'),
    query,
    ...request.headers.map(([name, value]) => `${name}:${value.trim().replace(/ +/g, ' ')}`),
    '',
    request.headers.map(([name]) => name).join(';'),
    request.payloadHash,
  ].join('\n')
}

/** Step 2: what is signed. `date` is YYYYMMDD'T'HHMMSS'Z'. */
export function stringToSign(date: string, scope: CredentialScope, canonical: string): string {
  return [algorithm, date, scopeText(scope), sha256Hex(canonical)].join('\n')
}

/** The scope as it stands in a credential and in strings to sign. */
export function scopeText(scope: CredentialScope): string {
  return `${scope.day}/${scope.region}/s3/aws4_request`
}

/** Step 3: the key of a day, region and service. */
export function signingKey(secretAccessKey: string, scope: CredentialScope): Buffer {
  let derived: Buffer = Buffer.from(`AWS4${secretAccessKey}`)
  for (const step of [scope.day, scope.region, 's3', 'aws4_request']) derived = hmac(derived, step)
  return derived
}

/** Step 4: hex. */
export function signature(key: Buffer, text: string): string {
  return hmac(key, text).toString('hex')
}

/** Compares two hex signatures without telling by the time it takes where they differ. */
export function sameSignature(expected: string, given: string): boolean {
  const [left, right] = [Buffer.from(expected), Buffer.from(given)]
  return left.length === right.length && timingSafeEqual(left, right)
}

export function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** S3's own escaping: everything but the unreserved characters of RFC 3986. */
function uriEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest()
}
