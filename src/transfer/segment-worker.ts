import { parentPort, workerData } from 'node:worker_threads'
import { AppError, type ErrorCode } from '../util/errors.ts'
import { errnoOf } from '../util/file-errors.ts'
import { runSegmentTask, type OrderedTask, type SegmentTask } from './segment-task.ts'
import type { SegmentTaskResult } from './task-result.ts'
import { joinWriteTurns } from './write-turns.ts'

/** What a worker thread answers: a result, or a failure in a form that survives the way between threads. */
export type WorkerAnswer =
  | { result: SegmentTaskResult }
  | { appError: AppErrorFields }
  | { systemError: { errno: string; message: string } }
  | { error: unknown }

export interface AppErrorFields {
  code: ErrorCode
  message: string
  hints: readonly string[]
}

if (workerData instanceof SharedArrayBuffer) joinWriteTurns(workerData)

parentPort?.on('message', (task: SegmentTask | OrderedTask) => {
  parentPort?.postMessage(answer(task))
})

function answer(task: SegmentTask | OrderedTask): WorkerAnswer {
  try {
    return { result: runSegmentTask(task) }
  } catch (error) {
    if (error instanceof AppError) {
      return { appError: { code: error.code, message: error.message, hints: error.hints } }
    }
    const errno = errnoOf(error)
    // Cloning an Error between threads drops its `code`.
    if (errno !== undefined) return { systemError: { errno, message: (error as Error).message } }
    return { error }
  }
}
