import type { Slot } from './slot-pool.ts'

/** Buffers of which both size and number may change on the way: parts grow, and then fewer of them fit. */
export class PartBuffers {
  readonly #free: Slot[] = []
  readonly #waiting = new Set<() => void>()
  #taken = 0

  /**
   * Waits until fewer than `limit` buffers are taken.
   *
   * @param size - bytes wanted; a buffer may have more. Never less than before
   * @throws the reason of `signal`
   */
  async take(size: number, limit: number, signal: AbortSignal): Promise<Slot> {
    signal.throwIfAborted()
    while (this.#taken >= limit) await this.#oneGivenBack(signal)
    this.#taken += 1
    const free = this.#free.pop()
    // The ones left behind are smaller or too many: let them go.
    this.#free.length = Math.max(0, Math.min(this.#free.length, limit - this.#taken))
    if (free !== undefined && free.bytes.length >= size) return free
    this.#free.length = 0
    const shared = new SharedArrayBuffer(size)
    return { shared, bytes: new Uint8Array(shared) }
  }

  giveBack(slot: Slot): void {
    this.#taken -= 1
    this.#free.push(slot)
    for (const wake of this.#waiting) wake()
  }

  #oneGivenBack(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#waiting.delete(settle)
        signal.removeEventListener('abort', settle)
        if (signal.aborted) reject(signal.reason as Error)
        else resolve()
      }
      this.#waiting.add(settle)
      signal.addEventListener('abort', settle, { once: true })
    })
  }
}
