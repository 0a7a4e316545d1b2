/** What a store that lies, or a stranger who sealed an object, can do to those who read at random. */
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../../src/crypto/crypt4gh/format.ts'
import type { OpenedHeader } from '../../src/crypto/crypt4gh/open-header.ts'
import { newDataKey } from '../../src/crypto/crypt4gh/segment.ts'
import { generateKeyPair, type KeyPair } from '../../src/crypto/keys/key-pair.ts'
import { createMemoryStore } from '../../src/storage/memory-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { fetchObjectHeader } from '../../src/transfer/object-header.ts'
import { accessSealed, accessStored, type RandomAccessObject } from '../../src/transfer/random-access.ts'
import { RequestGate } from '../../src/transfer/request-gate.ts'
import { SegmentCache } from '../../src/transfer/segment-cache.ts'
import type { SharedReading } from '../../src/transfer/segment-reader.ts'
import { sealedObject } from '../support/sealed-object.ts'

const BUCKET = 'animine-data-import-1'
const name = { bucket: BUCKET, objectKey: 'reads.c4gh' }
const PLAINTEXT = randomBytes(40 * SEGMENT_SIZE + 7)
const never = new AbortController().signal

let store: Store
let reader: KeyPair

beforeEach(async () => {
  store = createMemoryStore()
  await store.createBucket(BUCKET)
  reader = await generateKeyPair()
  await store.putObject(BUCKET, name.objectKey, await sealedObject(PLAINTEXT, reader))
})

function sharing(segments: number): SharedReading {
  return { store, cache: new SegmentCache(segments * SEGMENT_SIZE), gate: new RequestGate(4) }
}

/** The object, with data keys that open nothing before the right one. */
async function open(shared: SharedReading, uselessKeys: number): Promise<RandomAccessObject> {
  const { size, etag } = await store.headObject(BUCKET, name.objectKey)
  const version = { size, etag }
  const { header, opened } = await fetchObjectHeader(name, version, [reader], shared)
  const useless = Array.from({ length: uselessKeys }, newDataKey)
  const dataKeys = [...useless, ...opened.dataKeys]
  return accessSealed(name, version, header.length, { ...opened, dataKeys }, shared)
}

async function read(
  access: RandomAccessObject,
  offset: number,
  length: number,
  { bounded = true, signal = never } = {},
): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of access.stream({ offset, length }, { bounded, signal })) {
    chunks.push(Buffer.from(chunk))
  }
  return Buffer.concat(chunks)
}

describe('a size that cannot be', () => {
  const header = (): OpenedHeader => ({
    ...{ dataKeys: [newDataKey()], editList: undefined, senders: [], readers: [], unopened: [] },
  })
  const most = 2 ** 30

  it('is refused for a sealed object before anything is read under the numbers of another one', () => {
    const version = (segments: number) => ({ size: 124 + segments * ENCRYPTED_SEGMENT_SIZE, etag: 'e' })
    expect(accessSealed(name, version(most), 124, header(), sharing(1)).size).toBe(most * SEGMENT_SIZE)
    expect(() => accessSealed(name, version(most + 1), 124, header(), sharing(1))).toThrow(
      expect.objectContaining({ code: 'AUTHENTICATION_FAILED' }),
    )
  })

  it('is refused for one that is not encrypted', () => {
    const version = (size: number) => ({ size, etag: 'e' })
    expect(accessStored(name, version(most * SEGMENT_SIZE), sharing(1)).size).toBe(most * SEGMENT_SIZE)
    expect(() => accessStored(name, version(most * SEGMENT_SIZE + 1), sharing(1))).toThrow(
      expect.objectContaining({ code: 'STORE_FAILURE' }),
    )
  })
})

describe('an object with many data keys', () => {
  it('lets others have their turn between its segments', async () => {
    const access = await open(sharing(256), 20)
    let turns = 0
    let next: NodeJS.Immediate | undefined
    const turn = (): void => {
      turns += 1
      next = setImmediate(turn)
    }
    turn()
    try {
      const bytes = await read(access, 0, 32 * SEGMENT_SIZE)
      expect(bytes.equals(PLAINTEXT.subarray(0, 32 * SEGMENT_SIZE))).toBe(true)
    } finally {
      clearImmediate(next)
    }
    expect(turns).toBeGreaterThan(31)
  })

  it.each([1, 3, 20])('gives any ranges, many at a time, from a cache of %i segments', async (segments) => {
    const position = fc.nat({ max: PLAINTEXT.length })
    const range = fc.record({ one: position, two: position, bounded: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(range, { minLength: 2, maxLength: 5 }), async (ranges) => {
        const access = await open(sharing(segments), 17)
        const readings = ranges.map(async ({ one, two, bounded }) => {
          const [from, to] = [Math.min(one, two), Math.max(one, two)]
          const bytes = await read(access, from, to - from, { bounded })
          expect(bytes.equals(PLAINTEXT.subarray(from, to))).toBe(true)
        })
        await Promise.all(readings)
      }),
      { numRuns: 10 },
    )
  })

  it('is opened no further when nobody waits for it, nor after the end', async () => {
    const shared = sharing(256)
    const access = await open(shared, 20)
    const gone = new AbortController()
    const reading = read(access, 0, 32 * SEGMENT_SIZE, { signal: gone.signal })
    while (shared.cache.size === 0) await new Promise((resolve) => setImmediate(resolve))
    gone.abort(new RangeError('gone'))
    await expect(reading).rejects.toThrow('gone')
    const opened = shared.cache.size
    for (let turn = 0; turn < 40; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(shared.cache.size).toBe(opened)
    expect(opened).toBeLessThan(32)

    shared.cache.close()
    await expect(read(access, 0, 5)).rejects.toThrow('the cache is closed')
  })
})
