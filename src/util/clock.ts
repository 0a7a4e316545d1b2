import { setTimeout as sleepFor } from 'node:timers/promises'

/** Seconds on a clock that never goes back. */
export function monotonicSeconds(): number {
  return performance.now() / 1000
}

/** Waits so many seconds. An abort rejects with the signal's reason. */
export async function sleepSeconds(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleepFor(seconds * 1000, undefined, { signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}
