import { setTimeout as sleepFor } from 'node:timers/promises'
import { StorageError } from './errors.ts'

/** How often and how long a request is tried again. Times in seconds. */
export interface RetryPolicy {
  /** Attempts in all, the first included. */
  attempts: number
  /** Upper bound of the first wait; doubles with every attempt. */
  baseDelay: number
  /** Upper bound of any wait, a server's Retry-After included. */
  maxDelay: number
  /** No new attempt starts when its wait would end later than this after the first one began. */
  totalTime: number
}

/** Rides out a gateway that restarts (about a minute), gives up on one that stays away. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  attempts: 10,
  baseDelay: 0.5,
  maxDelay: 30,
  totalTime: 300,
}

export interface RetryingOptions {
  policy?: Partial<RetryPolicy> | undefined
  signal?: AbortSignal | undefined
  /** Told before each wait, in seconds. */
  onRetry?: ((error: StorageError, attempt: number, wait: number) => void) | undefined
  /** Whether to try again at all; by default what the store said (`retryable`). */
  retryable?: ((error: StorageError) => boolean) | undefined
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
  const { signal, onRetry } = options
  const { sleep = sleepSeconds, now = monotonicSeconds } = options
  const started = now()
  for (let attemptNumber = 1; ; attemptNumber++) {
    signal?.throwIfAborted()
    try {
      return await attempt(attemptNumber)
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof StorageError)) throw error
      const wait = waitAfter(error, attemptNumber, now() - started, options)
      if (wait === undefined) throw error
      onRetry?.(error, attemptNumber, wait)
      await sleep(wait, signal)
    }
  }
}

/** Seconds to wait after a failed attempt; undefined when there shall be no other. */
function waitAfter(
  error: StorageError,
  attemptNumber: number,
  elapsed: number,
  options: RetryingOptions,
): number | undefined {
  const policy = { ...DEFAULT_RETRY_POLICY, ...options.policy }
  const { retryable = saysRetryable, random = Math.random } = options
  if (!retryable(error) || attemptNumber >= policy.attempts) return undefined
  const wait = waitBefore(attemptNumber + 1, error.retryAfter, policy, random)
  return elapsed + wait > policy.totalTime ? undefined : wait
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

function saysRetryable(error: StorageError): boolean {
  return error.retryable
}

async function sleepSeconds(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleepFor(seconds * 1000, undefined, { signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}

function monotonicSeconds(): number {
  return performance.now() / 1000
}
