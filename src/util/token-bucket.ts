import { monotonicSeconds, sleepSeconds } from './clock.ts'
import type { Pace } from './pace.ts'

export interface TokenBucketOptions {
  /** Bytes per second at this moment, undefined for no limit; asked again and again, so it may change. */
  rate: () => number | undefined
  /** Clock in seconds that never goes back, and a wait in seconds; replaced in tests. */
  now?: (() => number) | undefined
  sleep?: ((seconds: number, signal: AbortSignal | undefined) => Promise<void>) | undefined
}

/** Seconds of the rate that may be saved up while nobody takes, and go at once later. */
const SAVED_UP = 0.1
/** Seconds after which one who waits looks whether the rate has changed. */
const LONGEST_WAIT = 1

/**
 * A pace that all takers share, first come first served. Who takes when there is anything left may take it all and more:
 * the next one waits until the debt is paid, so that a chunk of any size passes and the rate still holds.
 */
export function createTokenBucket(options: TokenBucketOptions): Pace {
  return new TokenBucket(options)
}

class TokenBucket implements Pace {
  readonly #rate: () => number | undefined
  readonly #now: () => number
  readonly #sleep: (seconds: number, signal: AbortSignal | undefined) => Promise<void>
  /** Bytes that may pass; negative while a large taking is paid off. */
  #left = 0
  #lastRefill: number
  /** Resolves when all who came before have taken or gone. */
  #queue: Promise<void> = Promise.resolve()

  constructor({ rate, now = monotonicSeconds, sleep = sleepSeconds }: TokenBucketOptions) {
    this.#rate = rate
    this.#now = now
    this.#sleep = sleep
    this.#lastRefill = now()
  }

  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const before = this.#queue
    const taken = before.then(() => this.#takeNext(bytes, signal))
    // One who gives up must not keep those behind waiting, nor make them fail.
    this.#queue = taken.catch(() => undefined)
    await (signal === undefined ? taken : unlessAborted(taken, signal))
  }

  async #takeNext(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      signal?.throwIfAborted()
      const rate = this.#refill()
      if (rate === undefined) return
      if (this.#left > 0) break
      await this.#sleep(Math.min(LONGEST_WAIT, (1 - this.#left) / rate), signal)
    }
    this.#left -= bytes
  }

  /** Adds what has come in since the last time; gives the rate. Without a limit nothing is owed and nothing saved. */
  #refill(): number | undefined {
    const now = this.#now()
    const rate = this.#rate()
    const elapsed = now - this.#lastRefill
    this.#lastRefill = now
    this.#left = rate === undefined ? 0 : Math.min(this.#left + elapsed * rate, SAVED_UP * rate)
    return rate
  }
}

function unlessAborted(taken: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', abort, { once: true })
    taken.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', abort)
    })
  })
}
