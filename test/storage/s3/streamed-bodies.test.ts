import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import type { Fault } from '../../../src/sandbox/faults.ts'
import type { StreamedBody } from '../../../src/storage/object-store.ts'
import { protectsBodies } from '../../../src/storage/s3/connection.ts'
import { createS3Store } from '../../../src/storage/s3/s3-store.ts'
import { withRetry } from '../../../src/storage/with-retry.ts'
import { AppError } from '../../../src/util/errors.ts'
import { collect } from '../../conformance/steps.ts'
import { type PracticeStore, startPracticeStore } from './practice-store.ts'

let practice: PracticeStore | undefined
afterEach(async () => {
  await practice?.close()
  practice = undefined
})
const start = async (faults?: (attempt: number, operation: string) => Fault | undefined) => {
  practice = await startPracticeStore({
    faults: ({ attempt, operation }) => faults?.(attempt, operation),
  })
  await practice.store().createBucket('bucket')
  return practice
}
const name = { bucket: 'bucket', objectKey: 'reads.c4gh' }
const CHUNK = 100_000

/** A body in chunks that counts how often it is opened. */
function streamed(bytes: Uint8Array): StreamedBody & { opened: number } {
  return {
    opened: 0,
    length: bytes.length,
    async *open() {
      this.opened += 1
      for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK)
    },
  }
}

/** What the store has under the name, after the parts were joined. */
async function uploaded(
  store: ReturnType<PracticeStore['store']>,
  send: (upload: { bucket: string; objectKey: string; uploadId: string }) => Promise<{ etag: string }>,
): Promise<Buffer> {
  const upload = { ...name, uploadId: await store.createMultipartUpload('bucket', name.objectKey) }
  const { etag } = await send(upload)
  await store.completeMultipartUpload(upload, [{ partNumber: 1, etag }])
  const object = await store.getObject('bucket', name.objectKey)
  return Buffer.concat(await collect(object.body))
}

describe('a part that is too large for a buffer', () => {
  const bytes = randomBytes(3_000_001)

  it('arrives as it was streamed', async () => {
    const store = (await start()).store()
    const got = await uploaded(store, (upload) => store.uploadPart(upload, 1, streamed(bytes)))
    expect(got.equals(bytes)).toBe(true)
  })

  it('is opened anew for each attempt: after a refusal, a reset, and an answer with a wrong ETag', async () => {
    const faults: Fault[] = [
      { kind: 'status', status: 503, code: 'SlowDown' },
      { kind: 'reset' },
      { kind: 'wrong-etag' },
    ]
    const { store } = await start((attempt, operation) =>
      operation === 'UploadPart' ? faults[attempt - 1] : undefined,
    )
    const body = streamed(bytes)
    const patient = withRetry(store(), { sleep: async () => undefined })
    const md5 = createHash('md5').update(bytes).digest('hex')
    const got = await uploaded(store(), (upload) => patient.uploadPart(upload, 1, body, { md5: () => md5 }))
    expect(got.equals(bytes)).toBe(true)
    expect(body.opened).toBe(4)
  })

  it('a source that fails ends the request with its own error, and the part is not stored', async () => {
    const store = (await start()).store()
    const upload = { ...name, uploadId: await store.createMultipartUpload('bucket', name.objectKey) }
    const failure = new AppError('FILE_CHANGED', 'reads.bam changed')
    const body: StreamedBody = {
      length: bytes.length,
      async *open() {
        yield bytes.subarray(0, CHUNK)
        throw failure
      },
    }
    await expect(withRetry(store).uploadPart(upload, 1, body)).rejects.toBe(failure)
    expect(await collect(store.listParts(upload))).toEqual([])
  })

  it.each([-1, 1])('a source that gives %d bytes too many is a bug, and no part', async (more) => {
    const store = (await start()).store()
    const upload = { ...name, uploadId: await store.createMultipartUpload('bucket', name.objectKey) }
    const body = { length: bytes.length - more, open: () => streamed(bytes).open() }
    await expect(store.uploadPart(upload, 1, body)).rejects.toBeInstanceOf(RangeError)
    expect(await collect(store.listParts(upload))).toEqual([])
  })

  it('an abort ends it with the reason', async () => {
    const store = (await start()).store()
    const upload = { ...name, uploadId: await store.createMultipartUpload('bucket', name.objectKey) }
    const abort = new AbortController()
    const reason = new Error('the user left')
    const body: StreamedBody = {
      length: bytes.length,
      async *open() {
        yield bytes.subarray(0, CHUNK)
        abort.abort(reason)
        yield bytes.subarray(CHUNK)
      },
    }
    await expect(store.uploadPart(upload, 1, body, { signal: abort.signal })).rejects.toBe(reason)
  })

  it('is refused before it is opened where somebody on the way could change it', async () => {
    const store = createS3Store({
      endpoint: 'http://192.0.2.1',
      credentials: { accessKeyId: 'AK', secretAccessKey: 'SK' },
    })
    const body = streamed(bytes)
    const part = store.uploadPart({ ...name, uploadId: 'u' }, 1, body)
    await expect(part).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    expect(body.opened).toBe(0)
    expect([undefined, 'https://s3.example.org', 'http://127.0.0.1:1', 'http://[::1]:1'].map(protectsBodies)) //
      .toEqual([true, true, true, true])
  })
})

