import { packetKeysFor } from '../crypto/crypt4gh/seal-header.ts'
import type { KeyPair } from '../crypto/keys/key-pair.ts'
import type { SmallFileSealing } from '../transfer/seal-small-file.ts'
import { SmallFileThreads } from '../transfer/small-file-threads.ts'
import { AppError } from '../util/errors.ts'

/** Below this number of small files threads of their own cost more than they gain. */
const WORTH_THREADS = 128

/** Fewer at the same time make no groups. */
const WORTH_GROUPS = 8

/** How the small files of a run are sealed. */
interface SmallFilesOptions extends Omit<SmallFileSealing, 'headers'> {
  /** Public keys. */
  recipients: readonly Uint8Array[]
  sender: KeyPair
}

/** The small files of a run: from a number of them on they have threads, as long as one is at work. */
export class SmallFiles {
  readonly #options: SmallFilesOptions
  #seen = 0
  #atWork = 0
  #threads: Promise<SmallFileThreads | undefined> | undefined

  constructor(options: SmallFilesOptions) {
    this.#options = options
  }

  /** Does one file's work; the last one at the same time awaits the end of the threads. */
  async withThreads<Result>(
    work: (threads: SmallFileThreads | undefined) => Promise<Result>,
  ): Promise<Result> {
    this.#seen += 1
    this.#atWork += 1
    if (this.#seen > WORTH_THREADS && this.#atWork >= WORTH_GROUPS) this.#threads ??= this.#startThreads()
    try {
      return await work(await this.#threads)
    } finally {
      this.#atWork -= 1
      if (this.#atWork === 0) {
        const ended = this.#threads
        this.#threads = undefined
        await (await ended)?.close()
      }
    }
  }

  /** Undefined for recipients that are none: that shows itself when a file is taken the ordinary way. */
  async #startThreads(): Promise<SmallFileThreads | undefined> {
    const { recipients, sender, digests, encryptAgain } = this.#options
    try {
      const packetKeys = await packetKeysFor(recipients, sender)
      return new SmallFileThreads({ packetKeys, digests, encryptAgain })
    } catch (error) {
      if (error instanceof AppError) return undefined
      throw error
    }
  }
}
