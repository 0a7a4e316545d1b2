import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import type { SignedGetOptions, SignedRequest } from '../object-store.ts'
import { rangeHeader } from './byte-range.ts'
import { request } from './request.ts'

/** A value that would end its header, or begin another. */
const LINE_BREAK = /[\r\n]/

/**
 * The GetObject that the client would send, signed with the credentials and the clock it has now. Nothing is sent.
 *
 * @returns undefined for a request that some other sender could not send as the client does
 */
export async function signedGet(
  client: S3Client,
  idleTimeout: number,
  bucket: string,
  objectKey: string,
  { range, ifMatch, signal }: SignedGetOptions,
): Promise<SignedRequest | undefined> {
  const command = new GetObjectCommand({
    Bucket: bucket,
    Key: objectKey,
    Range: rangeHeader(range),
    IfMatch: `"${ifMatch}"`,
  })
  let signed: SignedRequest | undefined
  // What comes behind the signature sends the request; here it is kept instead.
  command.middlewareStack.add(
    () => (args) => {
      signed = asSigned(args.request, idleTimeout)
      return Promise.resolve({ output: { $metadata: {} }, response: undefined })
    },
    { step: 'deserialize', name: 'keepSigned', priority: 'high' },
  )
  const where = { operation: 'GetObject', bucket, objectKey }
  await request(where, { signal }, (settings) => client.send(command, settings))
  return signed
}

/** The SDK's request in the form of `fetch`. */
function asSigned(sent: unknown, idleTimeout: number): SignedRequest | undefined {
  if (!isGet(sent)) return undefined
  const { protocol, hostname, port, path, query } = sent
  const parameters = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  const headers = Object.entries(sent.headers)
  if (headers.some(([name, value]) => LINE_BREAK.test(name) || LINE_BREAK.test(value))) return undefined
  return {
    origin: `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`,
    target: parameters.length === 0 ? path : `${path}?${parameters.join('&')}`,
    headers,
    idleTimeout,
  }
}

interface SentGet {
  method: 'GET'
  protocol: string
  hostname: string
  port?: number | undefined
  path: string
  query: Record<string, string>
  headers: Record<string, string>
}

function isGet(sent: unknown): sent is SentGet {
  return typeof sent === 'object' && sent !== null && 'method' in sent && sent.method === 'GET'
}
