import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../../src/crypto/crypt4gh/format.ts'
import { fingerprint } from '../../src/crypto/keys/fingerprint.ts'
import { generateKeyPair, type KeyPair } from '../../src/crypto/keys/key-pair.ts'
import { createMemoryStore } from '../../src/storage/memory-store.ts'
import { openObject, type CatRequest } from '../../src/workflows/cat.ts'
import { countingStore, type CountingStore } from '../support/counting-store.ts'
import { sealedObject } from '../support/sealed-object.ts'
import { edited } from '../support/edited.ts'

const BUCKET = 'animine-data-import-1'
/** More than three of the ranges that are fetched ahead. */
const PLAINTEXT = randomBytes(220 * SEGMENT_SIZE + 99)

let counting: CountingStore
let reader: KeyPair
let object: Buffer

beforeEach(async () => {
  counting = countingStore(createMemoryStore())
  await counting.store.createBucket(BUCKET)
  reader = await generateKeyPair()
  object = await sealedObject(PLAINTEXT, reader)
  await counting.store.putObject(BUCKET, 'reads.c4gh', object)
})

function open(more: Partial<CatRequest> = {}) {
  const { store } = counting
  return openObject({
    ...{ store, bucket: BUCKET, objectKey: 'reads.c4gh', identities: [reader], decrypt: true },
    ...more,
  })
}

async function read(more: Partial<CatRequest> = {}): Promise<Buffer> {
  const { content, size } = await open(more)
  const chunks: Uint8Array[] = []
  for await (const chunk of content) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  expect(bytes.length).toBe(size)
  return bytes
}

describe('an object that is read in order', () => {
  it('comes whole, decrypted or as it is stored', async () => {
    expect((await read()).equals(PLAINTEXT)).toBe(true)
    expect((await read({ decrypt: false, identities: [] })).equals(object)).toBe(true)
    await counting.store.putObject(BUCKET, 'empty.c4gh', await sealedObject(new Uint8Array(), reader))
    expect(await read({ objectKey: 'empty.c4gh' })).toHaveLength(0)
  })

  it('gives any range as a slice of it', async () => {
    const length = PLAINTEXT.length
    const near = fc.integer({ min: -2, max: 2 })
    const position = fc.oneof(
      fc.integer({ min: 0, max: length }),
      fc.tuple(fc.nat({ max: 220 }), near).map(([segment, off]) => Math.max(0, segment * SEGMENT_SIZE + off)),
    )
    await fc.assert(
      fc.asyncProperty(position, position, fc.boolean(), async (one, two, decrypt) => {
        const [from, to] = [Math.min(one, two), Math.max(one, two)]
        const range = { offset: from, length: to - from }
        const whole = decrypt ? PLAINTEXT : object
        expect((await read({ range, decrypt })).equals(whole.subarray(from, to))).toBe(true)
      }),
      { numRuns: 25 },
    )
  })

  it('gives any range of what an edit list leaves', async () => {
    const plaintext = PLAINTEXT.subarray(0, 5 * SEGMENT_SIZE)
    const lengths = fc.array(fc.integer({ min: 0, max: 2 * SEGMENT_SIZE }), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(lengths, fc.nat(), fc.nat(), async (editList, one, two) => {
        const list = editList.map(BigInt)
        await counting.store.putObject(BUCKET, 'edited.c4gh', await sealedObject(plaintext, reader, list))
        const left = edited(plaintext, editList)
        const [a, b] = [one % (left.length + 1), two % (left.length + 1)]
        const range = { offset: Math.min(a, b), length: Math.abs(a - b) }
        const expected = left.subarray(range.offset, range.offset + range.length)
        expect((await read({ objectKey: 'edited.c4gh', range })).equals(expected)).toBe(true)
      }),
      { numRuns: 25 },
    )
  })

  it('has only the segments fetched that hold the range', async () => {
    await read({ range: { offset: 100 * SEGMENT_SIZE + 5, length: SEGMENT_SIZE } })
    const [header, ...body] = counting.gets
    expect(header?.range?.offset).toBe(0)
    expect(body.map(({ range }) => range)).toEqual([
      { offset: 124 + 100 * ENCRYPTED_SEGMENT_SIZE, length: 2 * ENCRYPTED_SEGMENT_SIZE },
    ])
  })

  it('is fetched no faster than it is taken', async () => {
    const { content } = await open()
    expect(counting.gets).toHaveLength(1)
    for await (const chunk of content) {
      expect(chunk.length).toBeLessThanOrEqual(1024 ** 2)
      // One range is being read, three are on their way; the header was the first request.
      expect(counting.gets.length).toBeLessThanOrEqual(1 + 4)
      break
    }
  })

  it('tells who sealed it, and refuses another', async () => {
    const { senders, content } = await open({ range: { offset: 0, length: 0 } })
    expect(senders).toHaveLength(1)
    for await (const chunk of content) expect(chunk).toHaveLength(0)
    const stranger = await generateKeyPair()
    expect(senders).not.toContain(fingerprint(stranger.publicKey))
    await expect(open({ senders: [stranger.publicKey] })).rejects.toMatchObject({ code: 'UNEXPECTED_SENDER' })
  })
})

describe('what must not come out', () => {
  it.each([0, 1, 63, 64, 65, 150, 220])('anything of segment %i when it is damaged', async (segment) => {
    const damaged = Buffer.from(object)
    const at = 124 + segment * ENCRYPTED_SEGMENT_SIZE + 50
    damaged[at] = (damaged[at] ?? 0) ^ 1
    await counting.store.putObject(BUCKET, 'reads.c4gh', damaged)
    const { content } = await open()
    const chunks: Uint8Array[] = []
    const reading = async (): Promise<void> => {
      for await (const chunk of content) chunks.push(chunk)
    }
    await expect(reading()).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      message: expect.stringContaining(`reads.c4gh: segment ${segment} `) as string,
    })
    const bytes = Buffer.concat(chunks)
    expect(bytes.length).toBeLessThanOrEqual(segment * SEGMENT_SIZE)
    expect(bytes.equals(PLAINTEXT.subarray(0, bytes.length))).toBe(true)
  })

  it('bytes of another object that took its place', async () => {
    const { content } = await open()
    await counting.store.putObject(
      BUCKET,
      'reads.c4gh',
      await sealedObject(randomBytes(PLAINTEXT.length), reader),
    )
    const reading = async (): Promise<void> => {
      for await (const chunk of content) expect(chunk).toBeUndefined()
    }
    await expect(reading()).rejects.toMatchObject({ code: 'OBJECT_CHANGED' })
  })

  it('fewer bytes than were asked for', async () => {
    const range = { offset: PLAINTEXT.length - 5, length: 6 }
    await expect(open({ range })).rejects.toMatchObject({ code: 'INVALID_RANGE' })
  })
})
