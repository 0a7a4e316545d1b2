import { createServer, request as forward } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** A request that the server answered. */
export interface AnsweredRequest {
  method: string
  status: number
  /** The decoded path. */
  path: string
  uploadId: string | undefined
  partNumber: number | undefined
  /** The Range header. */
  range: string | undefined
}

export interface RecordingProxy {
  endpoint: string
  /** What was answered since the last call, in the order of the answers. */
  take(): AnsweredRequest[]
  /** Resolves when so many more requests have come in. */
  arrived(count: number): Promise<void>
  close(): Promise<void>
}

/** Stands between a client and any S3 server, and only writes down what goes through. The Host header stays: it is signed. */
export async function startRecordingProxy(upstream: string): Promise<RecordingProxy> {
  let answered: AnsweredRequest[] = []
  let requests = 0
  const waiting = new Set<{ at: number; resolve: () => void }>()
  const pass = (message: IncomingMessage, response: ServerResponse): void => {
    requests += 1
    for (const waiter of waiting) if (requests >= waiter.at) waiter.resolve()
    const onward = forward(new URL(message.url ?? '/', upstream), {
      method: message.method,
      headers: message.headers,
      setHost: false,
    })
    const broken = (): void => {
      onward.destroy()
      message.socket.destroy()
    }
    onward.on('error', broken)
    onward.on('response', (answer) => {
      answered.push(noteOf(message, answer.statusCode ?? 0))
      answer.on('error', broken)
      if (response.destroyed) return void answer.resume()
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    // A client that was killed in the middle of its body: the server must see the same.
    message.on('close', () => {
      if (!message.complete) onward.destroy()
    })
    message.on('error', () => undefined)
    response.on('error', () => undefined)
    message.pipe(onward)
  }
  const server = createServer({ requestTimeout: 0, maxHeaderSize: 64 * 1024 }, pass)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    take() {
      const taken = answered
      answered = []
      return taken
    },
    arrived: (count) =>
      new Promise((resolve) => {
        const waiter = { at: requests + count, resolve }
        waiting.add(waiter)
      }),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

function noteOf({ method = '', url = '', headers }: IncomingMessage, status: number): AnsweredRequest {
  const { pathname, searchParams } = new URL(url, 'http://proxy')
  const partNumber = searchParams.get('partNumber')
  return {
    method,
    status,
    path: decodeURIComponent(pathname),
    uploadId: searchParams.get('uploadId') ?? undefined,
    partNumber: partNumber === null ? undefined : Number(partNumber),
    range: headers.range,
  }
}
