import { createServer, request as forward } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'

/** A request before the server sees it. */
export interface SeenRequest {
  method: string
  /** The decoded path, `/bucket/object key`. */
  path: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
}

/** What the client is told instead of what the server would say. */
export interface Lie {
  status: number
  headers?: Readonly<Record<string, string>>
  body: string | Uint8Array
}

export interface LyingServer {
  endpoint: string
  /**
   * Asked before each request is passed on: gives what to answer instead, or undefined to let the server answer. What it
   * does meanwhile has happened before the server sees the request.
   */
  lie: (request: SeenRequest) => Promise<Lie | undefined>
  /** Requests that were answered with a lie. */
  lies: number
  /** From now on nothing is changed. */
  behave(): void
  close(): Promise<void>
}

/** Stands between a client and an S3 server and answers some requests itself. The Host header stays: it is signed. */
export async function startLyingServer(upstream: string): Promise<LyingServer> {
  const pass = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url = '/', headers } = message
    const { pathname, searchParams } = new URL(url, 'http://lying')
    const seen = { method, path: decodeURIComponent(pathname), query: searchParams, headers }
    const lie = await lying.lie(seen)
    if (lie !== undefined) {
      lying.lies += 1
      await buffer(message)
      response.writeHead(lie.status, { 'content-length': Buffer.byteLength(lie.body), ...lie.headers })
      response.end(lie.body)
      return
    }
    // What the client waits for before it sends its body was sent by this server.
    const onwards = Object.entries(headers).filter(([name]) => name !== 'expect')
    const onward = forward(new URL(url, upstream), {
      method,
      headers: Object.fromEntries(onwards),
      setHost: false,
    })
    const broken = (): void => {
      onward.destroy()
      message.socket.destroy()
    }
    onward.on('error', broken)
    onward.on('response', (answer) => {
      answer.on('error', broken)
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    message.on('close', () => {
      if (!message.complete) onward.destroy()
    })
    message.pipe(onward)
  }
  const server = createServer({ requestTimeout: 0, maxHeaderSize: 64 * 1024 }, (message, response) => {
    pass(message, response).catch(() => {
      message.socket.destroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  const truth = (): Promise<undefined> => Promise.resolve(undefined)
  const lying: LyingServer = {
    endpoint: `http://127.0.0.1:${address.port}`,
    lie: truth,
    lies: 0,
    behave() {
      lying.lie = truth
      lying.lies = 0
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
  return lying
}

/** A part that the server is asked to copy from an object. */
export function isPartCopy({ method, query, headers }: SeenRequest): boolean {
  return method === 'PUT' && query.has('partNumber') && headers['x-amz-copy-source'] !== undefined
}

/** The bytes of an object, or of a range of it. */
export function isGet({ method, path, query }: SeenRequest): boolean {
  const plain = [...query.keys()].every((name) => name === 'x-id' || name === 'versionId')
  return method === 'GET' && /^\/[^/]+\/./.test(path) && plain
}

/** The request that makes an object of its parts. */
export function isComplete({ method, query }: SeenRequest): boolean {
  return method === 'POST' && query.has('uploadId')
}
