import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { open, mkdtemp, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newDataKey, sealSegments } from '../../src/crypto/crypt4gh/segment.ts'
import { encryptedBodySize } from '../../src/crypto/crypt4gh/sizes.ts'
import { FetchThreads } from '../../src/transfer/fetch-threads.ts'

/** More than a batch, and no whole number of segments. */
const plaintext = randomBytes(3 * 1024 ** 2 + 12_345)
const dataKey = newDataKey()
const sealed = Buffer.alloc(encryptedBodySize(plaintext.length))
sealSegments(dataKey, plaintext, sealed)

const OFFSET = 124
const objectSize = OFFSET + sealed.length
const RIGHT = [
  'HTTP/1.1 206 Partial Content',
  `Content-Length: ${sealed.length}`,
  `Content-Range: bytes ${OFFSET}-${objectSize - 1}/${objectSize}`,
  'ETag: "e"',
].join('\r\n')
const rightAnswer = Buffer.concat([Buffer.from(`${RIGHT}\r\n\r\n`), sealed])

let folder: string
let file: FileHandle
let server: Server
let connections: Socket[]
let requests: string[]
let answer: (socket: Socket) => void
let threads: FetchThreads

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-fetch-'))
  file = await open(join(folder, 'out'), 'w+')
  connections = []
  requests = []
  server = createServer((socket) => {
    connections.push(socket)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      requests.push(chunk.toString('latin1'))
      answer(socket)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  threads = new FetchThreads(1)
})

afterEach(async () => {
  await threads.close()
  for (const socket of connections) socket.destroy()
  server.close()
  await file.close()
  await rm(folder, { recursive: true })
})

function fetchIt(signal?: AbortSignal, idleTimeout = 60): Promise<boolean> {
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return threads.run(
    {
      request: {
        origin: `http://${host}`,
        target: '/b/o?x-id=GetObject',
        headers: [['host', host]],
        idleTimeout,
      },
      wanted: { offset: OFFSET, length: sealed.length, objectSize, etag: 'e' },
      dataKeys: [randomBytes(32), dataKey],
      length: sealed.length,
      firstSegment: 0,
      outFd: file.fd,
      outOffset: 7,
    },
    signal,
  )
}

async function written(): Promise<Buffer> {
  const { size } = await file.stat()
  const all = Buffer.alloc(size)
  await file.read(all, 0, size, 0)
  return all
}

describe('a thread that fetches', () => {
  it('opens a range and writes it into its place, over one connection for one range after the other', async () => {
    answer = (socket) => socket.write(rightAnswer)
    expect(await fetchIt()).toBe(true)
    expect(await fetchIt()).toBe(true)
    expect((await written()).equals(Buffer.concat([Buffer.alloc(7), plaintext]))).toBe(true)
    expect(connections).toHaveLength(1)
    expect(requests).toHaveLength(2)
    expect(requests[0]).toMatch(/^GET \/b\/o\?x-id=GetObject HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\n/)
  })

  it('takes an answer that comes in pieces of any length', async () => {
    answer = (socket) => {
      const pieces = [1, 40, 90, 3, 70_000, 65_564, 1_048_999]
      let sent = 0
      const next = (): void => {
        const piece = rightAnswer.subarray(sent, sent + (pieces.shift() ?? rightAnswer.length))
        sent += piece.length
        socket.write(piece, () => {
          if (sent < rightAnswer.length) setTimeout(next, 5)
        })
      }
      next()
    }
    expect(await fetchIt()).toBe(true)
    expect((await written()).subarray(7).equals(plaintext)).toBe(true)
  })

  it('fetches several ranges at a time, each over a connection of its own', async () => {
    answer = (socket) => socket.write(rightAnswer)
    expect(await Promise.all([fetchIt(), fetchIt(), fetchIt()])).toEqual([true, true, true])
    expect(connections).toHaveLength(3)
  })

  it('opens another connection after "Connection: close"', async () => {
    answer = (socket) =>
      socket.end(Buffer.concat([Buffer.from(`${RIGHT}\r\nConnection: close\r\n\r\n`), sealed]))
    expect(await fetchIt()).toBe(true)
    expect(await fetchIt()).toBe(true)
    expect(connections).toHaveLength(2)
  })

  it('lets no request follow on a connection that brought bytes behind the body', async () => {
    answer = (socket) => socket.write(Buffer.concat([rightAnswer, Buffer.from(RIGHT)]))
    expect(await fetchIt()).toBe(true)
    const [first] = connections
    if (first?.closed === false) await once(first, 'close')
    answer = (socket) => socket.write(rightAnswer)
    expect(await fetchIt()).toBe(true)
    expect(connections).toHaveLength(2)
  })

  it.each<[string, (socket: Socket) => void]>([
    ['a refusal', (socket) => socket.write('HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n')],
    ['the bytes of another object', (socket) => socket.write(withHead(RIGHT.replace('"e"', '"f"')))],
    ['the whole object', (socket) => socket.write(withHead(RIGHT.replace('206', '200')))],
    ['no HTTP', (socket) => socket.write(sealed)],
    ['an end in the head', (socket) => socket.end(RIGHT)],
    ['an end in the body', (socket) => socket.end(rightAnswer.subarray(0, -1))],
    [
      'a reset in the body',
      (socket) => socket.write(rightAnswer.subarray(0, -1), () => socket.resetAndDestroy()),
    ],
    ['silence', (socket) => socket.write(rightAnswer.subarray(0, -1))],
  ])('says so when it gets %s, and goes on with the next one', async (_what, wrong) => {
    answer = wrong
    expect(await fetchIt(undefined, 0.3)).toBe(false)
    answer = (socket) => socket.write(rightAnswer)
    expect(await fetchIt()).toBe(true)
    expect(connections).toHaveLength(2)
  })

  it('writes nothing of a segment that is not genuine', async () => {
    const forged = Buffer.from(rightAnswer)
    const at = forged.length - 1
    forged[at] = (forged[at] ?? 0) ^ 1
    answer = (socket) => socket.write(forged)
    expect(await fetchIt()).toBe(false)
    expect((await file.stat()).size).toBe(7 + 3 * 1024 ** 2)
  })

  it('says so when nobody listens', async () => {
    const { port } = server.address() as AddressInfo
    server.close()
    const task = { origin: `http://127.0.0.1:${port}`, target: '/', headers: [], idleTimeout: 60 }
    const wanted = { offset: 0, length: 1, objectSize: 1, etag: 'e' }
    const open = { dataKeys: [dataKey], length: 1, firstSegment: 0, outFd: file.fd, outOffset: 0 }
    expect(await threads.run({ request: task, wanted, ...open }, undefined)).toBe(false)
  })

  it('stops at an abort, and has written its last byte when it says so', async () => {
    const controller = new AbortController()
    answer = (socket) => {
      socket.write(rightAnswer.subarray(0, -1), () => {
        controller.abort()
      })
    }
    expect(await fetchIt(controller.signal)).toBe(false)
    expect(await fetchIt(controller.signal)).toBe(false)
    expect(requests).toHaveLength(1)
    answer = (socket) => socket.write(rightAnswer)
    expect(await fetchIt()).toBe(true)
  })
})

function withHead(head: string, body: Uint8Array = sealed): Buffer {
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body])
}
