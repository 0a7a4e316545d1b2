import type { WantedDigests } from './seal-task.ts'
import type { SegmentEngine } from './segment-engine.ts'
import type { PlaintextDigests } from './task-result.ts'
import type { SourceFile } from './source-file.ts'

/** Bytes hashed in one task: small enough that several files take turns. */
const TASK_SIZE = 32 * 1024 ** 2

let lastHash = 0

/** A number for a hash that no other of this process has. */
export function nextHash(): number {
  lastHash += 1
  return lastHash
}

/**
 * The digests of a whole file that is sealed in parts, in any order and partly by an earlier run: one thread reads along,
 * from the start, just behind the parts, so that the file is still in the system's cache.
 */
export class PlaintextHash {
  readonly #engine: SegmentEngine
  readonly #source: SourceFile
  readonly #digests: WantedDigests
  readonly #hash = nextHash()
  readonly #tasks: Promise<unknown>[] = []
  #asked = 0
  #failure: { error: unknown } | undefined

  constructor(engine: SegmentEngine, source: SourceFile, digests: WantedDigests) {
    this.#engine = engine
    this.#source = source
    this.#digests = digests
  }

  /** Lets it read on up to that byte. A failure is kept for {@link end}. */
  advanceTo(end: number): void {
    while (this.#asked < end && this.#failure === undefined) {
      const length = Math.min(TASK_SIZE, end - this.#asked)
      const task = this.#engine.runOrdered({
        kind: 'hash-range',
        hash: this.#hash,
        digests: this.#digests,
        fd: this.#source.fd,
        offset: this.#asked,
        length,
      })
      this.#asked += length
      this.#tasks.push(
        task.catch((error: unknown) => {
          this.#failure ??= { error }
        }),
      )
    }
  }

  /** Reads what is left and gives the digests. Throws FILE_CHANGED when the file ended early, and what node:fs throws. */
  async end(): Promise<PlaintextDigests> {
    this.advanceTo(this.#source.size)
    const ended = await this.abandon()
    if (this.#failure !== undefined) throw this.#failure.error
    if (ended === undefined) throw new RangeError('the hash of a file is of nothing')
    return ended
  }

  /** Gives the hash up, and waits until nothing reads the file any more. */
  async abandon(): Promise<PlaintextDigests | undefined> {
    await Promise.all(this.#tasks)
    const { plaintext } = await this.#engine.runOrdered({ kind: 'hash-end', hash: this.#hash })
    return plaintext
  }
}
