import { Worker } from 'node:worker_threads'
import type { FetchAnswer, FetchCancel, FetchTask } from './fetch-worker.ts'
import { newWriteTurns } from './write-turns.ts'

/** Threads that fetch ranges themselves, each several at a time. */
export class FetchThreads {
  readonly #limit: number
  readonly #writeTurns = newWriteTurns()
  readonly #threads: FetchThread[] = []
  #lastNumber = 0

  /** @param limit - number of threads; they are started as they are needed */
  constructor(limit: number) {
    this.#limit = limit
  }

  /**
   * Fetches a range, opens it and writes it into its place.
   *
   * @returns false when anything went wrong. Nothing more is written then, but some of the range may have been
   */
  async run(task: Omit<FetchTask, 'number'>, signal: AbortSignal | undefined): Promise<boolean> {
    if (signal?.aborted === true) return false
    this.#lastNumber += 1
    const number = this.#lastNumber
    const thread = this.#leastBusy()
    if (thread === undefined) return false
    const cancel = (): void => {
      thread.cancel(number)
    }
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      return await thread.run({ ...task, number })
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
  }

  /** Ends the threads. Await what runs first. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()))
  }

  /** Undefined where the machine gives no thread at all (ulimit -u, pids.max). */
  #leastBusy(): FetchThread | undefined {
    const [first] = this.#threads.filter(({ isLost }) => !isLost).sort((a, b) => a.running - b.running)
    if (first !== undefined && (first.running === 0 || this.#threads.length >= this.#limit)) return first
    try {
      const started = new FetchThread(this.#writeTurns)
      this.#threads.push(started)
      return started
    } catch {
      return first
    }
  }
}

class FetchThread {
  readonly #worker: Worker
  readonly #waiting = new Map<number, (done: boolean) => void>()
  #lost = false

  constructor(writeTurns: SharedArrayBuffer) {
    this.#worker = new Worker(workerUrl(), {
      workerData: writeTurns,
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 },
    })
    this.#worker.on('message', ({ number, done }: FetchAnswer) => {
      this.#settle(number, done)
    })
    for (const event of ['error', 'exit']) {
      this.#worker.on(event, () => {
        this.#lost = true
        for (const number of this.#waiting.keys()) this.#settle(number, false)
      })
    }
  }

  get running(): number {
    return this.#waiting.size
  }

  get isLost(): boolean {
    return this.#lost
  }

  run(task: FetchTask): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiting.set(task.number, resolve)
      this.#worker.postMessage(task)
    })
  }

  cancel(number: number): void {
    const message: FetchCancel = { cancel: number }
    this.#worker.postMessage(message)
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #settle(number: number, done: boolean): void {
    const resolve = this.#waiting.get(number)
    this.#waiting.delete(number)
    resolve?.(done)
  }
}

/** The compiled worker beside the compiled engine, the source beside the source. */
function workerUrl(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new URL(`./fetch-worker.${extension}`, import.meta.url)
}
