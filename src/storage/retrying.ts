import { monotonicSeconds, sleepSeconds } from '../util/clock.ts'
import { StorageError } from './errors.ts'
import type { SharedPause } from './shared-pause.ts'

/** How often and how long a request is tried again. Times in seconds. */
export interface RetryPolicy {
  /** Attempts in all, the first included. */
  attempts: number
  /** Attempts in all while the store is away or busy (no answer, 429, 502, 503, 504), where that is another number. */
  outageAttempts?: number | undefined
  /** Upper bound of the first wait; doubles with every attempt. */
  baseDelay: number
  /** Upper bound of any wait, a server's Retry-After included. */
  maxDelay: number
  /** No new attempt starts when its wait would end later than this after the first one failed. */
  totalTime: number
}

/** Rides out a gateway that restarts (about a minute), gives up on one that stays away. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  attempts: 10,
  baseDelay: 0.5,
  maxDelay: 30,
  totalTime: 300,
}

/** For transfers: rides out a store that is away for so many seconds; 0 for a single attempt at everything. */
export function policyForOutagesOf(seconds: number): RetryPolicy {
  if (seconds <= 0) return { ...DEFAULT_RETRY_POLICY, attempts: 1 }
  return { ...DEFAULT_RETRY_POLICY, outageAttempts: Infinity, totalTime: seconds }
}

export interface RetryingOptions {
  policy?: Partial<RetryPolicy> | undefined
  signal?: AbortSignal | undefined
  /** Told before each wait, in seconds. */
  onRetry?: ((error: StorageError, attempt: number, wait: number) => void) | undefined
  /** Whether to try again at all; by default what the store said (`retryable`). */
  retryable?: ((error: StorageError) => boolean) | undefined
  /** What all requests to one store keep to: when it asks one of them to slow down, the others wait too. */
  pause?: SharedPause | undefined
  /** Randomness, wait (seconds) and clock (seconds), replaced in tests. */
  random?: (() => number) | undefined
  sleep?: ((seconds: number, signal: AbortSignal | undefined) => Promise<void>) | undefined
  now?: (() => number) | undefined
}

/**
 * Calls `attempt` until it succeeds, fails for good, or the policy's limits are reached.
 * Waits are drawn evenly from zero to a doubling bound (full jitter), so that many clients do not return together;
 * a server's Retry-After is a lower bound. An abort wakes the wait and is thrown as the signal's reason.
 */
export async function retrying<T>(
  attempt: (attemptNumber: number) => Promise<T>,
  options: RetryingOptions = {},
): Promise<T> {
  const { signal, pause, sleep = sleepSeconds, now = monotonicSeconds } = options
  let failingSince: number | undefined
  for (let attemptNumber = 1; ; attemptNumber++) {
    signal?.throwIfAborted()
    await pause?.passed(signal)
    try {
      return await attempt(attemptNumber)
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof StorageError)) throw error
      failingSince ??= now()
      await sleep(waitAfter(error, attemptNumber, now() - failingSince, options), signal)
    }
  }
}

/** Failures that were retried as long as they should be: a loop around the one that did begins no second round. */
const givenUp = new WeakSet<StorageError>()

/** Seconds to wait after a failed attempt. Tells who wants to know. Throws the failure when there shall be no other. */
function waitAfter(
  error: StorageError,
  attemptNumber: number,
  elapsed: number,
  options: RetryingOptions,
): number {
  const policy = { ...DEFAULT_RETRY_POLICY, ...options.policy }
  const { retryable = saysRetryable, random = Math.random } = options
  const wait = waitBefore(attemptNumber + 1, error.retryAfter, policy, random)
  const another =
    retryable(error) && attemptNumber < attemptsFor(error, policy) && elapsed + wait <= policy.totalTime
  if (!another || givenUp.has(error)) {
    givenUp.add(error)
    throw error
  }
  if (isBusy(error)) options.pause?.extend(wait)
  options.onRetry?.(error, attemptNumber, wait)
  return wait
}

function attemptsFor(error: StorageError, { attempts, outageAttempts = attempts }: RetryPolicy): number {
  return isOutage(error) ? outageAttempts : attempts
}

/** Seconds to wait before the given attempt (from 2). */
export function waitBefore(
  attemptNumber: number,
  retryAfter: number | undefined,
  policy: RetryPolicy,
  random: () => number,
): number {
  const bound = Math.min(policy.maxDelay, policy.baseDelay * 2 ** (attemptNumber - 2))
  const asked = Math.min(policy.maxDelay, Math.max(0, retryAfter ?? 0))
  return Math.max(random() * bound, asked)
}

/** The store is away or overloaded: nothing is wrong with the request. */
function isOutage({ code, status }: StorageError): boolean {
  if (code === 'ENDPOINT_UNREACHABLE') return true
  if (status === undefined) return code === 'STORE_FAILURE'
  return [429, 502, 503, 504].includes(status)
}

/** The store asks for fewer requests, of whatever kind. */
function isBusy({ status, serverCode, retryAfter }: StorageError): boolean {
  return serverCode === 'SlowDown' || status === 429 || (status === 503 && retryAfter !== undefined)
}

function saysRetryable(error: StorageError): boolean {
  return error.retryable
}
