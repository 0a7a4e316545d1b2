import { createHash } from 'node:crypto'
import { createServer, request as forward } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

import { Random } from '../fuzz/random.ts'

/**
 * What a fault does to one request, the answer being the server's unless it says otherwise.
 * `100 Continue` is never sent at all, with or without a fault: clients that wait for it wait in vain.
 */
export const FAULT_KINDS = [
  /** The connection breaks before the server sees the request. */
  'reset-before',
  /** The server did it; the connection breaks before the answer. */
  'reset-after',
  /** The connection breaks in the middle of the request's body, for the server as well. */
  'reset-in-body',
  '500',
  /** The server did it, and the client is told that it failed. */
  '500-after',
  '503',
  '503-retry-after',
  /** Nothing happens for longer than the client waits. */
  'stall',
  /** Half of the answer's body, then the connection breaks: Content-Length tells. */
  'cut',
  /** Half of the answer's body without its length, properly ended: nothing in HTTP tells. */
  'cut-unseen',
  /** Another ETag, in the header and in the XML of the answer. */
  'wrong-etag',
  /** A bit of an object's body is another one. */
  'flip',
  /** The answer comes late, but in time. */
  'delay',
] as const

export type FaultKind = (typeof FAULT_KINDS)[number]

/** A fault that struck. */
export interface StruckFault {
  kind: FaultKind
  /** Method, path and those of the query and headers that tell requests apart; without what changes from run to run. */
  request: string
  /** The how many-th time this very request was made, from 1. */
  attempt: number
}

export interface FaultProxyOptions {
  /** The server, such as `http://127.0.0.1:8100`. */
  upstream: string
  /** Decides, with the request and its attempt, whether a fault strikes: the order of requests does not matter. */
  seed: number
  /** Of a fault, for each request. */
  probability: number
  /** Faults to choose from; all by default. */
  kinds?: readonly FaultKind[] | undefined
  /** Milliseconds a stalled request stands still before its connection breaks: longer than the client waits. */
  stall?: number | undefined
}

export interface FaultProxy {
  /** What clients are pointed at. */
  endpoint: string
  /** Requests that arrived so far. */
  requests: number
  /** What struck so far, in order. */
  faults: StruckFault[]
  /** From now on nothing strikes (0), or as often as this. */
  probability: number
  close: () => Promise<void>
}

