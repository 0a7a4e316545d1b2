import { monotonicSeconds, sleepSeconds } from '../util/clock.ts'

export interface SharedPauseOptions {
  /** Randomness, clock and wait (seconds), replaced in tests. */
  random?: (() => number) | undefined
  now?: (() => number) | undefined
  sleep?: ((seconds: number, signal: AbortSignal | undefined) => Promise<void>) | undefined
}

/** Seconds over which those who waited return, so that they do not come back all at once. */
const SPREAD = 1

/** The moment before which no request shall be sent to a store that asked one of us to slow down. */
export class SharedPause {
  readonly #random: () => number
  readonly #now: () => number
  readonly #sleep: (seconds: number, signal: AbortSignal | undefined) => Promise<void>
  #until = 0

  constructor({
    random = Math.random,
    now = monotonicSeconds,
    sleep = sleepSeconds,
  }: SharedPauseOptions = {}) {
    this.#random = random
    this.#now = now
    this.#sleep = sleep
  }

  /** Asks all for a pause of so many seconds from now; one that ends later already stays. */
  extend(seconds: number): void {
    this.#until = Math.max(this.#until, this.#now() + seconds)
  }

  /** Resolves when there is no pause, or it is over. An abort rejects with the signal's reason. */
  async passed(signal?: AbortSignal): Promise<void> {
    for (let left = this.#left(); left > 0; left = this.#left()) {
      await this.#sleep(left + this.#random() * Math.min(left, SPREAD), signal)
    }
  }

  #left(): number {
    return this.#until - this.#now()
  }
}
