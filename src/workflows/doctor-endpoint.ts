import { askEndpoint, type EndpointAnswer, type TlsAnswer } from '../storage/s3/probe/endpoint-answer.ts'
import { AppError } from '../util/errors.ts'
import { finding, type DoctorFinding } from './doctor-finding.ts'

/** Days before a certificate's end from which it is mentioned. */
const CERTIFICATE_WARNING = 14

/** Milliseconds that clocks may differ before it is mentioned: no store refuses a request for this. */
const CLOCK_TOLERANCE = 60_000

/** What an endpoint showed, and whether requests with credentials can be sent to it. */
export interface EndpointCheck {
  findings: DoctorFinding[]
  usable: boolean
}

/** Reaches the endpoint without credentials: that it answers, its certificate, its clock. Sends one `GET /`. */
export async function checkReach(endpoint: string, signal?: AbortSignal): Promise<EndpointCheck> {
  let answer: EndpointAnswer
  try {
    answer = await askEndpoint(endpoint, signal)
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'ENDPOINT_UNREACHABLE') throw error
    return {
      findings: [finding('reach', 'failed', error.message, unreachableHint(error.message))],
      usable: false,
    }
  }
  const tls = tlsFinding(endpoint, answer.tls, new Date())
  return {
    findings: [
      finding('reach', 'ok', `${endpoint} answers (HTTP ${answer.status})`),
      tls,
      clockFinding(answer.clockOffset),
    ],
    usable: tls.result !== 'failed',
  }
}

/** What a certificate's state means for the person. */
export function tlsFinding(endpoint: string, tls: TlsAnswer | undefined, now: Date): DoctorFinding {
  if (tls === undefined) {
    return finding('tls', 'skipped', `${endpoint} is not encrypted: meant for servers on this machine only`)
  }
  const { validTo, problem, issuer, selfSigned, protocol } = tls
  const ends = validTo === undefined ? '' : `, valid until ${validTo.toISOString().slice(0, 10)}`
  if (problem !== undefined) {
    const what = selfSigned ? 'signed by itself' : `by ${issuer === '' ? 'an unnamed issuer' : issuer}`
    return finding(
      'tls',
      'failed',
      `the certificate is not trusted (${problem}): ${what}${ends}`,
      problem === 'CERT_HAS_EXPIRED'
        ? "whoever runs the server has to renew it; also check this machine's clock"
        : 'if it is the right one, name the file of its authority in NODE_EXTRA_CA_CERTS',
    )
  }
  const days = validTo === undefined ? Infinity : (validTo.getTime() - now.getTime()) / 86_400_000
  const message = `${protocol}, certificate by ${issuer}${ends}`
  if (days >= CERTIFICATE_WARNING) return finding('tls', 'ok', message)
  return finding(
    'tls',
    'warning',
    message,
    `it ends in ${Math.floor(days)} days: whoever runs the server has to renew it`,
  )
}

/** @param offset - milliseconds that the server's clock is ahead of this machine's */
export function clockFinding(offset: number | undefined): DoctorFinding {
  if (offset === undefined) return finding('clock', 'skipped', 'the server does not tell its time')
  const seconds = Math.round(Math.abs(offset) / 1000)
  if (Math.abs(offset) <= CLOCK_TOLERANCE)
    return finding('clock', 'ok', `this machine's clock is the server's, to ${seconds} s`)
  return finding(
    'clock',
    'warning',
    `this machine's clock is ${seconds} s ${offset > 0 ? 'behind' : 'ahead of'} the server's`,
    "set the clock: stores refuse requests from 15 minutes on, and --until counts by the server's",
  )
}

function unreachableHint(message: string): string {
  if (message.includes('ENOTFOUND')) return 'nobody knows this host name: check its spelling'
  if (message.includes('ECONNREFUSED'))
    return 'nothing listens there: check the port, and that the server runs'
  return 'check the network, a firewall or proxy on the way, and the address'
}
