import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'

/** TLS in front of a server that has none. */
export interface TlsProxy {
  endpoint: string
  /** PEM, for those who shall trust it. */
  cert: string
  /** How many requests came through. */
  requests: () => number
  close: () => void
}

/** A certificate for 127.0.0.1 that is its own authority, valid for a century. Its key is public: nobody may trust it. */
const SELF_SIGNED = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBwDCCAWagAwIBAgIUYvilDzC1pItBWqEKbKTJVJ4N8Q0wCgYIKoZIzj0EAwIw
LDEWMBQGA1UECgwNc2VhbGlmdCB0ZXN0czESMBAGA1UEAwwJMTI3LjAuMC4xMCAX
DTI2MTEyMTE0MjE1NVoYDzIxMjYxMDI4MTQyMTU1WjAsMRYwFAYDVQQKDA1zZWFs
aWZ0IHRlc3RzMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATAqooHtlsrz0f3DWUTw97jXhdOiXobDROYbzEltp71H7n+jqnPKl9Q
tGA7CXf09ZHn6YhBGFnz6qUBoou0pXubo2QwYjAdBgNVHQ4EFgQU3CkAj8yROEsO
uZx2ZiWhs0a60ccwHwYDVR0jBBgwFoAU3CkAj8yROEsOuZx2ZiWhs0a60ccwDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0gAMEUC
IQD1RuDjwNCcWHOTJCU7eq45s60d1TryJIVCqR4snL3F5QIgGzqiaGMotpm92EqF
l3neCL6ipLeioLDcbtF+xR+FuUQ=
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgeUpkZtXd6V2jSc1j
oThw1KUhYc6iMzpD1Es+0DGi1PehRANCAATAqooHtlsrz0f3DWUTw97jXhdOiXob
DROYbzEltp71H7n+jqnPKl9QtGA7CXf09ZHn6YhBGFnz6qUBoou0pXub
-----END PRIVATE KEY-----
`,
} as const

/** Passes every request on to a plain http endpoint, as it is. */
export async function startTlsProxy(endpoint: string): Promise<TlsProxy> {
  const { hostname, port } = new URL(endpoint)
  let requests = 0
  const proxy = createServer(SELF_SIGNED, (incoming, outgoing) => {
    requests += 1
    const { method, url, headers } = incoming
    const through = httpRequest({ host: hostname, port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    })
    through.on('error', () => outgoing.destroy())
    incoming.pipe(through)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return {
    endpoint: `https://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    cert: SELF_SIGNED.cert,
    requests: () => requests,
    close() {
      proxy.close()
      proxy.closeAllConnections()
    },
  }
}
