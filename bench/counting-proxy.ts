import { connect, createServer } from 'node:net'

/** Counts what goes over its connections, HTTP and all, in both directions. */
export interface CountingProxy {
  /** What clients are pointed at. */
  endpoint: string
  /** Bytes that went through since the last call, both ways together. */
  take: () => number
}

/** Stands on 127.0.0.1 between a client and a server, knows nothing of what they say, and ends with the process. */
export async function startCountingProxy(upstream: string): Promise<CountingProxy> {
  const { hostname, port } = new URL(upstream)
  let bytes = 0
  const server = createServer((client) => {
    const onward = connect({ host: hostname, port: Number(port) })
    for (const [from, to] of [
      [client, onward],
      [onward, client],
    ] as const) {
      from.on('data', (chunk) => {
        bytes += chunk.length
      })
      // The other side sees it as what it is: a connection that broke.
      from.on('error', () => to.destroy())
      from.pipe(to)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    take() {
      const taken = bytes
      bytes = 0
      return taken
    },
  }
}
