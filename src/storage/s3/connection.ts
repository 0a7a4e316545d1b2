import { AppError } from '../../util/errors.ts'
import type { Pace } from '../../util/pace.ts'
import type { Provider } from '../provider/provider.ts'

/** Keys that sign requests. Never logged, never part of an error. */
export interface Credentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string | undefined
  expiration?: Date | undefined
}

/** Seconds without a byte after which a request has failed, where nothing else is said. */
export const DEFAULT_IDLE_TIMEOUT = 60

/** How to reach one S3 store as one caller. */
export interface ConnectionSettings {
  /** `https://…`; AWS itself when absent. */
  endpoint?: string | undefined
  /** Signing region; `us-east-1` when absent, which stores other than AWS take as it is. */
  region?: string | undefined
  /** Keys, something that fetches them when they are needed, or no signature at all. */
  credentials: Credentials | (() => Promise<Credentials>) | 'anonymous'
  /** Reads keys that were given here once more from where they came; absent where they can't change. */
  readCredentials?: (() => Promise<Credentials>) | undefined
  /** What the server is, where that is known; recognised by its answers when absent. */
  provider?: Provider | undefined
  /** `endpoint/bucket` instead of `bucket.endpoint`; true when absent and an endpoint is given. */
  forcePathStyle?: boolean | undefined
  /** Connections at a time; 160 when absent: waiting for one counts as waiting for an answer, so there must be enough. */
  maxSockets?: number | undefined
  /** Seconds without a byte in either direction after which a request has failed; 60 when absent. */
  idleTimeout?: number | undefined
  /** Slows the bodies that are sent and received. */
  pace?: Pace | undefined
  /** Told, in a sentence for the person, when a refusal's reason was removed and the request sent again. */
  onNotice?: ((message: string) => void) | undefined
}

/** An endpoint to be shown: one that holds a password is refused later, and must not be printed before. */
export function endpointWithoutUser(endpoint: string): string {
  const url = URL.parse(endpoint)
  return url === null || (url.username === '' && url.password === '')
    ? endpoint
    : `${url.protocol}//…@${url.host}`
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** True when nobody on the way to the endpoint could change a body: over TLS (as AWS is), or on this machine. */
export function protectsBodies(endpoint: string | undefined): boolean {
  if (endpoint === undefined) return true
  const url = URL.parse(endpoint)
  return url !== null && (url.protocol === 'https:' || LOOPBACK.test(url.hostname))
}

/**
 * Checks an endpoint: an `https` address, or `http` on this machine.
 * What sealift stores is encrypted, but without TLS anyone on the way sees names and sizes, and can answer in the store's place.
 *
 * @throws AppError USAGE
 */
export function checkEndpoint(endpoint: string, allowInsecure = false): void {
  const url = URL.parse(endpoint)
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new AppError('USAGE', 'the endpoint is not an http or https address', {
      hints: ['give it with its scheme, such as https://s3.example.org'],
    })
  }
  if (url.username !== '' || url.password !== '') {
    throw new AppError('USAGE', 'the endpoint must not contain a user name or password', {
      hints: ['put the keys into ~/.aws/credentials or the AWS_ variables'],
    })
  }
  if (url.protocol === 'http:' && !allowInsecure && !LOOPBACK.test(url.hostname)) {
    throw new AppError('USAGE', `the endpoint ${url.origin} is not encrypted`, {
      hints: ['use https; plain http is meant for servers on this machine'],
    })
  }
}
