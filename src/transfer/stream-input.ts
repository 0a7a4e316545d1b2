/** Reads a stream into buffers, no further ahead than the one piece that tells whether it goes on. */
export class StreamInput {
  readonly #iterator: AsyncIterator<Uint8Array>
  readonly #signal: AbortSignal
  #held: Uint8Array = new Uint8Array()
  #ended = false

  /** @param signal - ends a read that waits for bytes which may never come */
  constructor(stream: AsyncIterable<Uint8Array>, signal: AbortSignal) {
    this.#iterator = stream[Symbol.asyncIterator]()
    this.#signal = signal
  }

  /**
   * Fills the buffer, or as much of it as there is before the stream ends, and gives the bytes filled.
   *
   * @param see - told of each piece as it comes
   * @throws what the stream throws; the reason of the signal
   */
  async fill(into: Uint8Array, see: (piece: Uint8Array) => void): Promise<number> {
    let filled = 0
    while (filled < into.length && !(await this.atEnd())) {
      const piece = this.#held.subarray(0, into.length - filled)
      see(piece)
      into.set(piece, filled)
      filled += piece.length
      this.#held = this.#held.subarray(piece.length)
    }
    return filled
  }

  /** Whether nothing more comes: waits for the next byte, or the end. Throws as `fill` does. */
  async atEnd(): Promise<boolean> {
    while (this.#held.length === 0 && !this.#ended) {
      const next = await this.#next()
      if (next.done === true) this.#ended = true
      else this.#held = next.value
    }
    return this.#held.length === 0
  }

  /** Lets the stream go. One that hangs in a read can't be waited for. */
  close(): void {
    if (this.#ended) return
    const closed = this.#iterator.return?.()
    closed?.catch(() => undefined)
  }

  #next(): Promise<IteratorResult<Uint8Array, unknown>> {
    const signal = this.#signal
    signal.throwIfAborted()
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', stop, { once: true })
      this.#iterator
        .next()
        .then(resolve, reject)
        .finally(() => {
          signal.removeEventListener('abort', stop)
        })
    })
  }
}
