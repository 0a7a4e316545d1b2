import { parentPort } from 'node:worker_threads'
import { startCheck, type Answer, type Question, type RunningCheck } from './check.ts'

/** What a thread is told; it does one after the other. Of a check only `update` and `end` are answered. */
export type CheckMessage =
  | { kind: 'begin'; check: number; question: Question }
  | { kind: 'update'; check: number; shared: SharedArrayBuffer; start: number; end: number }
  | { kind: 'end'; check: number }
  | { kind: 'drop'; check: number }

/** In the order of the messages that are answered. */
export type CheckReply = { answer: Answer | undefined } | { error: unknown }

const checks = new Map<number, RunningCheck>()

parentPort?.on('message', (message: CheckMessage) => {
  if (message.kind === 'begin') {
    checks.set(message.check, startCheck(message.question))
  } else if (message.kind === 'drop') {
    checks.get(message.check)?.drop()
    checks.delete(message.check)
  } else {
    parentPort?.postMessage(reply(message))
  }
})

function reply(message: Extract<CheckMessage, { kind: 'update' | 'end' }>): CheckReply {
  const check = checks.get(message.check)
  if (check === undefined) return { error: new RangeError(`no check ${message.check} was begun`) }
  try {
    if (message.kind === 'end') {
      checks.delete(message.check)
      return { answer: check.end() }
    }
    check.update(new Uint8Array(message.shared, message.start, message.end - message.start))
    return { answer: undefined }
  } catch (error) {
    return { error }
  }
}
