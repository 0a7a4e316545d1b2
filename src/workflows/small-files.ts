import { SmallFileThreads } from '../transfer/small-file-threads.ts'
import type { SmallFileSealing } from '../transfer/seal-small-file.ts'

/** Below this number of small files threads of their own cost more than they gain. */
const WORTH_THREADS = 128

/** Fewer at the same time make no groups. */
const WORTH_GROUPS = 8

/** The small files of a run: from a number of them on they have threads, as long as one is at work. */
export class SmallFiles {
  readonly #sealing: SmallFileSealing
  #seen = 0
  #atWork = 0
  #threads: SmallFileThreads | undefined

  constructor(sealing: SmallFileSealing) {
    this.#sealing = sealing
  }

  /** Does one file's work; the last one at the same time awaits the end of the threads. */
  async withThreads<Result>(
    work: (threads: SmallFileThreads | undefined) => Promise<Result>,
  ): Promise<Result> {
    this.#seen += 1
    this.#atWork += 1
    if (this.#seen > WORTH_THREADS && this.#atWork >= WORTH_GROUPS) {
      this.#threads ??= new SmallFileThreads(this.#sealing)
    }
    try {
      return await work(this.#threads)
    } finally {
      this.#atWork -= 1
      if (this.#atWork === 0) {
        const ended = this.#threads
        this.#threads = undefined
        await ended?.close()
      }
    }
  }
}
