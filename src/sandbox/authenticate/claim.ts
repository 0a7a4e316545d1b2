import type { IncomingHttpHeaders } from 'node:http'
import { S3Error } from '../s3-error.ts'
import { algorithm, type CredentialScope } from './sigv4.ts'

/** What a request says about its signature; nothing of it is verified yet. */
export interface SignatureClaim {
  readonly form: 'header' | 'presigned'
  readonly accessKeyId: string
  readonly scope: CredentialScope
  /** YYYYMMDD'T'HHMMSS'Z' and the same as a moment. */
  readonly date: string
  readonly signedAt: Date
  /** Seconds a presigned URL lives. */
  readonly expiresIn: number | undefined
  readonly signedHeaders: readonly string[]
  readonly signature: string
}

/** Longest life of a presigned URL: seven days (S3 API, X-Amz-Expires). */
const maxExpiresIn = 604_800

/**
 * Reads the Authorization header or the X-Amz-* parameters; undefined for an anonymous request.
 * Throws AuthorizationHeaderMalformed, InvalidRequest or AccessDenied.
 */
export function parseSignatureClaim(
  headers: IncomingHttpHeaders,
  query: ReadonlyMap<string, string>,
): SignatureClaim | undefined {
  const presigned = query.has('X-Amz-Algorithm') || query.has('X-Amz-Signature')
  if (headers.authorization !== undefined) {
    if (presigned) throw new S3Error('InvalidRequest', 'a request is signed by header or by URL, not by both')
    return parseAuthorization(headers.authorization, headers)
  }
  if (presigned) return parsePresigned(query)
  if (query.has('Signature') || query.has('AWSAccessKeyId')) throw oldSignature()
  return undefined
}

function parseAuthorization(authorization: string, headers: IncomingHttpHeaders): SignatureClaim {
  if (!authorization.startsWith(`${algorithm} `)) throw oldSignature()
  const fields = new Map(
    authorization
      .slice(algorithm.length + 1)
      .split(',')
      .map((field) => {
        const [name = '', ...value] = field.trim().split('=')
        return [name, value.join('=')]
      }),
  )
  const date = headers['x-amz-date']
  return {
    form: 'header',
    ...parseCredential(fields.get('Credential')),
    ...parseDate(typeof date === 'string' ? date : compactDate(headers.date)),
    expiresIn: undefined,
    signedHeaders: parseSignedHeaders(fields.get('SignedHeaders')),
    signature: fields.get('Signature') ?? '',
  }
}

function parsePresigned(query: ReadonlyMap<string, string>): SignatureClaim {
  if (query.get('X-Amz-Algorithm') !== algorithm) throw oldSignature()
  const expires = query.get('X-Amz-Expires') ?? ''
  const expiresIn = /^\d{1,6}$/.test(expires) ? Number(expires) : 0
  if (expiresIn < 1 || expiresIn > maxExpiresIn) {
    throw new S3Error('AccessDenied', `X-Amz-Expires has to be 1 to ${maxExpiresIn} seconds`)
  }
  return {
    form: 'presigned',
    ...parseCredential(query.get('X-Amz-Credential')),
    ...parseDate(query.get('X-Amz-Date')),
    expiresIn,
    signedHeaders: parseSignedHeaders(query.get('X-Amz-SignedHeaders')),
    signature: query.get('X-Amz-Signature') ?? '',
  }
}

function parseCredential(text: string | undefined): { accessKeyId: string; scope: CredentialScope } {
  // An access key may hold slashes: the scope is the last four fields.
  const fields = (text ?? '').split('/')
  const [day = '', region = '', service, terminator] = fields.slice(-4)
  const accessKeyId = fields.slice(0, -4).join('/')
  if (accessKeyId === '' || service !== 's3' || terminator !== 'aws4_request') {
    throw malformed('the credential is not ACCESS_KEY/DAY/REGION/s3/aws4_request')
  }
  return { accessKeyId, scope: { day, region } }
}

function parseSignedHeaders(text: string | undefined): string[] {
  const names = (text ?? '').split(';')
  const sorted = names.every((name, index) => index === 0 || (names[index - 1] ?? '') < name)
  if (!names.includes('host') || !sorted || names.some((name) => name !== name.toLowerCase())) {
    throw malformed('SignedHeaders has to be sorted, in lower case and with host')
  }
  return names
}

function parseDate(date: string | undefined): { date: string; signedAt: Date } {
  const fields = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(date ?? '')
  if (date === undefined || fields === null)
    throw new S3Error('AccessDenied', 'the request has no valid date')
  const [, year, month, day, hour, minute, second] = fields
  const signedAt = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  if (Number.isNaN(signedAt.getTime())) throw new S3Error('AccessDenied', 'the request has no valid date')
  return { date, signedAt }
}

/** The plain Date header in the form that is signed. */
function compactDate(httpDate: string | undefined): string | undefined {
  const moment = new Date(httpDate ?? Number.NaN)
  if (Number.isNaN(moment.getTime())) return undefined
  return moment.toISOString().replace(/[-:]|\.\d{3}/g, '')
}

function oldSignature(): S3Error {
  return new S3Error('InvalidRequest', `only ${algorithm} signatures are accepted`)
}

function malformed(message: string): S3Error {
  return new S3Error('AuthorizationHeaderMalformed', message)
}
