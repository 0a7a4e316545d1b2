import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { generateKeyPair, type KeyPair } from '../../src/crypto/keys/key-pair.ts'
import { downloadAndOpen } from '../../src/transfer/download-object.ts'
import type { DownloadOptions } from '../../src/transfer/download-options.ts'
import { startSegmentEngine, type SegmentEngine } from '../../src/transfer/segment-engine.ts'
import { SlotPool } from '../../src/transfer/slot-pool.ts'
import { withRetry } from '../../src/storage/with-retry.ts'
import { startScriptedServer, s3Error, type ScriptedServer } from '../storage/s3/scripted-server.ts'
import { countingStore, type CountingStore } from '../support/counting-store.ts'
import { sealedObject } from '../support/sealed-object.ts'

const RANGE = 8 * 1024 ** 2

/** Large enough for threads to be asked: nine ranges. */
const plaintext = Buffer.alloc(65 * 1024 ** 2, randomBytes(99_991))
let reader: KeyPair
let object: Buffer
let folder: string
let engine: SegmentEngine

/** What happens to the answer of the how many-th GET, of the bytes from `first` on; the right one when it returns false. */
let harm: (nth: number, response: ServerResponse, first: number) => boolean
let gets: number
let server: ScriptedServer
let counted: CountingStore

beforeAll(async () => {
  reader = await generateKeyPair()
  object = await sealedObject(plaintext, reader)
  folder = await mkdtemp(join(tmpdir(), 'sealift-elsewhere-'))
  engine = startSegmentEngine(object.length, 2)
  server = await startScriptedServer(answer)
})

afterAll(async () => {
  await engine.close()
  await server.close()
  await rm(folder, { recursive: true })
})

beforeEach(() => {
  harm = () => false
  gets = 0
  counted = countingStore(withRetry(server.store, { sleep: async () => undefined }))
})

afterEach(async () => {
  for (const name of await readdir(folder)) await rm(join(folder, name))
})

function answer(request: IncomingMessage, response: ServerResponse): void {
  const found = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
  if (found === null) {
    response.writeHead(200, { etag: '"e"', 'content-length': object.length }).end()
    return
  }
  const [first = 0, last = 0] = found.slice(1).map(Number)
  // The header of the object is fetched first, in a range from its start.
  if (first > 0) {
    gets += 1
    if (harm(gets, response, first)) return
  }
  response.writeHead(206, {
    etag: '"e"',
    'content-length': last - first + 1,
    'content-range': `bytes ${first}-${last}/${object.length}`,
  })
  response.end(object.subarray(first, last + 1))
}

function refuse(response: ServerResponse, status: number, code: string): boolean {
  const body = s3Error(code)
  response.writeHead(status, { 'content-length': body.length }).end(body)
  return true
}

async function downloadIt(options: Partial<DownloadOptions> = {}) {
  const path = join(folder, 'received')
  const name = { bucket: 'bucket', objectKey: 'run.c4gh' }
  const common = { engine, slots: new SlotPool(4, RANGE), concurrency: 4, rangeSize: RANGE, replace: true }
  await downloadAndOpen(name, path, [reader], { store: counted.store, ...common, ...options })
  expect((await readFile(path)).equals(plaintext)).toBe(true)
}

/** Ranges that were fetched the ordinary way. */
function ordinary(): number {
  return counted.gets.filter(({ range }) => (range?.offset ?? 0) > 0).length
}

describe('a large object', () => {
  it('is fetched by the threads that open it', async () => {
    const ranges: number[] = []
    await downloadIt({ onRange: (index) => ranges.push(index) })
    expect(ordinary()).toBe(0)
    expect(gets).toBe(9)
    expect(ranges.sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
  })

  it('is fetched the ordinary way where work stays on one thread', async () => {
    const inline = startSegmentEngine(object.length, 0)
    await downloadIt({ engine: inline })
    expect(ordinary()).toBe(9)
  })

  it('is fetched the ordinary way when the store gives no signed requests', async () => {
    const store = new Proxy(counted.store, {
      get: (target, property): unknown =>
        property === 'signedGet' ? undefined : Reflect.get(target, property),
    })
    await downloadIt({ store })
    expect(ordinary()).toBe(9)
  })

  it.each<[string, (response: ServerResponse) => boolean]>([
    ['is refused for a moment', (response) => refuse(response, 503, 'SlowDown')],
    ['comes without its ETag', (response) => refuse(response, 206, '')],
    [
      'breaks off',
      (response) => {
        response.writeHead(206, { etag: '"e"', 'content-length': RANGE }).write('x')
        response.destroy()
        return true
      },
    ],
  ])('has a range fetched the ordinary way when it %s', async (_what, wrong) => {
    harm = (nth, response) => nth === 3 && wrong(response)
    await downloadIt()
    expect(ordinary()).toBe(1)
    expect(gets).toBe(10)
  })

  it('is left to the ordinary way when the threads get nowhere', async () => {
    const byStore = (first: number): boolean => counted.gets.some(({ range }) => range?.offset === first)
    harm = (_nth, response, first) => !byStore(first) && refuse(response, 500, 'InternalError')
    await downloadIt()
    expect(ordinary()).toBe(9)
    // Those that were on their way when it was clear.
    expect(gets - 9).toBeLessThanOrEqual(6)
  })

  it('fails as ever: what the store refuses, and a segment that is not genuine', async () => {
    harm = (nth, response) => nth > 2 && refuse(response, 403, 'AccessDenied')
    await expect(downloadIt()).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    harm = (nth, response) => nth > 2 && refuse(response, 412, 'PreconditionFailed')
    gets = 0
    await expect(downloadIt()).rejects.toMatchObject({ code: 'OBJECT_CHANGED' })
    harm = () => false
    const at = object.length - 1
    object[at] = (object[at] ?? 0) ^ 1
    await expect(downloadIt()).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    object[at] = (object[at] ?? 0) ^ 1
    expect(await readdir(folder)).toEqual([])
  })

  it('ends with the reason of an abort', async () => {
    const controller = new AbortController()
    harm = (nth) => {
      if (nth === 4) controller.abort(new RangeError('enough'))
      return nth >= 4
    }
    await expect(downloadIt({ signal: controller.signal })).rejects.toThrow('enough')
    expect(ordinary()).toBe(0)
    expect(await readdir(folder)).toEqual([])
  })
})
