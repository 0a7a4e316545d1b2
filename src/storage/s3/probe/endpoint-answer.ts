import * as http from 'node:http'
import * as https from 'node:https'
import { TLSSocket } from 'node:tls'
import { failure } from '../../failure.ts'

/** What an endpoint shows to anybody who asks. */
export interface EndpointAnswer {
  status: number
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>
  /** Milliseconds that the server's clock is ahead of this machine's, to about a second; undefined without a Date. */
  clockOffset: number | undefined
  /** Absent over plain http. */
  tls?: TlsAnswer
}

/** The server's certificate, and whether this machine trusts it. */
export interface TlsAnswer {
  /** Such as `TLSv1.3`. */
  protocol: string
  issuer: string
  /** True when the certificate is its own issuer. */
  selfSigned: boolean
  validTo: Date | undefined
  /** Node's code for why a connection would be refused, such as `CERT_HAS_EXPIRED`. */
  problem?: string
}

/** Milliseconds until the endpoint must have answered. */
const TIMEOUT = 10_000

/**
 * Sends an unsigned `GET /`. A certificate that is not trusted does not stop it, so that it can be described: nothing
 * secret is sent and the answer's body is not used. Throws ENDPOINT_UNREACHABLE when there is no answer.
 */
export function askEndpoint(endpoint: string, signal?: AbortSignal): Promise<EndpointAnswer> {
  const url = new URL(endpoint)
  const started = Date.now()
  const options = {
    headers: { 'user-agent': 'sealift-doctor' },
    agent: false,
    timeout: TIMEOUT,
    ...(signal === undefined ? {} : { signal }),
  }
  return new Promise((resolve, reject) => {
    const onAnswer = (response: http.IncomingMessage): void => {
      const answer = answerOf(response, (started + Date.now()) / 2)
      response.destroy()
      resolve(answer)
    }
    const request =
      url.protocol === 'https:'
        ? https.get(url, { ...options, rejectUnauthorized: false }, onAnswer)
        : http.get(url, options, onAnswer)
    request.on('timeout', () => request.destroy(new Error(`no answer in ${TIMEOUT / 1000} seconds`)))
    request.on('error', (error) => {
      reject(signal?.aborted === true ? (signal.reason as Error) : unreachable(endpoint, error))
    })
  })
}

function answerOf(response: http.IncomingMessage, middle: number): EndpointAnswer {
  const headers = Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
  )
  const date = Date.parse(headers['date'] ?? '')
  return {
    status: response.statusCode ?? 0,
    headers,
    // The header has whole seconds, cut off: half a second is the best guess of the rest.
    clockOffset: Number.isNaN(date) ? undefined : Math.round(date + 500 - middle),
    ...(response.socket instanceof TLSSocket ? { tls: tlsOf(response.socket) } : {}),
  }
}

function tlsOf(socket: TLSSocket): TlsAnswer {
  const { issuer, subject, valid_to: validTo } = socket.getPeerCertificate()
  const ends = new Date(validTo)
  const name = (party: typeof issuer): string =>
    [party.O, party.CN].filter((part) => part !== undefined).join(', ')
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    issuer: name(issuer),
    selfSigned: JSON.stringify(issuer) === JSON.stringify(subject),
    validTo: Number.isNaN(ends.getTime()) ? undefined : ends,
    ...(socket.authorized ? {} : { problem: String(socket.authorizationError) }),
  }
}

function unreachable(endpoint: string, error: Error): Error {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.message
  return failure('ENDPOINT_UNREACHABLE', { operation: 'GET /' }, `${new URL(endpoint).origin}: ${code}`, {
    cause: error,
  })
}
