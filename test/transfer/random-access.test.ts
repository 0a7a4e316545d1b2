import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../../src/crypto/crypt4gh/format.ts'
import { generateKeyPair, type KeyPair } from '../../src/crypto/keys/key-pair.ts'
import { createMemoryStore } from '../../src/storage/memory-store.ts'
import { fetchObjectHeader } from '../../src/transfer/object-header.ts'
import { accessSealed, accessStored, type RandomAccessObject } from '../../src/transfer/random-access.ts'
import { RequestGate } from '../../src/transfer/request-gate.ts'
import { SegmentCache } from '../../src/transfer/segment-cache.ts'
import type { SharedReading } from '../../src/transfer/segment-reader.ts'
import { countingStore, type CountingStore } from '../support/counting-store.ts'
import { edited } from '../support/edited.ts'
import { sealedObject } from '../support/sealed-object.ts'

const BUCKET = 'animine-data-import-1'
const HEADER_SIZE = 124
const SEGMENTS = 220
const PLAINTEXT = randomBytes(SEGMENTS * SEGMENT_SIZE + 99)
const never = new AbortController().signal

let counting: CountingStore
let reader: KeyPair
let object: Buffer
let shared: SharedReading

beforeEach(async () => {
  counting = countingStore(createMemoryStore())
  await counting.store.createBucket(BUCKET)
  reader = await generateKeyPair()
  object = await sealedObject(PLAINTEXT, reader)
  await counting.store.putObject(BUCKET, 'reads.c4gh', object)
  shared = sharing(256)
})

/** A cache of so many segments. */
function sharing(segments: number): SharedReading {
  const { store } = counting
  return { store, cache: new SegmentCache(segments * SEGMENT_SIZE), gate: new RequestGate(4) }
}

async function open(objectKey = 'reads.c4gh'): Promise<RandomAccessObject> {
  const name = { bucket: BUCKET, objectKey }
  const { size, etag } = await counting.store.headObject(BUCKET, objectKey)
  const version = { size, etag }
  const { header, opened } = await fetchObjectHeader(name, version, [reader], shared)
  const access = accessSealed(name, version, header.length, opened, shared)
  counting.gets = []
  return access
}

async function read(
  access: RandomAccessObject,
  offset: number,
  length: number,
  options: { bounded?: boolean; signal?: AbortSignal } = {},
): Promise<Buffer> {
  const { bounded = true, signal = never } = options
  const chunks: Buffer[] = []
  for await (const chunk of access.stream({ offset, length }, { bounded, signal })) {
    // It is only lent.
    chunks.push(Buffer.from(chunk))
  }
  return Buffer.concat(chunks)
}

/** What was fetched, as numbers of segments. */
function fetched(): [first: number, count: number][] {
  return counting.gets.map(({ range }) => [
    (range!.offset - HEADER_SIZE) / ENCRYPTED_SEGMENT_SIZE,
    Math.ceil(range!.length / ENCRYPTED_SEGMENT_SIZE),
  ])
}

function expectSlice(bytes: Buffer, offset: number, length: number): void {
  expect(bytes.equals(PLAINTEXT.subarray(offset, offset + length))).toBe(true)
}

const position = fc.oneof(
  fc.integer({ min: 0, max: PLAINTEXT.length }),
  fc
    .tuple(fc.nat({ max: SEGMENTS }), fc.integer({ min: -2, max: 2 }))
    .map(([segment, off]) => Math.max(0, segment * SEGMENT_SIZE + off)),
)
const request = fc.record({ one: position, two: position, bounded: fc.boolean() })

