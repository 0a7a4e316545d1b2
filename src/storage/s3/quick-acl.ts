import { createHash, createHmac } from 'node:crypto'
import http, { type ClientRequest, type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { Acl } from '../access/access-store.ts'
import { parseAclText } from './acl-text.ts'
import { DEFAULT_IDLE_TIMEOUT, type ConnectionSettings, type Credentials } from './connection.ts'
import type { FreshCredentials } from './fresh-credentials.ts'

/** Bytes that an answer may have: S3 allows a hundred grants. */
const LONGEST_ANSWER = 256 * 1024

/** After so many failures in a row it is not tried again: something is in its way. */
const MOST_FAILURES = 8

/** SHA-256 of no bytes: a GET has no body. */
const EMPTY_SHA256 = createHash('sha256').digest('hex')

/**
 * Reads ACLs of objects (GetObjectAcl) with a third of what the SDK needs for each: an audit reads one for every object.
 * It knows one answer, the usual one.
 */
export interface QuickAcls {
  /** Undefined for whatever is unusual, refusals among it: then the SDK has to ask. */
  read(bucket: string, objectKey: string, signal?: AbortSignal): Promise<Acl | undefined>
  close(): void
}

/** For servers that are addressed as `endpoint/bucket`, with credentials; undefined for others. */
export function quickAcls(
  settings: ConnectionSettings,
  credentials: FreshCredentials | undefined,
  now: () => number,
): QuickAcls | undefined {
  const endpoint = settings.endpoint === undefined ? null : URL.parse(settings.endpoint)
  if (endpoint === null || credentials === undefined || settings.forcePathStyle === false) return undefined
  const { maxSockets = 72, idleTimeout = DEFAULT_IDLE_TIMEOUT, region = 'us-east-1' } = settings
  const client = endpoint.protocol === 'https:' ? https : http
  const agent = new client.Agent({ keepAlive: true, maxSockets, timeout: idleTimeout * 1000 })
  const sign = signer(region, endpoint.host)
  const basePath = endpoint.pathname.replace(/\/$/, '')
  let failures = 0

  const ask = async (path: string, signal: AbortSignal | undefined): Promise<Acl | undefined> => {
    const headers = sign(path, await credentials.current(), now())
    const { protocol, hostname, port } = endpoint
    const host = hostname.replace(/^\[(.*)\]$/, '$1')
    const to = { protocol, host, path: `${path}?acl`, headers, agent, timeout: idleTimeout * 1000 }
    const sent = client.request({ ...to, ...(port === '' ? {} : { port }), ...(signal && { signal }) })
    const text = await answerOf(sent)
    return text === undefined ? undefined : parseAclText(text)
  }
  return {
    async read(bucket, objectKey, signal) {
      const path = pathOf(bucket, objectKey)
      if (path === undefined || failures >= MOST_FAILURES) return undefined
      try {
        const acl = await ask(`${basePath}${path}`, signal)
        failures = 0
        return acl
      } catch {
        failures += 1
        return undefined
      }
    },
    close: () => {
      agent.destroy()
    },
  }
}

/** The body of a plain 200; undefined for another answer. Rejects when the connection fails. */
function answerOf(sent: ClientRequest): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    sent.once('error', reject)
    sent.once('timeout', () => sent.destroy(new RangeError('the connection has gone silent')))
    sent.once('response', (answer: IncomingMessage) => {
      const chunks: Buffer[] = []
      let length = 0
      answer.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > LONGEST_ANSWER) sent.destroy(new RangeError('an answer that is no ACL'))
        else chunks.push(chunk)
      })
      answer.once('error', reject)
      answer.once('end', () => {
        resolve(answer.statusCode === 200 ? Buffer.concat(chunks).toString('utf8') : undefined)
      })
    })
    sent.end()
  })
}

/** Undefined for keys that something on the way may rewrite, or that have no spelling in an address. */
function pathOf(bucket: string, objectKey: string): string | undefined {
  const segments = objectKey.split('/')
  if (segments.some((segment) => segment === '.' || segment === '..' || segment === '')) return undefined
  if (!objectKey.isWellFormed()) return undefined
  return `/${[bucket, ...segments].map(encoded).join('/')}`
}

/** As SigV4 spells a segment: all but letters, digits and `-._~`. */
function encoded(segment: string): string {
  return encodeURIComponent(segment).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** Signs `GET path?acl` (AWS Signature Version 4, "Create a signed request"); the key of a day is derived once. */
function signer(
  region: string,
  host: string,
): (path: string, credentials: Credentials, now: number) => Record<string, string> {
  let derived: { of: string; key: Buffer } = { of: '', key: Buffer.alloc(0) }
  const keyOf = (secret: string, day: string): Buffer => {
    const of = `${day}/${secret}`
    if (derived.of !== of) {
      const key = [region, 's3', 'aws4_request'].reduce(hmac, hmac(`AWS4${secret}`, day))
      derived = { of, key }
    }
    return derived.key
  }
  return (path, { accessKeyId, secretAccessKey, sessionToken }, now) => {
    const time = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, '')
    const day = time.slice(0, 8)
    const headers: Record<string, string> = {
      host,
      'x-amz-content-sha256': EMPTY_SHA256,
      'x-amz-date': time,
      ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
    }
    const names = Object.keys(headers).join(';')
    const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`)
    const canonical = `GET\n${path}\nacl=\n${lines.join('')}\n${names}\n${EMPTY_SHA256}`
    const scope = `${day}/${region}/s3/aws4_request`
    const digest = createHash('sha256').update(canonical).digest('hex')
    const signature = hmac(
      keyOf(secretAccessKey, day),
      `AWS4-HMAC-SHA256\n${time}\n${scope}\n${digest}`,
    ).toString('hex')
    const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`
    return { ...headers, authorization }
  }
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
