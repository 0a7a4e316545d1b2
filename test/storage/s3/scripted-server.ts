import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createS3Store } from '../../../src/storage/s3/s3-store.ts'
import type { Store } from '../../../src/storage/store.ts'

export interface ScriptedServer {
  endpoint: string
  /** What arrived, in order. */
  requests: { method: string; url: string; headers: IncomingMessage['headers'] }[]
  /** A store at this server. */
  store: Store
  close(): Promise<void>
}

/** A server that answers as a test tells it to: for what no real server can be asked to do. */
export async function startScriptedServer(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  settings: { idleTimeout?: number } = {},
): Promise<ScriptedServer> {
  const requests: ScriptedServer['requests'] = []
  const server = createServer((request, response) => {
    requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers })
    request.resume()
    answer(request, response)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const credentials = { accessKeyId: 'AK', secretAccessKey: 'SK' }
  const store = createS3Store({ endpoint, credentials, ...settings })
  return {
    endpoint,
    requests,
    store,
    async close() {
      store.close()
      server.closeAllConnections()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}

/** An S3 error answer. */
export function s3Error(code: string): string {
  return `<?xml version="1.0"?><Error><Code>${code}</Code><RequestId>tx1</RequestId></Error>`
}
