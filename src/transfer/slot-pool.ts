/** A buffer of the pool. Shared with worker threads; its content is whatever its last user left. */
export interface Slot {
  shared: SharedArrayBuffer
  bytes: Uint8Array
}

/**
 * A fixed number of equal buffers: whoever wants one waits until one is given back.
 * The whole memory of a transfer is `count` × `size` bytes, and is allocated as it is first needed.
 */
export class SlotPool {
  /** Bytes of each buffer. */
  readonly size: number
  readonly #free: Slot[] = []
  readonly #waiting: ((slot: Slot) => void)[] = []
  #unallocated: number

  /** @param size - bytes of each buffer */
  constructor(count: number, size: number) {
    this.#unallocated = count
    this.size = size
  }

  /** Never take a second slot while holding one: two such users could wait for each other for ever. */
  take(): Promise<Slot> {
    const slot = this.#free.pop() ?? this.#allocate()
    if (slot) return Promise.resolve(slot)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  giveBack(slot: Slot): void {
    const next = this.#waiting.shift()
    if (next) next(slot)
    else this.#free.push(slot)
  }

  #allocate(): Slot | undefined {
    if (this.#unallocated === 0) return undefined
    this.#unallocated -= 1
    const shared = new SharedArrayBuffer(this.size)
    return { shared, bytes: new Uint8Array(shared) }
  }
}
