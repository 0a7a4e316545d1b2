import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { type ConnectionSettings, type Credentials, DEFAULT_IDLE_TIMEOUT } from './connection.ts'
import { refuseOtherRequests } from './allowed-requests.ts'
import type { FreshCredentials } from './fresh-credentials.ts'
import { removeReasons } from './remedies.ts'

/** Milliseconds until a connection must stand. */
const CONNECT_TIMEOUT = 10_000

/** The SDK would write its warnings to the terminal. */
const nothing = (): void => undefined
const SILENT = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing }

/**
 * Steps of the SDK that change nothing of our requests, and are a good part of what each of them costs: its log is silent,
 * and nothing here runs in AWS Lambda or waits for `100 Continue`.
 */
const IDLE_STEPS = ['loggerMiddleware', 'recursionDetectionMiddleware', 'addExpectContinueMiddleware']

/**
 * The SDK's client, set up for stores other than AWS. Why each setting is there:
 * - `expectContinueHeader`: a server that never sends `100 Continue` costs six seconds a part;
 * - checksums only where S3 requires them: the SDK's default CRC trailers are refused by older servers;
 *   bodies are covered by the signed SHA-256;
 * - `maxAttempts` 1: retries are ours (with-retry.ts), with one backoff and one log;
 * - time-outs watch silence, not duration: a slow line may take long for a large part.
 */
export function createS3Client(
  settings: ConnectionSettings,
  credentials: FreshCredentials | undefined,
): S3Client {
  const { endpoint, maxSockets = 160, idleTimeout = DEFAULT_IDLE_TIMEOUT } = settings
  const agent = { keepAlive: true, maxSockets }
  const client = new S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    region: settings.region ?? 'us-east-1',
    forcePathStyle: settings.forcePathStyle ?? endpoint !== undefined,
    ...signing(credentials),
    expectContinueHeader: false,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 1,
    logger: SILENT,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT,
      socketTimeout: idleTimeout * 1000,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: agent,
      logger: SILENT,
    },
  })
  for (const name of IDLE_STEPS) client.middlewareStack.remove(name)
  // It would try once, and count that. The signing step is put behind it by its name, so something has to have it.
  client.middlewareStack.add((next) => next, {
    name: 'retryMiddleware',
    step: 'finalizeRequest',
    priority: 'high',
    override: true,
  })
  // Other stores know one region, and not by AWS's names: the bucket is created wherever the endpoint is.
  if (endpoint !== undefined) client.middlewareStack.remove('locationConstraintMiddleware')
  refuseOtherRequests(client)
  removeReasons(client, credentials, settings.onNotice)
  return client
}

function signing(credentials: FreshCredentials | undefined): Pick<S3ClientConfig, 'credentials' | 'signer'> {
  if (credentials === undefined) {
    // The SDK asks for keys even when its signer does not use them.
    const unused = { accessKeyId: 'anonymous', secretAccessKey: 'anonymous' }
    return { credentials: unused, signer: { sign: async (request) => request } }
  }
  // `memoized`: the SDK asks every time, and does not keep what has been replaced meanwhile.
  const asked = async () => forSdk(await credentials.current())
  return { credentials: Object.assign(asked, { memoized: true }) }
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
