/**
 * Where the checks of a run are done: each stays on one thread from its first byte to its last, because hashes and
 * nonces can't change threads, and goes to the one that has the fewest.
 */
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { startCheck, type Answer, type Question } from './check.ts'
import type { CheckMessage, CheckReply } from './check-worker.ts'

/** A piece of a shared buffer. */
interface SharedPiece {
  shared: SharedArrayBuffer
  start: number
  end: number
}

/** A check that takes the bytes of an object in their order: call `update` in that order, without waiting between. */
export interface Check {
  /** Settles when the buffer is not needed any more. */
  update(piece: SharedPiece): Promise<void>
  end(): Promise<Answer>
  /** Gives it up; harmless after `end`. */
  drop(): void
}

/** Objects up to this size are not worth a message to another thread, bytes. */
const INLINE_SIZE = 64 * 1024

export class CheckThreads {
  readonly #threads: CheckThread[] = []
  readonly #limit: number

  /** @param threads - 0 keeps the work on this thread; none is started before it is needed */
  constructor(threads: number) {
    this.#limit = threads
  }

  /** @param size - bytes that will come */
  begin(question: Question, size: number): Check {
    if (this.#limit === 0 || size <= INLINE_SIZE) return inlineCheck(question)
    const idle = this.#threads.find(({ checks }) => checks === 0)
    if (idle !== undefined) return idle.begin(question)
    if (this.#threads.length < this.#limit) {
      const started = new CheckThread()
      this.#threads.push(started)
      return started.begin(question)
    }
    const [first, ...others] = this.#threads
    const least = others.reduce(
      (best, one) => (best !== undefined && one.checks < best.checks ? one : best),
      first,
    )
    return least?.begin(question) ?? inlineCheck(question)
  }

  /** Ends the threads; what they are at is lost. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()))
  }
}

function inlineCheck(question: Question): Check {
  const check = startCheck(question)
  let last: Promise<unknown> = Promise.resolve()
  const after = <Result>(work: () => Result): Promise<Result> => {
    // The network has its turn between two pieces.
    const result = last.then(() => setImmediate()).then(work)
    last = result.catch(() => undefined)
    return result
  }
  return {
    update: ({ shared, start, end }) =>
      after(() => {
        check.update(new Uint8Array(shared, start, end - start))
      }),
    end: () => after(() => check.end()),
    drop: () => {
      check.drop()
    },
  }
}

interface Waiting {
  resolve: (answer: Answer | undefined) => void
  reject: (error: unknown) => void
}

class CheckThread {
  /** Checks that were begun and not ended. */
  checks = 0
  readonly #worker: Worker
  /** Answers come in the order of the questions. */
  readonly #waiting: Waiting[] = []
  #lastCheck = 0
  #lost: Error | undefined

  constructor() {
    this.#worker = new Worker(workerUrl(), {
      // As those of the cipher: a small heap makes V8 collect early.
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 },
    })
    this.#worker.on('message', (reply: CheckReply) => {
      const asked = this.#waiting.shift()
      if ('error' in reply) asked?.reject(reply.error)
      else asked?.resolve(reply.answer)
    })
    this.#worker.on('error', (error) => {
      this.#lose(error)
    })
    this.#worker.on('exit', (code) => {
      this.#lose(new RangeError(`a worker thread ended with ${code} in the middle of its task`))
    })
  }

  begin(question: Question): Check {
    this.#lastCheck += 1
    const check = this.#lastCheck
    this.checks += 1
    let isOpen = true
    const close = (): boolean => {
      if (!isOpen) return false
      isOpen = false
      this.checks -= 1
      return true
    }
    this.#tell({ kind: 'begin', check, question })
    return {
      update: async (piece) => {
        await this.#ask({ kind: 'update', check, ...piece })
      },
      end: async () => {
        close()
        const answer = await this.#ask({ kind: 'end', check })
        if (answer === undefined) throw new RangeError('a check ended without an answer')
        return answer
      },
      drop: () => {
        if (close()) this.#tell({ kind: 'drop', check })
      },
    }
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #tell(message: CheckMessage): void {
    if (this.#lost === undefined) this.#worker.postMessage(message)
  }

  #ask(message: CheckMessage): Promise<Answer | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) {
        reject(this.#lost)
        return
      }
      this.#waiting.push({ resolve, reject })
      this.#worker.postMessage(message)
    })
  }

  #lose(error: unknown): void {
    this.#lost ??= error instanceof Error ? error : new RangeError(String(error))
    for (const { reject } of this.#waiting.splice(0)) reject(this.#lost)
  }
}

/** The compiled worker beside the compiled module, the source beside the source. */
function workerUrl(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new URL(`./check-worker.${extension}`, import.meta.url)
}
