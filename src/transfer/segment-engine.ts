import { availableParallelism } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { AppError } from '../util/errors.ts'
import { FetchThreads } from './fetch-threads.ts'
import { runSegmentTask, type OrderedTask, type SegmentTask } from './segment-task.ts'
import type { SegmentTaskResult } from './task-result.ts'
import { newWriteTurns } from './write-turns.ts'
import type { WorkerAnswer } from './segment-worker.ts'

/** Where segment tasks run: on this thread, or spread over worker threads. */
export interface SegmentEngine {
  /** Rejects with what the task threw. */
  run(task: SegmentTask): Promise<SegmentTaskResult>
  /** Runs tasks that belong together one after the other, in the order they were asked for. */
  runOrdered(task: OrderedTask): Promise<SegmentTaskResult>
  /** Threads that fetch what they open; none where the work stays on this thread. */
  readonly fetchThreads?: FetchThreads | undefined
  /** Ends the threads. Tasks still running are lost: await them first. */
  close(): Promise<void>
}

/** Below this many bytes in all, starting threads costs more than they gain. */
const WORTH_THREADS = 32 * 1024 ** 2

/** More threads than this were not seen to help one transfer: the network side is slower than two of them. */
const MAX_DEFAULT_THREADS = 4

/** How many worker threads a job of that many bytes is worth; 0 keeps it on this thread. */
export function threadsFor(totalBytes: number): number {
  return totalBytes < WORTH_THREADS ? 0 : Math.min(MAX_DEFAULT_THREADS, availableParallelism())
}

/**
 * @param totalBytes - of all sources together
 * @param threads - number of worker threads; 0 keeps the work on this thread; chosen by the bytes when absent
 */
export function startSegmentEngine(totalBytes: number, threads = threadsFor(totalBytes)): SegmentEngine {
  return threads === 0 ? inlineEngine() : new ThreadEngine(threads)
}

function inlineEngine(): SegmentEngine {
  // setImmediate lets the network have its turn between two tasks.
  const run = async (task: SegmentTask | OrderedTask): Promise<SegmentTaskResult> => {
    await setImmediate()
    return runSegmentTask(task)
  }
  let last: Promise<unknown> = Promise.resolve()
  return {
    run,
    runOrdered: (task) => {
      const result = last.then(() => run(task))
      last = result.catch(() => undefined)
      return result
    },
    close: async () => {
      // nothing was started
    },
  }
}

class ThreadEngine implements SegmentEngine {
  readonly #unordered: ThreadPool
  /** One thread of its own: a hash is bound to the thread that holds it, and must not wait behind the cipher. */
  readonly #ordered = new ThreadPool(1)

  readonly fetchThreads: FetchThreads

  constructor(threads: number) {
    this.fetchThreads = new FetchThreads(threads)
    this.#unordered = new ThreadPool(threads)
  }

  run(task: SegmentTask): Promise<SegmentTaskResult> {
    return this.#unordered.run(task)
  }

  runOrdered(task: OrderedTask): Promise<SegmentTaskResult> {
    return this.#ordered.run(task)
  }

  async close(): Promise<void> {
    await Promise.all([this.#unordered.close(), this.#ordered.close(), this.fetchThreads.close()])
  }
}

interface Waiting {
  task: SegmentTask | OrderedTask
  resolve: (result: SegmentTaskResult) => void
  reject: (error: unknown) => void
}

/** Threads that are started as they are needed, and take tasks first come, first served. */
class ThreadPool {
  readonly #limit: number
  readonly #writeTurns = newWriteTurns()
  readonly #idle: Worker[] = []
  readonly #atWork = new Map<Worker, Waiting>()
  readonly #queue: Waiting[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  run(task: SegmentTask | OrderedTask): Promise<SegmentTaskResult> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ task, resolve, reject })
      this.#startNext()
    })
  }

  async close(): Promise<void> {
    const workers = [...this.#idle, ...this.#atWork.keys()]
    await Promise.all(workers.map((worker) => worker.terminate()))
  }

  #startNext(): void {
    const [waiting] = this.#queue
    if (waiting === undefined) return
    const worker = this.#idle.pop() ?? this.#startWorker()
    if (worker === undefined) return
    this.#queue.shift()
    this.#atWork.set(worker, waiting)
    worker.postMessage(waiting.task)
  }

  #startWorker(): Worker | undefined {
    if (this.#atWork.size >= this.#limit) return undefined
    const worker = new Worker(workerUrl(), {
      workerData: this.#writeTurns,
      // A task needs two batches of buffers and a few views: a small heap makes V8 collect early.
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 },
    })
    worker.on('message', (answer: WorkerAnswer) => {
      const settled = this.#atWork.get(worker)
      this.#atWork.delete(worker)
      this.#idle.push(worker)
      if ('result' in answer) settled?.resolve(answer.result)
      else settled?.reject(failureOf(answer))
      this.#startNext()
    })
    const lose = (error: unknown): void => {
      // The thread is gone; its task failed, the others go on in another one.
      const lost = this.#atWork.get(worker)
      this.#atWork.delete(worker)
      lost?.reject(error)
      this.#startNext()
    }
    worker.on('error', lose)
    worker.on('exit', (code) => {
      lose(new RangeError(`a worker thread ended with ${code} in the middle of its task`))
    })
    return worker
  }
}
function failureOf(answer: Exclude<WorkerAnswer, { result: unknown }>): unknown {
  if ('appError' in answer) {
    return new AppError(answer.appError.code, answer.appError.message, { hints: answer.appError.hints })
  }
  if ('systemError' in answer) {
    return Object.assign(new TypeError(answer.systemError.message), { code: answer.systemError.errno })
  }
  return answer.error
}

/** The compiled worker beside the compiled engine, the source beside the source. */
function workerUrl(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new URL(`./segment-worker.${extension}`, import.meta.url)
}
