import { loadConnection } from '../storage/s3/credentials.ts'
import { createS3Store } from '../storage/s3/s3-store.ts'
import type { StorageError } from '../storage/errors.ts'
import type { Provider, ProviderName } from '../storage/provider/provider.ts'
import { providerNamed } from '../storage/provider/providers.ts'
import { providerOfEndpoint } from '../storage/provider/recognise.ts'
import type { Store } from '../storage/store.ts'
import { policyForOutagesOf, withRetry } from '../storage/with-retry.ts'
import type { Pace } from '../util/pace.ts'
import { readServer } from './server-book.ts'
import type { TransferEvent } from './transfer-event.ts'

/** Where to look for the store and for the caller's credentials. */
export interface ConnectRequest {
  profile?: string | undefined
  endpoint?: string | undefined
  region?: string | undefined
  /** What the server is, said by the user. */
  provider?: ProviderName | undefined
  /** What `sealift doctor` found out about servers. */
  serversFile?: string | undefined
  /** Without a signature, as somebody without an account. */
  anonymous?: boolean | undefined
  environment: Readonly<Record<string, string | undefined>>
  homeDirectory: string
  /** Told before a failed request is tried again: the failure, and the wait in seconds. */
  onRetry?: ((message: string, wait: number) => void) | undefined
  /** Told, in a sentence for the person, what was set right on the way: the clock, ended credentials. */
  onNotice?: ((message: string) => void) | undefined
  /** Told about failed requests that are tried again. */
  onEvent?: ((event: TransferEvent) => void) | undefined
  /** Slows the bodies that are sent and received. */
  pace?: Pace | undefined
  /** Seconds for which a store that is away is waited for, once it has answered; 0 to try nothing again. */
  retryFor?: number | undefined
}

/** A store as one caller. */
export interface Connection {
  store: Store
  /** The server, by which seen keys are remembered. */
  endpoint: string
  /** When the credentials in use end, where that is known; they may be renewed then. Throws NO_CREDENTIALS. */
  credentialsExpireAt(): Promise<Date | undefined>
  close(): void
}

/** Where the SDK goes when no endpoint is configured. */
const AWS_ENDPOINT = 'https://s3.amazonaws.com'

/**
 * Finds the store and the credentials where the AWS tools find them. Nothing is sent yet; failed requests that may
 * succeed later are tried again.
 *
 * Throws AppError NO_CREDENTIALS, USAGE (an endpoint that is none), FILE_UNREADABLE.
 */
export async function connect(request: ConnectRequest): Promise<Connection> {
  const { onRetry, onNotice, onEvent, pace, retryFor } = request
  const settings = await loadConnection(request)
  const endpoint = settings.endpoint ?? AWS_ENDPOINT
  const s3 = createS3Store({ ...settings, provider: await knownProvider(request, endpoint), pace, onNotice })
  const store = withRetry(s3, {
    ...(retryFor === undefined ? {} : { policy: policyForOutagesOf(retryFor) }),
    onRetry: (error, attempt, wait) => {
      onRetry?.(error.message, wait)
      onEvent?.(retryEvent(error, attempt, wait))
    },
  })
  return {
    store,
    endpoint,
    credentialsExpireAt: () => s3.credentialsExpireAt(),
    close: () => {
      store.close()
    },
  }
}

/** Said by the user, seen by `doctor`, told by the host's name; undefined when the answers have to tell. */
async function knownProvider(
  { provider, serversFile }: ConnectRequest,
  endpoint: string,
): Promise<Provider | undefined> {
  if (provider !== undefined) return providerNamed(provider)
  const seen = serversFile === undefined ? undefined : await readServer(serversFile, endpoint)
  if (seen !== undefined) return seen
  const name = providerOfEndpoint(endpoint)
  return name === undefined ? undefined : providerNamed(name)
}

function retryEvent(error: StorageError, attempt: number, seconds: number): TransferEvent {
  const { operation, objectKey, partNumber, code, message } = error
  return { event: 'retry', operation, objectKey, partNumber, code, message, attempt, seconds }
}