/**
 * Starts an HTTP proxy on 127.0.0.1 that does harm to some of the requests. It passes on the Host header as it came:
 * the client signed that one.
 */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const attempts = new Map<string, number>()
  const closing = new AbortController()
  const answer = (message: IncomingMessage, response: ServerResponse): void => {
    proxy.requests += 1
    const request = nameOf(message)
    const attempt = (attempts.get(request) ?? 0) + 1
    attempts.set(request, attempt)
    const random = new Random(options.seed, ...wordsOf(`${request} ${attempt}`))
    const strikes = random.word() / 2 ** 32 < proxy.probability
    const kinds = possibleFaults(message).filter((kind) => options.kinds?.includes(kind) ?? true)
    const kind = strikes && kinds.length > 0 ? random.pick(kinds) : undefined
    if (kind !== undefined) proxy.faults.push({ kind, request, attempt })
    const { socket } = message
    pass({ message, response, socket, random, options, signal: closing.signal }, kind).catch(() => {
      // Whatever failed between the two, the client sees as what it is: a connection that broke.
      socket.destroy()
    })
  }
  const server = createServer({ requestTimeout: 0, maxHeaderSize: 64 * 1024 }, answer)
  server.on('checkContinue', answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  const proxy: FaultProxy = {
    endpoint: `http://127.0.0.1:${address.port}`,
    requests: 0,
    faults: [],
    probability: options.probability,
    async close() {
      closing.abort()
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
  return proxy
}

interface Passage {
  message: IncomingMessage
  response: ServerResponse
  /** The client's connection, also when the message has let go of it. */
  socket: Socket
  random: Random
  options: FaultProxyOptions
  signal: AbortSignal
}

async function pass(passage: Passage, kind: FaultKind | undefined): Promise<void> {
  const { response, socket, random, signal } = passage
  const instead = kind === undefined ? undefined : INSTEAD_OF_ASKING[kind]
  if (instead !== undefined) {
    await instead(passage)
    return
  }
  if (kind === 'delay') await sleep(50 + random.below(250), undefined, { signal })
  const answer = await ask(passage)
  const onAnswer = kind === undefined ? undefined : ON_THE_ANSWER[kind]
  if (onAnswer !== undefined) {
    onAnswer(passage, {
      status: answer.statusCode ?? 502,
      headers: headersFor(answer),
      body: await buffer(answer),
    })
    return
  }
  response.writeHead(answer.statusCode ?? 502, headersFor(answer))
  answer.pipe(response)
  answer.once('error', () => socket.destroy())
  response.once('close', () => answer.destroy())
}

/** Faults with which the server is not asked, or not to the end. */
const INSTEAD_OF_ASKING: Partial<Record<FaultKind, (passage: Passage) => Promise<void>>> = {
  'reset-before': async ({ socket }) => {
    socket.destroy()
  },
  'reset-in-body': resetInBody,
  '500': async ({ message, response }) => {
    await buffer(message)
    refuse(response, 500)
  },
  '503': async ({ message, response }) => {
    await buffer(message)
    refuse(response, 503)
  },
  '503-retry-after': async ({ message, response }) => {
    await buffer(message)
    refuse(response, 503, { 'retry-after': '1' })
  },
  stall: async ({ message, socket, options, signal }) => {
    message.resume()
    await sleep(options.stall ?? 3000, undefined, { signal })
    socket.destroy()
  },
}

interface ServerAnswer {
  status: number
  headers: Record<string, string>
  body: Buffer
}

/** What strikes after the server has answered. */
const ON_THE_ANSWER: Partial<Record<FaultKind, (passage: Passage, answer: ServerAnswer) => void>> = {
  'reset-after': ({ socket }) => {
    socket.destroy()
  },
  '500-after': ({ response }) => {
    refuse(response, 500)
  },
  cut: ({ response, socket }, { status, headers, body }) => {
    response.writeHead(status, headers)
    // Into the kernel first: what breaks is the rest.
    response.write(body.subarray(0, body.length >> 1), () => socket.destroy())
  },
  'cut-unseen': ({ response }, { status, headers, body }) => {
    // Without a length the end of the connection is the end of the body (RFC 9112 §6.3).
    response.shouldKeepAlive = false
    response.useChunkedEncodingByDefault = false
    response.writeHead(status, { ...without(headers, 'content-length'), connection: 'close' })
    response.end(body.subarray(0, body.length >> 1))
  },
  'wrong-etag': ({ message, response }, { status, headers, body }) => {
    const other = 'feedfacefeedfacefeedfacefeedface'
    const good = status < 300
    const isXml = headers['content-type']?.includes('xml') === true
    const text = body.toString('latin1').replace(/(<ETag>[^<0-9a-f]*)[0-9a-f]{32}/, `$1${other}`)
    response.writeHead(
      status,
      good && headers['etag'] !== undefined ? { ...headers, etag: `"${other}"` } : headers,
    )
    response.end(message.method === 'HEAD' ? undefined : good && isXml ? Buffer.from(text, 'latin1') : body)
  },
  flip: ({ response, random }, { status, headers, body }) => {
    if (status < 300 && body.length > 0) {
      const at = random.below(body.length)
      body[at] = body[at]! ^ (1 << random.below(8))
    }
    response.writeHead(status, headers)
    response.end(body)
  },
}

/** Sends the request on as it came and gives the server's answer, its body not yet read. */
function ask({ message, options }: Passage): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const onward = openForward(message, options)
    onward.once('response', resolve)
    onward.once('error', reject)
    message.once('close', () => {
      // The client gave up on its own request.
      if (!message.complete) onward.destroy()
    })
    message.pipe(onward)
  })
}

