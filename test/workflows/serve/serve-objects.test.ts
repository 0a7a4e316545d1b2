import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../../../src/crypto/crypt4gh/format.ts'
import { generateKeyPair, type KeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { createMemoryStore } from '../../../src/storage/memory-store.ts'
import {
  serveObjects,
  type ServeRequest,
  type ServeResult,
} from '../../../src/workflows/serve/serve-objects.ts'
import { countingStore, type CountingStore } from '../../support/counting-store.ts'
import { sealedObject } from '../../support/sealed-object.ts'

const bucket = 'animine-data-import-1'
const MIB = 1024 ** 2
const PLAINTEXT = randomBytes(100 * SEGMENT_SIZE + 99)

let counting: CountingStore
let reader: KeyPair
let object: Buffer
let problems: string[]
let running: Serving | undefined

interface Serving {
  address: string
  end: () => Promise<ServeResult>
}

beforeEach(async () => {
  counting = countingStore(createMemoryStore())
  await counting.store.createBucket(bucket)
  reader = await generateKeyPair()
  object = await sealedObject(PLAINTEXT, reader)
  await counting.store.putObject(bucket, 'run/reads.bam.c4gh', object)
  problems = []
})
afterEach(async () => {
  await running?.end()
  running = undefined
})

async function serve(objectKey = 'run/', more: Partial<ServeRequest> = {}): Promise<Serving> {
  const stop = new AbortController()
  let listening: (address: string) => void = () => undefined
  const address = new Promise<string>((resolve) => {
    listening = resolve
  })
  const ended = serveObjects({
    ...{ store: counting.store, place: { bucket, objectKey }, identities: [reader], senders: undefined },
    ...{ plainToo: false, memory: 16 * MIB, port: 0, origins: [], signal: stop.signal },
    onListening: listening,
    onProblem: (message) => problems.push(message),
    ...more,
  })
  running = {
    address: await Promise.race([address, ended.then(() => 'ended')]),
    end: () => {
      stop.abort(new RangeError('stopped'))
      return ended
    },
  }
  return running
}

interface Answer {
  status: number
  headers: IncomingMessage['headers']
  body: Buffer
}

/** Not `fetch`: it would not send these headers, and would tidy the path up. */
async function get(address: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const response = await send(address, headers, method)
  return { status: response.statusCode ?? 0, headers: response.headers, body: await buffer(response) }
}

async function send(
  address: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<IncomingMessage> {
  const { host, path } = /^http:\/\/(?<host>[^/]*)(?<path>.*)$/.exec(address)!.groups!
  const request = httpRequest({ host: '127.0.0.1', port: host!.split(':')[1], path, method, headers })
  request.end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return response
}

describe('a served object', () => {
  it('is its plaintext, by whatever ranges', async () => {
    const { address } = await serve()
    const whole = await get(`${address}reads.bam`)
    expect(whole).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/octet-stream', 'content-length': String(PLAINTEXT.length) },
    })
    expect(whole.body.equals(PLAINTEXT)).toBe(true)
    const position = fc.nat({ max: PLAINTEXT.length - 1 })
    await fc.assert(
      fc.asyncProperty(
        position,
        position,
        fc.constantFrom('ends', 'open', 'suffix'),
        async (one, two, kind) => {
          const [first, last] = [Math.min(one, two), Math.max(one, two)]
          const [range, expected] = {
            ends: [`${first}-${last}`, PLAINTEXT.subarray(first, last + 1)] as const,
            open: [`${last}-`, PLAINTEXT.subarray(last)] as const,
            suffix: [`-${first + 1}`, PLAINTEXT.subarray(-(first + 1))] as const,
          }[kind]
          const { status, body } = await get(`${address}reads.bam`, { range: `bytes=${range}` })
          expect(status).toBe(expected.length === PLAINTEXT.length && kind === 'suffix' ? 200 : 206)
          expect(body.equals(expected)).toBe(true)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('is told about without a body, and not sent again when it is known', async () => {
    const { address } = await serve()
    const head = await get(`${address}reads.bam`, {}, 'HEAD')
    expect(head.status).toBe(200)
    expect(head.headers['content-length']).toBe(String(PLAINTEXT.length))
    expect(head.body).toHaveLength(0)
    const etag = head.headers.etag ?? ''
    expect(await get(`${address}reads.bam`, { 'if-none-match': etag })).toMatchObject({ status: 304 })
    const range = { range: 'bytes=5-9', 'if-range': etag }
    expect((await get(`${address}reads.bam`, range)).body.equals(PLAINTEXT.subarray(5, 10))).toBe(true)
    expect(await get(`${address}reads.bam`, { range: 'bytes=99999999-' })).toMatchObject({
      status: 416,
      headers: { 'content-range': `bytes */${PLAINTEXT.length}` },
    })
  })

  it('is fetched only where it is read, and from memory the second time', async () => {
    const { address, end } = await serve()
    await get(`${address}reads.bam`, { range: `bytes=${50 * SEGMENT_SIZE}-${50 * SEGMENT_SIZE + 9}` })
    await get(`${address}reads.bam`, { range: `bytes=${50 * SEGMENT_SIZE + 5}-${50 * SEGMENT_SIZE + 90}` })
    const result = await end()
    expect(result).toMatchObject({
      ...{ bucket, objectKey: 'run/', requests: 2, refused: 0, servedBytes: 96, cutShort: 0 },
      ...{ fetches: 2, reads: 2, readsFromMemory: 1 },
    })
    expect(result.fetchedBytes).toBeLessThanOrEqual(2 * ENCRYPTED_SEGMENT_SIZE)
  })

  it('is not fetched on when the client has gone', async () => {
    const { address, end } = await serve()
    await counting.store.putObject(
      bucket,
      'run/large.c4gh',
      await sealedObject(randomBytes(60 * MIB), reader),
    )
    const response = await send(`${address}large`)
    await once(response, 'readable')
    response.destroy()
    const { fetchedBytes, cutShort } = await end()
    // What the system buffers for a connection, and what was on its way.
    expect(fetchedBytes).toBeLessThan(30 * MIB)
    expect(cutShort).toBe(0)
    expect(problems).toEqual([])
  })
})

describe('names', () => {
  it('are looked up exactly', async () => {
    await counting.store.putObject(
      bucket,
      'run/a b/ä%2F.txt.c4gh',
      await sealedObject(Buffer.from('ä'), reader),
    )
    await counting.store.putObject(bucket, 'secret.c4gh', await sealedObject(Buffer.from('no'), reader))
    const { address } = await serve()
    const found = await get(`${address}a%20b/%C3%A4%252F.txt`)
    expect(found).toMatchObject({ status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' } })
    expect(found.body.toString()).toBe('ä')
    for (const path of ['../secret', '%2e%2e/secret', 'reads.bam/', 'nothing', 'READS.bam', '%']) {
      expect((await get(address + path)).status).toBe(404)
    }
  })

  it('of a single object are its own and those of its index', async () => {
    await counting.store.putObject(
      bucket,
      'run/reads.bam.bai.c4gh',
      await sealedObject(Buffer.from('i'), reader),
    )
    await counting.store.putObject(bucket, 'run/other.c4gh', await sealedObject(Buffer.from('o'), reader))
    const { address } = await serve('run/reads.bam.c4gh')
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{43}\/reads\.bam$/)
    expect((await get(address, { range: 'bytes=0-3' })).body.equals(PLAINTEXT.subarray(0, 4))).toBe(true)
    expect((await get(`${address}.bai`)).body.toString()).toBe('i')
    expect((await get(address.replace('reads.bam', 'other'))).status).toBe(404)
    const listed = await get(address.replace('reads.bam', ''), { accept: 'application/json' })
    expect(JSON.parse(listed.body.toString())).toMatchObject({
      entries: [{ name: 'reads.bam.bai' }, { name: 'reads.bam' }],
    })
  })

  it('are listed, as a page or as JSON', async () => {
    const { address } = await serve('')
    const page = await get(address)
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': expect.stringContaining("default-src 'none'") as string,
    })
    expect(page.body.toString()).toContain('href="./run/"')
    const folder = await get(`${address}run/`, { accept: 'application/json' })
    expect(JSON.parse(folder.body.toString())).toMatchObject({
      place: `s3://${bucket}/`,
      path: 'run/',
      entries: [{ name: 'reads.bam', folder: false, storedSize: object.length }],
    })
    expect((await get(`${address}nothing/`)).status).toBe(404)
    const head = await get(address, {}, 'HEAD')
    expect([head.status, head.body.length]).toEqual([200, 0])
  })
})

describe('who is turned away', () => {
  it('is told nothing without the token, and counted', async () => {
    const { address, end } = await serve()
    const wrong = address.replace(/\/[\w-]{43}\//, `/${'x'.repeat(43)}/`)
    for (const path of ['reads.bam', '', 'nothing']) {
      const { status, body } = await get(wrong + path)
      expect([status, body.length]).toEqual([404, 0])
    }
    const port = new URL(address).port
    expect((await get(address, { host: `evil.example:${port}` })).status).toBe(421)
    expect((await get(address, { host: `localhost:${port}` })).status).toBe(200)
    expect((await get(`${address}reads.bam`, {}, 'PUT')).status).toBe(405)
    expect(await end()).toMatchObject({ requests: 1, refused: 5 })
  })

  it('is a page of another origin, unless it was named', async () => {
    const { address } = await serve('run/', { origins: ['https://igv.org'] })
    const allowed = await get(`${address}reads.bam`, { origin: 'https://igv.org', range: 'bytes=0-1' })
    expect(allowed.headers['access-control-allow-origin']).toBe('https://igv.org')
    const other = await get(`${address}reads.bam`, { origin: 'https://evil.example', range: 'bytes=0-1' })
    expect(other.headers).not.toHaveProperty('access-control-allow-origin')
    const preflight = await get(`${address}reads.bam`, { origin: 'https://igv.org' }, 'OPTIONS')
    expect(preflight.status).toBe(204)
  })
})

describe('what cannot be served', () => {
  it('ends the connection where it is not genuine, so that nobody takes the part for the whole', async () => {
    const damaged = Buffer.from(object)
    const at = 124 + 60 * ENCRYPTED_SEGMENT_SIZE + 50
    damaged[at] = (damaged[at] ?? 0) ^ 1
    await counting.store.putObject(bucket, 'run/reads.bam.c4gh', damaged)
    const { address, end } = await serve()
    const response = await send(`${address}reads.bam`)
    const chunks: Buffer[] = []
    const reading = async (): Promise<void> => {
      for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
    }
    await expect(reading()).rejects.toMatchObject({ code: 'ECONNRESET' })
    const received = Buffer.concat(chunks)
    expect(received.length).toBeLessThanOrEqual(60 * SEGMENT_SIZE)
    expect(received.equals(PLAINTEXT.subarray(0, received.length))).toBe(true)
    expect(problems.join('\n')).toMatch(/cut short.*reads\.bam\.c4gh: segment 60 /)
    // The damaged segment alone is told with a status.
    const range = { range: `bytes=${60 * SEGMENT_SIZE}-${60 * SEGMENT_SIZE + 5}` }
    expect(await get(`${address}reads.bam`, range)).toMatchObject({ status: 502 })
    expect(await end()).toMatchObject({ cutShort: 1 })
  })

  it.each([
    ['nothing.txt', 404],
    ['plain.txt', 404],
    ['foreign.txt', 403],
    ['broken.txt', 502],
  ])('%s is answered with %i', async (path, status) => {
    const stranger = await generateKeyPair()
    await counting.store.putObject(bucket, 'run/plain.txt', Buffer.from('plain'))
    await counting.store.putObject(bucket, 'run/foreign.txt', await sealedObject(PLAINTEXT, stranger))
    await counting.store.putObject(bucket, 'run/broken.txt', object.subarray(0, 124 + 5))
    const { address } = await serve()
    const answer = await get(address + path)
    expect(answer.status).toBe(status)
    expect(answer.body.toString()).toMatch(/^[^\n]+\n$/)
  })

  it('may be served as it is stored, when that was asked for', async () => {
    await counting.store.putObject(bucket, 'run/reads.bam.bai', Buffer.from('index'))
    const { address } = await serve('run/', { plainToo: true })
    expect((await get(`${address}reads.bam.bai`)).body.toString()).toBe('index')
    expect((await get(`${address}reads.bam`, { range: 'bytes=0-4' })).body).toHaveLength(5)
  })

  it('is seen at the start: nothing there, no key for the one object, an origin that is none', async () => {
    await expect(serve('nowhere/')).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' })
    await expect(serve('run/reads')).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' })
    const identities = [await generateKeyPair()]
    await expect(serve('run/reads.bam.c4gh', { identities })).rejects.toMatchObject({
      code: 'NO_MATCHING_KEY',
    })
    for (const origin of ['*', 'null', 'igv.org', 'https://igv.org/', 'https://igv.org/app', 'file:///x']) {
      await expect(serve('run/', { origins: [origin] })).rejects.toMatchObject({ code: 'USAGE' })
    }
    running = undefined
  })

  it('a port that is taken', async () => {
    const { address } = await serve()
    const first = running
    const port = Number(new URL(address).port)
    await expect(serve('run/', { port })).rejects.toMatchObject({ code: 'USAGE' })
    running = first
  })
})

it('the end comes at once, whoever still reads', async () => {
  const { address, end } = await serve()
  const first = await get(`${address}reads.bam`, { range: 'bytes=0-5' })
  expect(first.status).toBe(206)
  let asked: () => void = () => undefined
  const waits = new Promise<void>((resolve) => {
    asked = resolve
  })
  counting.beforeGet = () => {
    asked()
    return new Promise(() => undefined)
  }
  const reading = get(`${address}reads.bam`, { range: `bytes=${40 * SEGMENT_SIZE}-` })
  const failed = expect(reading).rejects.toThrow()
  await waits
  expect(await end()).toMatchObject({ cutShort: 0 })
  await failed
  await expect(get(address)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})
