import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { ObjectStore } from '../../storage/object-store.ts'
import { hasCode } from '../../util/errors.ts'
import { escapeUnprintable } from '../../util/printable-json.ts'
import { formatS3Url } from '../s3-url.ts'
import { admit, type Admitted, type HouseRules } from './admission.ts'
import { planAnswer } from './conditional-answer.ts'
import { contentTypeOf } from './content-type.ts'
import { failureAnswer, problemText } from './failure-answer.ts'
import { listFolder } from './folder-listing.ts'
import { folderJson, folderPage, PAGE_POLICY } from './folder-page.ts'
import type { OpenedObjects } from './opened-objects.ts'
import { sendContent, sendText } from './send-content.ts'
import { candidatesOf, type ServedPlace } from './served-names.ts'

/** A served file is shown without scripts, and without asking anybody for anything. */
const FILE_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"

/** What was answered. */
export interface AnswerCounts {
  /** Requests with the right token. */
  requests: number
  /** Requests that were turned away. */
  refused: number
  /** Bytes of bodies that went out. */
  servedBytes: number
  /** Bodies that were cut short because something was wrong with the object or the store. */
  cutShort: number
}

/** What requests are answered from. */
export interface Answering {
  rules: HouseRules
  served: ServedPlace
  store: ObjectStore
  objects: OpenedObjects
  counts: AnswerCounts
  /** Told, in a sentence for the person, what went wrong. */
  onProblem: (message: string) => void
}

/** Answers requests; `settled` waits for those under way. */
export function answerRequests(answering: Answering): {
  listener: RequestListener
  settled: () => Promise<void>
} {
  const underWay = new Set<Promise<void>>()
  const listener: RequestListener = (request, response) => {
    const answered = answer(answering, request, response)
    underWay.add(answered)
    void answered.finally(() => underWay.delete(answered))
  }
  return {
    listener,
    settled: async () => {
      await Promise.allSettled(underWay)
    },
  }
}

/** Never rejects. */
async function answer(
  answering: Answering,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { rules, counts } = answering
  const { method, url: target, headers } = request
  const admission = admit({ method, target, headers }, rules)
  if ('status' in admission) {
    counts.refused += 1
    const { status, headers: about } = admission
    // Who may not read keeps no connection: there are only so many of them.
    const ending: Record<string, string> = status >= 400 ? { Connection: 'close' } : {}
    response.writeHead(status, { ...about, ...ending, 'Content-Length': '0' }).end()
    return
  }
  counts.requests += 1
  const gone = new AbortController()
  // A connection that breaks is told by the write that fails; unheard, its error would end the process.
  response.on('error', () => undefined)
  const goes = (): void => {
    gone.abort()
  }
  response.once('close', goes)
  // Not every Node tells a response that waits behind an earlier one of its connection's end; its request is told by all.
  request.once('close', goes)
  try {
    const { path } = admission
    const folder = path === '' || path.endsWith('/')
    await (folder ? answerFolder : answerFile)(answering, admission, request, response, gone.signal)
  } catch (error) {
    if (!gone.signal.aborted) answerFailure(answering, admission, response, error)
  }
}

async function answerFile(
  { objects, served, counts }: Answering,
  { method, path, headers }: Admitted,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const { access, file } = await objects.openFirst(candidatesOf(served, path))
  const plan = planAnswer(method, request.headers, file)
  const about = { 'Content-Type': contentTypeOf(path), 'Content-Security-Policy': FILE_POLICY }
  const head = { status: plan.status, headers: { ...headers, ...about, ...plan.headers } }
  const { range, bounded } = plan
  try {
    const content = range === undefined ? [] : access.stream(range, { bounded, signal })
    await sendContent(response, head, asyncOf(content), signal, (bytes) => {
      counts.servedBytes += bytes
    })
  } catch (error) {
    if (hasCode(error, 'OBJECT_CHANGED')) objects.forget(access)
    throw error
  }
}

async function answerFolder(
  { store, served, counts }: Answering,
  { path, headers }: Admitted,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const listing = await listFolder(store, served, path, signal)
  const place = formatS3Url(served.bucket, served.prefix)
  const asJson = /\bapplication\/json\b/i.test(request.headers.accept ?? '')
  const status = path !== '' && listing.entries.length === 0 ? 404 : 200
  const text = (asJson ? folderJson : folderPage)(place, path, listing)
  const type = asJson ? 'application/json' : 'text/html; charset=utf-8'
  const about = { ...headers, 'Content-Type': type, 'Content-Security-Policy': PAGE_POLICY }
  sendText(response, { status, headers: about }, text, (bytes) => {
    counts.servedBytes += bytes
  })
}

/** Before the first byte a status can tell it; later only the connection's end, so that nobody takes a part for the whole. */
function answerFailure(
  { counts, onProblem }: Answering,
  { headers }: Admitted,
  response: ServerResponse,
  error: unknown,
): void {
  // The client has gone: what its request failed with concerns nobody.
  if (response.destroyed) return
  if (response.headersSent) {
    counts.cutShort += 1
    onProblem(`an answer was cut short: ${problemText(error)}`)
    response.destroy()
    return
  }
  const { status, message } = failureAnswer(error)
  if (status >= 500 || hasCode(error, 'NO_MATCHING_KEY', 'UNEXPECTED_SENDER', 'NOT_CRYPT4GH')) {
    onProblem(problemText(error))
  }
  const about = { ...headers, 'Content-Type': 'text/plain; charset=utf-8' }
  const line = escapeUnprintable(message.replaceAll('\n', '\\n'))
  sendText(response, { status, headers: about }, `${line}\n`, () => undefined)
}

async function* asyncOf(
  content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* content
}