async function resetInBody({ message, socket, random, options }: Passage): Promise<void> {
  const length = Number(message.headers['content-length'] ?? 0)
  const keep = random.below(Math.max(1, length))
  const onward = openForward(message, options)
  onward.on('error', () => undefined)
  let seen = 0
  for await (const bytes of message as AsyncIterable<Buffer>) {
    onward.write(bytes.subarray(0, Math.max(0, keep - seen)))
    seen += bytes.length
    if (seen >= keep) break
  }
  onward.destroy()
  socket.destroy()
}

function openForward(message: IncomingMessage, options: FaultProxyOptions): ReturnType<typeof forward> {
  const { hostname, port } = new URL(options.upstream)
  // As it came, order and case included; only the wait for a 100-continue ends here.
  const headers = pairs(message.rawHeaders).filter(
    ([name]) => !['expect', 'connection'].includes(name.toLowerCase()),
  )
  return forward({
    host: hostname,
    port,
    method: message.method,
    path: message.url,
    headers: headers.flat(),
    setHost: false,
    agent: false,
  })
}

function refuse(response: ServerResponse, status: 500 | 503, headers: Record<string, string> = {}): void {
  const code = status === 500 ? 'InternalError' : 'SlowDown'
  const text = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>a fault was asked for</Message></Error>`
  response.writeHead(status, {
    'content-type': 'application/xml',
    'content-length': Buffer.byteLength(text),
    ...headers,
  })
  response.end(response.req.method === 'HEAD' ? undefined : text)
}

/** Faults that can strike a request of this kind. */
function possibleFaults(message: IncomingMessage): FaultKind[] {
  const { method = '', url = '' } = message
  const { pathname, searchParams } = new URL(url, 'http://proxy')
  const onObject = /^\/[^/]+\/./.test(pathname)
  const objectBody =
    method === 'GET' &&
    onObject &&
    [...searchParams.keys()].every((name) => name === 'x-id' || name === 'versionId')
  const answersBody = method === 'GET' || (method === 'POST' && onObject)
  const answersEtag = onObject && ['PUT', 'HEAD', 'POST', 'GET'].includes(method)
  const hasBody = Number(message.headers['content-length'] ?? 0) > 0
  const possible: Partial<Record<FaultKind, boolean>> = {
    'reset-in-body': hasBody,
    cut: answersBody,
    'cut-unseen': answersBody,
    'wrong-etag': answersEtag,
    flip: objectBody,
  }
  return FAULT_KINDS.filter((kind) => possible[kind] ?? true)
}

/** The request without signature, date and upload id, which differ each time. */
function nameOf({ method = '', url = '', headers }: IncomingMessage): string {
  const { pathname, searchParams } = new URL(url, 'http://proxy')
  const query = [...searchParams]
    .filter(([name]) => name !== 'x-id' && !name.startsWith('X-Amz-'))
    .map(([name, value]) => (name === 'uploadId' ? name : `${name}=${value}`))
  const range = headers.range === undefined ? '' : ` ${headers.range}`
  return `${method} ${pathname}${query.length === 0 ? '' : `?${query.join('&')}`}${range}`
}

function wordsOf(text: string): number[] {
  const digest = createHash('sha256').update(text).digest()
  return [digest.readUInt32LE(0), digest.readUInt32LE(4)]
}

/** The answer's headers but those of its own connection. */
function headersFor(answer: IncomingMessage): Record<string, string> {
  const own = pairs(answer.rawHeaders).map(([name, value]): [string, string] => [name.toLowerCase(), value])
  return without(Object.fromEntries(own), 'connection', 'keep-alive', 'transfer-encoding')
}

function without(headers: Record<string, string>, ...names: string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)))
}

function pairs(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length >> 1 }, (_, index) => [raw[2 * index]!, raw[2 * index + 1]!])
}
