import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import * as http from 'node:http'
import * as https from 'node:https'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ConnectionOptions } from 'node:tls'
import { LentBody } from '../../../src/storage/s3/lent-body.ts'

const MIB = 1024 ** 2

/** Lends one buffer again and again, and spoils it as soon as the next chunk is asked for: nobody may look any more. */
function lender(chunks: readonly Uint8Array[]) {
  const buffer = new Uint8Array(Math.max(0, ...chunks.map(({ length }) => length)))
  const lent = {
    asked: 0,
    closed: false,
    async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
      try {
        for (const chunk of chunks) {
          lent.asked += 1
          buffer.set(chunk)
          yield buffer.subarray(0, chunk.length)
          buffer.fill(0x55)
        }
      } finally {
        lent.closed = true
      }
    },
  }
  return lent
}

/** TLS by a shared key: no certificate is needed. */
const SHARED_KEY = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const
const psk = randomBytes(32)
const PROTOCOLS = {
  http: { createServer: http.createServer, request: http.request },
  https: {
    createServer: (listener: http.RequestListener) =>
      https.createServer({ ...SHARED_KEY, pskCallback: () => psk }, listener),
    request: (options: http.RequestOptions) => {
      // `pskCallback` is among the options of tls.connect, which the types of https.request leave out.
      const shared: https.RequestOptions & Pick<ConnectionOptions, 'pskCallback'> = {
        ...options,
        ...SHARED_KEY,
        pskCallback: () => ({ psk, identity: 'sealift' }),
        checkServerIdentity: () => undefined,
      }
      return https.request(shared)
    },
  },
}
type Protocol = keyof typeof PROTOCOLS

/** Sends a body to a server that reads it as `receive` does, and gives what arrived. */
async function sendTo(
  protocol: Protocol,
  receive: (received: http.IncomingMessage) => Promise<Buffer>,
  body: Readable,
): Promise<Buffer> {
  const { createServer, request } = PROTOCOLS[protocol]
  let arrived: Promise<Buffer> | undefined
  const server = createServer((received, response) => {
    arrived = receive(received)
    arrived.then(
      () => response.end(),
      () => response.destroy(),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  try {
    const sent = request({ port, host: '127.0.0.1', method: 'PUT' })
    body.pipe(sent)
    const [response] = (await once(sent, 'response')) as [http.IncomingMessage]
    response.resume()
    return (await arrived) ?? Buffer.alloc(0)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

/** Takes a pause of so many milliseconds before each piece, one after the other. */
async function slowly(received: http.IncomingMessage, pauses: readonly number[]): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of received) {
    const pause = pauses[pieces.length % 97] ?? 0
    if (pause > 0) await sleep(pause)
    pieces.push(piece as Buffer)
  }
  return Buffer.concat(pieces)
}

const LARGE = [16, 16].map((size) => randomBytes(size * MIB))

describe.each(['http', 'https'] as const)('a body whose chunks are lent, over %s', (protocol) => {
  it('arrives whole, whatever the chunks and however slowly it is read', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 3 * MIB }), { maxLength: 6 }),
        fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 20 }),
        async (sizes, pauses) => {
          const chunks = sizes.map((size) => randomBytes(size))
          const got = await sendTo(
            protocol,
            (received) => slowly(received, pauses),
            new LentBody(lender(chunks)),
          )
          expect(got.equals(Buffer.concat(chunks))).toBe(true)
        },
      ),
      { numRuns: 25 },
    )
  })

  it('is not asked for its next chunk before the socket has all of this one', async () => {
    const source = lender(LARGE)
    const body = new LentBody(source)
    const askedBefore: number[] = []
    const got = await sendTo(
      protocol,
      async (received) => {
        // More than the buffers of a connection take: it stands still until it is read.
        await sleep(50)
        askedBefore.push(source.asked)
        return slowly(received, [])
      },
      body,
    )
    expect(askedBefore).toEqual([1])
    expect(got.equals(Buffer.concat(LARGE))).toBe(true)
    expect(body.givenWhole).toBe(true)
  })

  it('would not have arrived through a stream that reads ahead', async () => {
    const source = lender(LARGE)
    const readAhead = Readable.from(source, { objectMode: false })
    const got = await sendTo(
      protocol,
      async (received) => {
        while (source.asked < LARGE.length) await sleep(1)
        return slowly(received, [])
      },
      readAhead,
    )
    expect(got.length).toBe(32 * MIB)
    expect(got.equals(Buffer.concat(LARGE))).toBe(false)
  })
})

describe('a body whose chunks are lent', () => {
  it('gives copies to those who read it in another way', async () => {
    const chunks = [3, 1, 200_000].map((size) => randomBytes(size))
    const body = new LentBody(lender(chunks))
    await body.begin()
    const got: Uint8Array[] = []
    for await (const chunk of body) got.push(chunk as Uint8Array)
    expect(Buffer.concat(got).equals(Buffer.concat(chunks))).toBe(true)
    expect(body.givenWhole).toBe(true)
  })

  it('is not waited for when the request is closed before it has a connection', async () => {
    const source = lender(LARGE)
    const body = new LentBody(source)
    // A name that is never found.
    const sent = http.request({ host: 'store.invalid', method: 'PUT', lookup: () => undefined })
    sent.on('error', () => undefined)
    const requestClosed = new Promise((resolve) => sent.once('close', resolve))
    body.pipe(sent)
    await sleep(1)
    sent.destroy()
    await requestClosed
    expect(body.givenWhole).toBe(false)
    const closed = once(body, 'close')
    body.destroy()
    await closed
    expect(source).toMatchObject({ asked: 1, closed: true })
  })

  it('fails with what its source fails with, however it is read', async () => {
    const failure = new RangeError('the disk is gone')
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1)
      await sleep(1)
      throw failure
    }
    await expect(new LentBody(failing()).toArray()).rejects.toBe(failure)
    const sending = new LentBody(failing())
    const failed = once(sending, 'error')
    sending.pipe(new PassThrough().resume())
    expect(await failed).toEqual([failure])
    expect(sending.givenWhole).toBe(false)
  })
})
