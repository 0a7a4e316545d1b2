import { Readable } from 'node:stream'

/**
 * A body whose chunks are only lent: each is valid until the next one is asked for. So one buffer serves for a body of any
 * length, and nothing is left behind for the garbage collector, which lets hundreds of MiB of chunks pile up.
 *
 * Node.js' own streams read ahead of the socket and say nothing of when a chunk has left it. `pipe`, which is how the SDK
 * hands a body to node:http, therefore writes it itself: the next chunk is asked for when the write of the one before was
 * called back, so when the kernel, or TLS, has a copy of all its bytes. Whoever reads it in another way gets copies.
 */
export class LentBody extends Readable {
  readonly #chunks: AsyncIterator<Uint8Array>
  /** The first chunk, while nobody has taken it. */
  #first: Promise<IteratorResult<Uint8Array>> | undefined
  #givenWhole = false

  constructor(chunks: AsyncIterable<Uint8Array>) {
    super({ highWaterMark: 0 })
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** Whether all of it was handed on. */
  get givenWhole(): boolean {
    return this.#givenWhole
  }

  /** Waits for the first chunk. Throws what the source of the chunks throws. */
  async begin(): Promise<void> {
    this.#first ??= this.#chunks.next()
    await this.#first
  }

  override pipe<Destination extends NodeJS.WritableStream>(destination: Destination): Destination {
    this.#writeTo(destination).catch((error: unknown) => this.destroy(error as Error))
    return destination
  }

  override _read(): void {
    this.#next().then(
      (chunk) => this.push(chunk === undefined ? null : Uint8Array.from(chunk)),
      (error: unknown) => this.destroy(error as Error),
    )
  }

  /** Closes the source of the chunks, too. */
  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    const closed = this.#chunks.return?.() ?? Promise.resolve()
    closed.then(
      () => {
        callback(error)
      },
      (failure: unknown) => {
        callback(error ?? (failure as Error))
      },
    )
  }

  async #writeTo(destination: NodeJS.WritableStream): Promise<void> {
    for (;;) {
      const chunk = await this.#next()
      if (chunk === undefined) break
      // What the destination failed with is told by the request.
      if (!(await isWritten(destination, chunk))) return
    }
    destination.end()
  }

  async #next(): Promise<Uint8Array | undefined> {
    const next = this.#first ?? this.#chunks.next()
    this.#first = undefined
    const result = await next
    if (result.done !== true) return result.value
    this.#givenWhole = true
    return undefined
  }
}

/** Settles when a chunk may be overwritten: true when it was written, false when it never will be. */
function isWritten(destination: NodeJS.WritableStream, chunk: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    // A request that is closed before it has a connection forgets what it was to call back.
    const onClose = (): void => {
      resolve(false)
    }
    destination.once('close', onClose)
    destination.write(chunk, (error) => {
      destination.off('close', onClose)
      resolve(error === undefined || error === null)
    })
  })
}
