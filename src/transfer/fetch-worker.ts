/**
 * A thread that fetches ranges of sealed objects itself, opens them as they arrive and writes their plaintext in place.
 * It answers whether that went well, and nothing more: what went wrong is found out the ordinary way.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { SignedRequest } from '../storage/object-store.ts'
import { ENCRYPTED_BATCH } from './batch.ts'
import { SegmentSink, type OpenFetched } from './fetch-and-open.ts'
import { FetchConnection } from './fetch-connection.ts'
import type { WantedBytes } from './fetch-response.ts'
import { joinWriteTurns } from './write-turns.ts'

/** A range to fetch, under a number of its own. */
export interface FetchTask extends OpenFetched {
  number: number
  request: SignedRequest
  wanted: WantedBytes
}

/** Ends a task that is not wanted any more; it is answered as well. */
export interface FetchCancel {
  cancel: number
}

export interface FetchAnswer {
  number: number
  /** The range is in the file. */
  done: boolean
}

/** A connection with memory for what it fetches. */
interface Line {
  connection: FetchConnection
  memory: Uint8Array
}

const idle: { origin: string; line: Line }[] = []
const atWork = new Map<number, FetchConnection>()

if (workerData instanceof SharedArrayBuffer) joinWriteTurns(workerData)

parentPort?.on('message', (message: FetchTask | FetchCancel) => {
  if ('cancel' in message) atWork.get(message.cancel)?.destroy(new RangeError('cancelled'))
  else void answer(message)
})

async function answer(task: FetchTask): Promise<void> {
  const { number } = task
  const done = await fetchAndOpen(task).catch(() => false)
  for (const dataKey of task.dataKeys) dataKey.fill(0)
  const reply: FetchAnswer = { number, done }
  parentPort?.postMessage(reply)
}

async function fetchAndOpen(task: FetchTask): Promise<boolean> {
  const { number, request, wanted } = task
  const line = lineTo(request)
  atWork.set(number, line.connection)
  try {
    await line.connection.fetch(request, wanted, new SegmentSink(task, line.memory))
    return true
  } finally {
    atWork.delete(number)
    if (line.connection.isUsable) idle.push({ origin: request.origin, line })
  }
}

function lineTo({ origin, idleTimeout }: SignedRequest): Line {
  for (;;) {
    const at = idle.findLastIndex((candidate) => candidate.origin === origin)
    if (at === -1) break
    const [found] = idle.splice(at, 1)
    if (found?.line.connection.isUsable === true) return found.line
  }
  return { connection: new FetchConnection(origin, idleTimeout), memory: new Uint8Array(ENCRYPTED_BATCH) }
}
