/** What programs on this machine can do to `serve` with connections of their own making. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { generateKeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { createMemoryStore } from '../../../src/storage/memory-store.ts'
import { serveObjects, type ServeResult } from '../../../src/workflows/serve/serve-objects.ts'
import { countingStore, type CountingStore } from '../../support/counting-store.ts'
import { sealedObject } from '../../support/sealed-object.ts'

const bucket = 'animine-data-import-1'
const MIB = 1024 ** 2
const PLAINTEXT = randomBytes(20 * MIB)

let counting: CountingStore
let problems: string[]
let ended: Promise<ServeResult>
let stop: AbortController
/** What stands in a request line before the path. */
let token: string
let port: number
let sockets: Socket[]

beforeEach(async () => {
  counting = countingStore(createMemoryStore())
  await counting.store.createBucket(bucket)
  const reader = await generateKeyPair()
  await counting.store.putObject(bucket, 'run/reads.bam.c4gh', await sealedObject(PLAINTEXT, reader))
  ;[problems, sockets, stop] = [[], [], new AbortController()]
  const address = await new Promise<string>((resolve, reject) => {
    ended = serveObjects({
      ...{ store: counting.store, place: { bucket, objectKey: 'run/' }, identities: [reader] },
      ...{ senders: undefined, plainToo: false, memory: 16 * MIB, port: 0, origins: [], signal: stop.signal },
      onListening: resolve,
      onProblem: (message) => problems.push(message),
    })
    ended.catch(reject)
  })
  const url = new URL(address)
  port = Number(url.port)
  token = url.pathname
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  stop.abort()
  await ended
})

function end(): Promise<ServeResult> {
  stop.abort()
  return ended
}

async function connection(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  sockets.push(socket)
  await once(socket, 'connect')
  return socket
}

function head(target: string, more = ''): string {
  return `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${more}\r\n`
}

describe('a connection', () => {
  it.each([
    ['without the token', () => head('/wrong/reads.bam'), /^HTTP\/1\.1 404 /],
    ['under another name', () => `GET ${token} HTTP/1.1\r\nHost: evil.example\r\n\r\n`, /^HTTP\/1\.1 421 /],
    ['that wants to write', () => head(token).replace('GET', 'PUT'), /^HTTP\/1\.1 405 /],
  ])('%s is ended with the refusal', async (_title, request, status) => {
    const socket = await connection()
    socket.write(request())
    // Nothing but the server ends it here: the client would keep it.
    const answer = await text(socket)
    expect(answer).toMatch(status)
    expect(answer).toContain('\r\nConnection: close\r\n')
  })

  it('is kept for who may read', async () => {
    const socket = await connection()
    socket.write(head(`${token}reads.bam`, 'Range: bytes=0-4\r\n'))
    await once(socket, 'data')
    socket.write(head(`${token}reads.bam`, 'Range: bytes=0-4\r\nConnection: close\r\n'))
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 206 /)
  })

  it('that breaks ends what was asked for on it, the requests that waited behind another one too', async () => {
    const socket = await connection()
    socket.write(head(`${token}reads.bam`).repeat(15))
    await once(socket, 'data')
    socket.destroy()
    // The end waits for all that is under way.
    expect(await end()).toMatchObject({ cutShort: 0 })
    expect(problems).toEqual([])
  })

  it('that asks for nothing, or never ends asking, makes room; a long answer goes on meanwhile', async () => {
    let release: () => void = () => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    counting.beforeGet = ({ range }) => ((range?.offset ?? 0) > 10 * MIB ? released : undefined)
    const reading = await connection()
    reading.write(head(`${token}reads.bam`, 'Connection: close\r\n'))
    const answer = buffer(reading)
    // All but one of those there are.
    const silent = await Promise.all(Array.from({ length: 63 }, connection))
    silent[0]?.write(`GET ${token} HTTP/1.1\r\nHost: `)
    silent[1]?.write(`POST ${token} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 9\r\n\r\n1`)
    await Promise.all(silent.map((socket) => once(socket.resume(), 'close')))
    const another = await connection()
    another.write(head(token, 'Connection: close\r\n'))
    expect(await text(another)).toMatch(/^HTTP\/1\.1 200 /)
    release()
    const whole = await answer
    expect(whole.subarray(-PLAINTEXT.length).equals(PLAINTEXT)).toBe(true)
  }, 25_000)
})

it('a failure is told in one line that steers no terminal', async () => {
  const socket = await connection()
  await counting.store.putObject(bucket, 'run/a\u009b31m\u202e\n\u001bb', new Uint8Array(200))
  socket.write(head(`${token}${encodeURIComponent('a\u009b31m\u202e\n\u001bb')}`, 'Connection: close\r\n'))
  const [about, body] = (await text(socket)).split('\r\n\r\n')
  expect(about).toMatch(/^HTTP\/1\.1 404 /)
  expect(body).toMatch(/^[\x20-\x7e]*run\/a\\u009b31m\\u202e\\n\\u001bb[\x20-\x7e]*\n$/)
})
