/** Lets only so many requests be under way at a time; the others wait for their turn, first come first served. */
export class RequestGate {
  #free: number
  readonly #queue: (() => void)[] = []

  constructor(limit: number) {
    this.#free = limit
  }

  /**
   * Waits for its turn.
   *
   * @returns to be called when the request has ended; further calls do nothing
   * @throws the signal's reason when it is aborted while waiting
   */
  async enter(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (this.#free > 0) this.#free -= 1
    else await this.#turn(signal)
    let inside = true
    return () => {
      if (inside) this.#leave()
      inside = false
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const start = (): void => {
        signal.removeEventListener('abort', giveUp)
        resolve()
      }
      const giveUp = (): void => {
        this.#queue.splice(this.#queue.indexOf(start), 1)
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', giveUp, { once: true })
      this.#queue.push(start)
    })
  }

  /** The place goes to the next one in the queue, or is free. */
  #leave(): void {
    const next = this.#queue.shift()
    if (next === undefined) this.#free += 1
    else next()
  }
}