describe('an object that is read at random', () => {
  it.each([1, 3, 40])('gives any ranges, many at a time, from a cache of %i segments', async (segments) => {
    shared = sharing(segments)
    const access = await open()
    expect(access.size).toBe(PLAINTEXT.length)
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 6 }), async (requests) => {
        const readings = requests.map(async ({ one, two, bounded }) => {
          const [offset, length] = [Math.min(one, two), Math.abs(one - two)]
          expectSlice(await read(access, offset, length, { bounded }), offset, length)
        })
        await Promise.all(readings)
        expect(shared.cache.size).toBeLessThanOrEqual(segments)
      }),
      { numRuns: 15 },
    )
  })

  it('gives any ranges of what an edit list leaves', async () => {
    const plaintext = PLAINTEXT.subarray(0, 9 * SEGMENT_SIZE + 5)
    const lengths = fc.array(fc.integer({ min: 0, max: 2 * SEGMENT_SIZE }), { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(lengths, fc.nat(), fc.nat(), fc.boolean(), async (editList, one, two, bounded) => {
        const sealed = await sealedObject(plaintext, reader, editList.map(BigInt))
        await counting.store.putObject(BUCKET, 'edited.c4gh', sealed)
        const left = edited(plaintext, editList)
        const access = await open('edited.c4gh')
        expect(access.size).toBe(left.length)
        const [a, b] = [one % (left.length + 1), two % (left.length + 1)]
        const [offset, length] = [Math.min(a, b), Math.abs(a - b)]
        const bytes = await read(access, offset, length, { bounded })
        expect(bytes.equals(left.subarray(offset, offset + length))).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  it('that is not encrypted, or empty, is read as well', async () => {
    const access = accessStored(
      { bucket: BUCKET, objectKey: 'reads.c4gh' },
      await counting.store.headObject(BUCKET, 'reads.c4gh'),
      shared,
    )
    expect(access.size).toBe(object.length)
    const bytes = await read(access, 70_000, 200_000)
    expect(bytes.equals(object.subarray(70_000, 270_000))).toBe(true)
    await counting.store.putObject(BUCKET, 'empty.c4gh', await sealedObject(new Uint8Array(), reader))
    expect(await read(await open('empty.c4gh'), 0, 0)).toHaveLength(0)
  })

  it('refuses a range beyond its end', async () => {
    const access = await open()
    await expect(read(access, PLAINTEXT.length, 1)).rejects.toMatchObject({ code: 'INVALID_RANGE' })
  })
})

describe('what is fetched', () => {
  it('is the segments that hold a range whose end was named, with one request', async () => {
    const access = await open()
    await read(access, 100 * SEGMENT_SIZE + 5, 3 * SEGMENT_SIZE)
    expect(fetched()).toEqual([[100, 4]])
  })

  it('is nothing for what was read before, and only the gap between', async () => {
    const access = await open()
    await read(access, 10 * SEGMENT_SIZE, SEGMENT_SIZE)
    await read(access, 14 * SEGMENT_SIZE, SEGMENT_SIZE)
    counting.gets = []
    expectSlice(await read(access, 10 * SEGMENT_SIZE + 7, 100), 10 * SEGMENT_SIZE + 7, 100)
    expect(fetched()).toEqual([])
    await read(access, 10 * SEGMENT_SIZE, 6 * SEGMENT_SIZE)
    expect(fetched()).toEqual([
      [11, 3],
      [15, 1],
    ])
  })

  it('is fetched once for all who want it at the same time', async () => {
    const access = await open()
    const readings = Array.from({ length: 5 }, () => read(access, 50 * SEGMENT_SIZE, 2 * SEGMENT_SIZE))
    for (const bytes of await Promise.all(readings)) {
      expectSlice(bytes, 50 * SEGMENT_SIZE, 2 * SEGMENT_SIZE)
    }
    expect(fetched()).toEqual([[50, 2]])
  })

  it('is little for one who named no end and leaves soon', async () => {
    const access = await open()
    const range = { offset: 30 * SEGMENT_SIZE, length: PLAINTEXT.length - 30 * SEGMENT_SIZE }
    for await (const chunk of access.stream(range, { bounded: false, signal: never })) {
      expect(chunk.length).toBeLessThanOrEqual(4 * SEGMENT_SIZE)
      break
    }
    expect(fetched()).toEqual([[30, 4]])
  })

  it('grows for one who reads on, and stays ahead of it', async () => {
    const access = await open()
    await read(access, 0, PLAINTEXT.length, { bounded: false })
    const counts = fetched().map(([, count]) => count)
    expect(counts.slice(0, 4)).toEqual([4, 8, 16, 32])
    expect(Math.max(...counts)).toBe(32)
    expect(counts.reduce((sum, count) => sum + count)).toBe(SEGMENTS + 1)
    expect(counts.length).toBeLessThan(12)
  })

  it('stays ahead of who named an end far away, and asks for no byte twice', async () => {
    const access = await open()
    let atOnce = 0
    let most = 0
    counting.beforeGet = async () => {
      atOnce += 1
      most = Math.max(most, atOnce)
      await new Promise((resolve) => setTimeout(resolve, 2))
      atOnce -= 1
    }
    await read(access, 0, 100 * SEGMENT_SIZE)
    expect(fetched()).toEqual([
      [0, 32],
      [32, 32],
      [64, 32],
      [96, 4],
    ])
    expect(most).toBe(2)
  })

  it('reads no further than an edit list lets it', async () => {
    const [skip, keep] = [10n * BigInt(SEGMENT_SIZE), 2n * BigInt(SEGMENT_SIZE)]
    const sealed = await sealedObject(PLAINTEXT, reader, [skip, keep, skip, keep])
    await counting.store.putObject(BUCKET, 'edited.c4gh', sealed)
    const access = await open('edited.c4gh')
    await read(access, 0, access.size, { bounded: false })
    expect(counting.gets.map(({ range }) => Math.ceil(range!.length / ENCRYPTED_SEGMENT_SIZE))).toEqual([
      2, 2,
    ])
  })

  it('is ended when nobody waits for it any more, and not before', async () => {
    const access = await open()
    const release: (() => void)[] = []
    const started = new Promise<void>((resolve) => {
      counting.beforeGet = async () => {
        resolve()
        await new Promise<void>((go) => release.push(go))
      }
    })
    const [first, second] = [new AbortController(), new AbortController()]
    const reading = read(access, 0, 5, { signal: first.signal })
    const alsoReading = read(access, 0, 5, { signal: second.signal })
    await started
    first.abort(new RangeError('gone'))
    await expect(reading).rejects.toThrow('gone')
    release.shift()?.()
    expectSlice(await alsoReading, 0, 5)
    expect(fetched()).toEqual([[0, 1]])

    const third = new AbortController()
    const last = read(access, 90 * SEGMENT_SIZE, 5, { signal: third.signal })
    await Promise.resolve()
    third.abort(new RangeError('gone, too'))
    await expect(last).rejects.toThrow('gone, too')
    release.shift()?.()
    // Who comes later starts anew.
    counting.beforeGet = () => undefined
    expectSlice(await read(access, 90 * SEGMENT_SIZE, 5), 90 * SEGMENT_SIZE, 5)
  })

  it('is tried again by the next one after a failure', async () => {
    const access = await open()
    counting.beforeGet = () => {
      throw new RangeError('a bad day')
    }
    await expect(read(access, 0, 5)).rejects.toThrow('a bad day')
    counting.beforeGet = () => undefined
    expectSlice(await read(access, 0, 5), 0, 5)
  })
})

describe('what must not come out', () => {
  it.each([0, 3, 4, 31, 219, 220])(
    'anything of segment %i when it is damaged, and all of the others',
    async (bad) => {
      const damaged = Buffer.from(object)
      const at = HEADER_SIZE + bad * ENCRYPTED_SEGMENT_SIZE + 50
      damaged[at] = (damaged[at] ?? 0) ^ 1
      await counting.store.putObject(BUCKET, 'reads.c4gh', damaged)
      const access = await open()
      const chunks: Buffer[] = []
      const reading = async (): Promise<void> => {
        const range = { offset: 0, length: PLAINTEXT.length }
        for await (const chunk of access.stream(range, { bounded: true, signal: never })) {
          chunks.push(Buffer.from(chunk))
        }
      }
      await expect(reading()).rejects.toMatchObject({
        code: 'AUTHENTICATION_FAILED',
        message: expect.stringContaining(`reads.c4gh: segment ${bad} `) as string,
      })
      const before = Buffer.concat(chunks)
      expect(before.length).toBeLessThanOrEqual(bad * SEGMENT_SIZE)
      expectSlice(before, 0, before.length)
      const [next, length] = [(bad + 1) % (SEGMENTS + 1), 99]
      expectSlice(await read(access, next * SEGMENT_SIZE, length), next * SEGMENT_SIZE, length)
    },
  )

  it('bytes of another object that took its place', async () => {
    const access = await open()
    const other = await sealedObject(randomBytes(PLAINTEXT.length), reader)
    await counting.store.putObject(BUCKET, 'reads.c4gh', other)
    await expect(read(access, 0, 10)).rejects.toMatchObject({ code: 'OBJECT_CHANGED' })
  })
})
