import { Readable } from 'node:stream'
import type { S3Client } from '@aws-sdk/client-s3'
import type { FreshCredentials } from './fresh-credentials.ts'

/** Refusals that other credentials from the same place may end: tokens have a life, and keys are replaced. */
const CREDENTIALS_REFUSED = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidToken',
  'TokenRefreshRequired',
  'RequestExpired',
  'InvalidAccessKeyId',
])

/** Milliseconds. The SDK follows the store's clock with every answer; less than this was not what a store refused. */
const SKEW = 4 * 60_000

/** Failures whose cause is gone, though the request could not be sent again here. */
const remedied = new WeakSet<Error>()

/** True for a failure whose cause was removed: the same request may succeed now. */
export function wasRemedied(error: Error): boolean {
  return remedied.has(error)
}

/**
 * Sends a request again when the reason of its refusal could be removed: once each for credentials that had ended, which
 * are read again, and for this machine's clock, which the SDK sets right by the Date of the refusal. A body that
 * streams can't be sent again from here: its failure is marked instead ({@link wasRemedied}).
 *
 * @param onNotice - told what was removed, for the person
 */
export function removeReasons(
  client: S3Client,
  credentials: FreshCredentials | undefined,
  onNotice: ((message: string) => void) | undefined,
): void {
  const noticed = new Set<string>()
  const notice = (message: string): void => {
    if (!noticed.has(message)) onNotice?.(message)
    noticed.add(message)
  }
  client.middlewareStack.add(
    (next) => async (args) => {
      const causesLeft = new Set(['clock', 'credentials'])
      for (;;) {
        const offset = client.config.systemClockOffset
        const used = await credentials?.current()
        try {
          return await next(args)
        } catch (error) {
          if (!(error instanceof Error) || !isRefusal(error)) throw error
          const newOffset = client.config.systemClockOffset
          if (Math.abs(newOffset - offset) > SKEW && causesLeft.delete('clock')) {
            notice(clockNotice(newOffset))
          } else if (
            used !== undefined &&
            CREDENTIALS_REFUSED.has(error.name) &&
            causesLeft.delete('credentials') &&
            (await credentials?.renewed(used)) === true
          ) {
            notice('the credentials had ended, and were read again')
          } else {
            throw error
          }
          if (isStreamed(args.input)) {
            remedied.add(error)
            throw error
          }
        }
      }
    },
    { step: 'initialize', name: 'removeReasons', priority: 'high' },
  )
}

function clockNotice(offset: number): string {
  const minutes = Math.round(Math.abs(offset) / 60_000)
  const where = offset > 0 ? 'behind' : 'ahead of'
  return `this machine's clock is ${minutes} minutes ${where} the store's; going on with the store's time`
}

function isRefusal(error: Error): boolean {
  const metadata: unknown = Reflect.get(error, '$metadata')
  if (typeof metadata !== 'object' || metadata === null) return false
  const status: unknown = Reflect.get(metadata, 'httpStatusCode')
  return status === 400 || status === 401 || status === 403
}

function isStreamed(input: unknown): boolean {
  return typeof input === 'object' && input !== null && 'Body' in input && input.Body instanceof Readable
}
