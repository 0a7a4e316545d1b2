import { loadConnection } from '../storage/s3/credentials.ts'
import { createS3Store } from '../storage/s3/s3-store.ts'
import type { Store } from '../storage/store.ts'
import { withRetry } from '../storage/with-retry.ts'

/** Where to look for the store and for the caller's credentials. */
export interface ConnectRequest {
  profile?: string | undefined
  endpoint?: string | undefined
  region?: string | undefined
  environment: Readonly<Record<string, string | undefined>>
  homeDirectory: string
  /** Told before a failed request is tried again: the failure, and the wait in seconds. */
  onRetry?: ((message: string, wait: number) => void) | undefined
}

/** A store as one caller. */
export interface Connection {
  store: Store
  /** The server, by which seen keys are remembered. */
  endpoint: string
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
  const { onRetry } = request
  const settings = await loadConnection(request)
  const store = withRetry(createS3Store(settings), {
    onRetry: (error, _attempt, wait) => onRetry?.(error.message, wait),
  })
  return {
    store,
    endpoint: settings.endpoint ?? AWS_ENDPOINT,
    close: () => {
      store.close()
    },
  }
}
