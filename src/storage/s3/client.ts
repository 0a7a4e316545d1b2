import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import type { ConnectionSettings, Credentials } from './connection.ts'
import { refuseOtherRequests } from './allowed-requests.ts'

/** Milliseconds until a connection must stand. */
const CONNECT_TIMEOUT = 10_000

/** The SDK's handler would write its warnings to the terminal. */
const nothing = (): void => undefined
const SILENT = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing }

/**
 * The SDK's client, set up for stores other than AWS. Why each setting is there:
 * - `expectContinueHeader`: a server that never sends `100 Continue` costs six seconds a part;
 * - checksums only where S3 requires them: the SDK's default CRC trailers are refused by older servers;
 *   bodies are covered by the signed SHA-256;
 * - `maxAttempts` 1: retries are ours (with-retry.ts), with one backoff and one log;
 * - time-outs watch silence, not duration: a slow line may take long for a large part.
 */
export function createS3Client(settings: ConnectionSettings): S3Client {
  const { endpoint, maxSockets = 32, idleTimeout = 60 } = settings
  const agent = { keepAlive: true, maxSockets }
  const client = new S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    region: settings.region ?? 'us-east-1',
    forcePathStyle: settings.forcePathStyle ?? endpoint !== undefined,
    ...signing(settings.credentials),
    expectContinueHeader: false,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT,
      socketTimeout: idleTimeout * 1000,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: agent,
      logger: SILENT,
    },
  })
  // Other stores know one region, and not by AWS's names: the bucket is created wherever the endpoint is.
  if (endpoint !== undefined) client.middlewareStack.remove('locationConstraintMiddleware')
  refuseOtherRequests(client)
  return client
}

function signing(
  credentials: ConnectionSettings['credentials'],
): Pick<S3ClientConfig, 'credentials' | 'signer'> {
  if (credentials === 'anonymous') {
    // The SDK asks for keys even when its signer does not use them.
    const unused = { accessKeyId: 'anonymous', secretAccessKey: 'anonymous' }
    return { credentials: unused, signer: { sign: async (request) => request } }
  }
  if (typeof credentials === 'function') return { credentials: async () => forSdk(await credentials()) }
  return { credentials: forSdk(credentials) }
}

/** The SDK's types want absent fields absent, not undefined. */
function forSdk({ accessKeyId, secretAccessKey, sessionToken, expiration }: Credentials) {
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    ...(expiration === undefined ? {} : { expiration }),
  }
}
