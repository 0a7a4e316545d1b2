import { AppError } from '../../util/errors.ts'
import { forEachPulled } from '../../util/pull-pool.ts'
import { failedTransfer, isHopeless, type FailedTransfer } from '../transfer-run.ts'

/** Failures that are kept in full; the others are counted, so that a run of any length needs little memory. */
export const KEPT_FAILURES = 1000

/** What became of a run. */
export interface ObjectRun {
  /** Objects that the work was done for. */
  done: number
  /** The first thousand failures. */
  failed: FailedTransfer[]
  /** All of them. */
  failedCount: number
}

interface ObjectRunOptions {
  /** Objects at work at the same time. */
  concurrency: number
  /** How to go on after an interrupt, a sentence. */
  goOn: string
  signal?: AbortSignal | undefined
}

/**
 * Does the same work for each of any number of objects, which are pulled as they come and not kept. An expected failure is
 * kept and the others go on.
 *
 * @throws AppError the first failure, when no object succeeded; one that every object would meet; with `goOn` among the
 * hints the signal's reason; what `objects` throws; a bug
 */
export async function runObjects<Item extends { objectKey: string }>(
  objects: AsyncIterable<Item>,
  work: (object: Item) => Promise<void>,
  { concurrency, goOn, signal }: ObjectRunOptions,
): Promise<ObjectRun> {
  const run: ObjectRun = { done: 0, failed: [], failedCount: 0 }
  let first: AppError | undefined
  const one = async (object: Item): Promise<void> => {
    try {
      await work(object)
      run.done += 1
    } catch (error) {
      if (!(error instanceof AppError) || isHopeless(error)) throw error
      first ??= error
      run.failedCount += 1
      if (run.failed.length < KEPT_FAILURES)
        run.failed.push(failedTransfer({ name: object.objectKey, error }))
    }
  }
  try {
    await forEachPulled(objects, concurrency, one, signal)
  } catch (error) {
    throw withProgress(error, run.done, goOn, signal?.aborted === true)
  }
  if (first !== undefined && run.done === 0) throw withOthers(first, run)
  return run
}

/** The same failure, saying what was done before it. */
export function withProgress(error: unknown, done: number, goOn: string, isInterrupt: boolean): unknown {
  if (!(error instanceof AppError) || (done === 0 && !isInterrupt)) return error
  const soFar = `${done === 1 ? '1 object was' : `${done} objects were`} done; ${goOn}`
  return new AppError(error.code, error.message, { cause: error, hints: [...error.hints, soFar] })
}

function withOthers(first: AppError, { failedCount }: ObjectRun): AppError {
  if (failedCount === 1) return first
  const others = `nothing else succeeded either: ${failedCount} objects failed`
  return new AppError(first.code, first.message, { cause: first, hints: [...first.hints, others] })
}