describe('a store that keeps a pace', () => {
  const bytes = randomBytes(1_500_007)
  const counting = () => {
    const taken: number[] = []
    const pace = {
      take: async (count: number) => {
        taken.push(count)
      },
    }
    return { pace, taken, total: () => taken.reduce((sum, count) => sum + count, 0) }
  }

  it('takes every byte of what is sent and received, in small pieces, and nothing changes on the way', async () => {
    const { pace, taken, total } = counting()
    const store = (await start()).store({ pace })
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const got = await uploaded(store, (upload) => store.uploadPart(upload, 1, bytes, { sha256 }))
    expect(got.equals(bytes)).toBe(true)
    expect(total()).toBe(2 * bytes.length)
    expect(Math.max(...taken)).toBeLessThanOrEqual(64 * 1024)
  })

  it('signs bodies all the same, small objects and empty ones too', async () => {
    const { pace, total } = counting()
    const { store, endpoint } = await start()
    const seen: unknown[] = []
    const paced = store({ pace })
    for (const size of [0, 1, 70_000]) {
      await paced.putObject('bucket', `object-${size}`, bytes.subarray(0, size))
      seen.push(Buffer.concat(await collect((await store().getObject('bucket', `object-${size}`)).body)))
    }
    expect(seen).toEqual([0, 1, 70_000].map((size) => bytes.subarray(0, size)))
    expect(total()).toBe(70_001)
    expect(endpoint).toContain('127.0.0.1')
  })

  it('a refused body stops taking from the others', async () => {
    const { pace, total } = counting()
    const { store } = await start((_attempt, operation) =>
      operation === 'PutObject' ? { kind: 'status', status: 403, code: 'AccessDenied' } : undefined,
    )
    const large = new Uint8Array(64 * 1024 ** 2)
    const sent = store({ pace }).putObject('bucket', 'large', large)
    await expect(sent).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    const afterwards = total()
    await new Promise(setImmediate)
    expect(afterwards).toBeLessThan(large.length)
    expect(total()).toBeLessThanOrEqual(afterwards + 64 * 1024)
  })
})

it('a server that refuses early does not keep the process waiting for the rest of a body', async () => {
  const server = createServer((_request, response) => {
    response.writeHead(403, { 'content-length': 0 }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const store = createS3Store({ endpoint, credentials: { accessKeyId: 'AK', secretAccessKey: 'SK' } })
  let closed = false
  const body: StreamedBody = {
    length: 1024 ** 3,
    async *open() {
      try {
        for (;;) yield new Uint8Array(CHUNK)
      } finally {
        closed = true
      }
    },
  }
  const part = store.uploadPart({ ...name, uploadId: 'u' }, 1, body)
  await expect(part).rejects.toMatchObject({ name: 'StorageError' })
  expect(closed).toBe(true)
  store.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

it('no connection stands open while a body waits for its first bytes', async () => {
  const server = createServer((received, response) => {
    received.resume().on('end', () => response.writeHead(200, { etag: '"part"' }).end())
  })
  let connections = 0
  server.on('connection', () => (connections += 1))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const store = createS3Store({ endpoint, credentials: { accessKeyId: 'AK', secretAccessKey: 'SK' } })
  const seen: number[] = []
  const body: StreamedBody = {
    length: CHUNK,
    async *open() {
      await sleep(50)
      seen.push(connections)
      yield new Uint8Array(CHUNK)
    },
  }
  expect(await store.uploadPart({ ...name, uploadId: 'u' }, 1, body)).toEqual({ partNumber: 1, etag: 'part' })
  expect(seen).toEqual([0])
  expect(connections).toBe(1)
  store.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})
