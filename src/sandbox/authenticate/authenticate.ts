import type { IncomingHttpHeaders } from 'node:http'
import { headerText } from '../http-headers.ts'
import { anonymous, type Identity, type Projects } from '../projects.ts'
import type { RequestTarget } from '../request-target.ts'
import { accessDenied, S3Error } from '../s3-error.ts'
import { parseSignatureClaim, type SignatureClaim } from './claim.ts'
import { type PayloadCheck, parsePayloadCheck } from './payload-check.ts'
import {
  canonicalRequest,
  type CredentialScope,
  sameSignature,
  scopeText,
  signature,
  signingKey,
  stringToSign,
} from './sigv4.ts'

/** A client's clock may differ by this much (S3 API, RequestTimeTooSkewed): milliseconds. */
const maxSkew = 15 * 60_000

/** The signing key each project used last: a client signs with one for a day, and deriving it is most of the work. */
const latestKeys = new WeakMap<{ secretAccessKey: string }, { scope: string; key: Buffer }>()

export interface AuthenticatedRequest {
  readonly identity: Identity
  /** What has to be true of the body's bytes before anything is stored. */
  readonly payload: PayloadCheck
}

/**
 * Finds out who sends a request. Needs no byte of the body.
 * Throws InvalidAccessKeyId, SignatureDoesNotMatch, RequestTimeTooSkewed, AccessDenied (an expired URL, an
 * `x-amz-*` header outside the signature) and what parsing the claim throws.
 */
export function authenticate(
  method: string,
  target: RequestTarget,
  headers: IncomingHttpHeaders,
  projects: Projects,
  now: Date,
): AuthenticatedRequest {
  const claim = parseSignatureClaim(headers, target.query)
  const claimedHash = headerText(headers, 'x-amz-content-sha256')
  if (claim === undefined) {
    return { identity: anonymous, payload: parsePayloadCheck(headers, claimedHash ?? 'UNSIGNED-PAYLOAD') }
  }
  const project = projects.byAccessKey(claim.accessKeyId)
  if (project === undefined) throw new S3Error('InvalidAccessKeyId', 'no project has this access key')
  checkMoment(claim, now)

  const key = latestSigningKey(project, claim.scope)
  const hash = payloadHash(claim, claimedHash, target.query)
  const canonical = canonicalRequest({
    method,
    path: target.path,
    query: target.query,
    headers: claim.signedHeaders.map((name) => [name, signedText(headers, name)]),
    payloadHash: hash,
  })
  const expected = signature(key, stringToSign(claim.date, claim.scope, canonical))
  if (!claim.date.startsWith(claim.scope.day) || !sameSignature(expected, claim.signature)) {
    throw new S3Error('SignatureDoesNotMatch', 'the signature does not fit the request and the secret key')
  }
  checkAllSigned(claim, headers)
  return {
    identity: project.identity,
    payload: parsePayloadCheck(headers, claimedHash ?? hash, {
      key,
      scope: claim.scope,
      date: claim.date,
      seed: claim.signature,
    }),
  }
}

function latestSigningKey(project: { secretAccessKey: string }, claimed: CredentialScope): Buffer {
  const scope = scopeText(claimed)
  const latest = latestKeys.get(project)
  if (latest?.scope === scope) return latest.key
  const key = signingKey(project.secretAccessKey, claimed)
  latestKeys.set(project, { scope, key })
  return key
}

function checkMoment(claim: SignatureClaim, now: Date): void {
  const age = now.getTime() - claim.signedAt.getTime()
  if (claim.expiresIn === undefined ? Math.abs(age) > maxSkew : age < -maxSkew) {
    throw new S3Error(
      'RequestTimeTooSkewed',
      'the clocks of client and server differ by more than 15 minutes',
    )
  }
  if (claim.expiresIn !== undefined && age > claim.expiresIn * 1000) throw accessDenied('the URL has expired')
}

/** A header as its client signed it: bytes beyond ASCII are UTF-8, and Node hands them over as Latin-1. */
function signedText(headers: IncomingHttpHeaders, name: string): string {
  const text = headerText(headers, name) ?? ''
  const bytes = Buffer.from(text, 'latin1')
  const decoded = bytes.toString('utf8')
  return Buffer.from(decoded, 'utf8').equals(bytes) ? decoded : text
}

/** A header that changes the meaning of a request must not be added to it by someone on the way. */
function checkAllSigned(claim: SignatureClaim, headers: IncomingHttpHeaders): void {
  const added = Object.keys(headers).find(
    (name) =>
      name.startsWith('x-amz-') && name !== 'x-amz-content-sha256' && !claim.signedHeaders.includes(name),
  )
  if (added !== undefined) throw accessDenied(`the header ${added} is not covered by the signature`)
}

/** What the signature says of the body: a hash, or a word in its place. */
function payloadHash(
  claim: SignatureClaim,
  header: string | undefined,
  query: ReadonlyMap<string, string>,
): string {
  if (claim.form === 'presigned') {
    const signed = claim.signedHeaders.includes('x-amz-content-sha256') ? header : undefined
    return signed ?? query.get('X-Amz-Content-Sha256') ?? 'UNSIGNED-PAYLOAD'
  }
  if (header === undefined) throw new S3Error('InvalidRequest', 'x-amz-content-sha256 is missing')
  return header
}
