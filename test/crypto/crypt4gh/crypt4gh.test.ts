import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { decryptStream, encryptStream } from '../../../src/crypto/crypt4gh/crypt4gh.ts'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../../../src/crypto/crypt4gh/format.ts'
import { sealHeader } from '../../../src/crypto/crypt4gh/seal-header.ts'
import { newDataKey, sealSegments } from '../../../src/crypto/crypt4gh/segment.ts'
import { openStream, sealStream } from '../../../src/crypto/crypt4gh/segments.ts'
import { encryptedBodySize, sealedHeaderSize } from '../../../src/crypto/crypt4gh/sizes.ts'
import { generateKeyPair } from '../../../src/crypto/keys/key-pair.ts'
import type { KeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { chunked, collect, concat, drain, plain } from '../vectors.ts'

const FILE = plain(20 * SEGMENT_SIZE)

/** Sizes around every edge: nothing, a segment, the 16 segments that are worked on at once. */
const sizes = fc.oneof(
  fc.nat(300),
  fc
    .tuple(fc.constantFrom(0, 1, 2, 16, 17), fc.integer({ min: -2, max: 2 }))
    .map(([segments, offset]) => Math.max(0, segments * SEGMENT_SIZE + offset)),
)
const chunkings = fc.array(fc.integer({ min: 50, max: 200_000 }), { minLength: 1, maxLength: 4 })

let readers: KeyPair[]
beforeAll(async () => {
  readers = await Promise.all(Array.from({ length: 4 }, generateKeyPair))
})

describe('what is encrypted decrypts', () => {
  it('at any size, in any chunks, for any recipients, by each of them', async () => {
    await fc.assert(
      fc.asyncProperty(
        sizes,
        chunkings,
        chunkings,
        fc.integer({ min: 1, max: 4 }),
        async (size, inChunks, outChunks, count) => {
          const recipients = readers.slice(0, count)
          const plaintext = FILE.slice(0, size)
          const file = await collect(
            encryptStream(
              chunked(plaintext, ...inChunks),
              recipients.map(({ publicKey }) => publicKey),
            ),
          )
          expect(file).toHaveLength(sealedHeaderSize(count) + encryptedBodySize(size))
          for (const reader of recipients) {
            const opened = await collect(decryptStream(chunked(file, ...outChunks), [reader]))
            expect(Buffer.compare(opened, plaintext)).toBe(0)
          }
        },
      ),
      { numRuns: 40 },
    )
  })

  it('with the sender that was chosen', async () => {
    const [sender, reader] = readers
    const file = await collect(encryptStream(chunked(FILE.slice(0, 10)), [reader!.publicKey], { sender }))
    expect(file.slice(24, 56)).toEqual(sender!.publicKey)
    expect(await collect(decryptStream(chunked(file), [reader!]))).toEqual(FILE.slice(0, 10))
  })

  it('after short reads of one byte, which never end a segment', async () => {
    const dataKey = newDataKey()
    const plaintext = FILE.slice(0, SEGMENT_SIZE + 3)
    const body = await collect(sealStream(chunked(plaintext, 1), dataKey))
    expect(body).toHaveLength(encryptedBodySize(plaintext.length))
    const opened = await collect(openStream(chunked(body, 1), openedWith([dataKey])))
    expect(Buffer.compare(opened, plaintext)).toBe(0)
  })

  it('a bad recipient fails before the first byte of the file is read', async () => {
    let read = false
    async function* source(): AsyncGenerator<Uint8Array> {
      read = true
      yield FILE
    }
    const { bytes, failure } = await drain(encryptStream(source(), [new Uint8Array(32)]))
    expect(failure).toMatchObject({ code: 'INVALID_KEY' })
    expect([bytes.length, read]).toEqual([0, false])
  })

  it('all nonces of two encryptions of one file are distinct', async () => {
    const plaintext = FILE.slice(0, 5 * SEGMENT_SIZE + 1)
    const recipients = readers.map(({ publicKey }) => publicKey)
    const nonces = new Set<string>()
    for (let turn = 0; turn < 2; turn += 1) {
      const file = Buffer.from(await collect(encryptStream(chunked(plaintext), recipients)))
      const header = sealedHeaderSize(recipients.length)
      for (let at = 16 + 40; at < header; at += 108) nonces.add(file.toString('hex', at, at + 12))
      for (let at = header; at < file.length; at += ENCRYPTED_SEGMENT_SIZE) {
        nonces.add(file.toString('hex', at, at + 12))
      }
    }
    expect(nonces.size).toBe(2 * (4 + 6))
  })
})

describe('no plaintext before its tag', () => {
  it('what comes out before a failure is exactly the whole segments before the fault', async () => {
    const dataKey = newDataKey()
    const plaintext = FILE.slice(0, 18 * SEGMENT_SIZE + 500)
    const whole = seal(dataKey, plaintext)
    const faults = fc.constantFrom('flip', 'cut', 'zero')
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), faults, chunkings, async (at, fault, chunks) => {
        const segment = Math.floor(at / ENCRYPTED_SEGMENT_SIZE)
        if (fault === 'cut' && at % ENCRYPTED_SEGMENT_SIZE === 0) return // v1 can't see this one
        const body = fault === 'cut' ? whole.slice(0, at) : whole.slice()
        if (fault === 'flip') body[at]! ^= 0x80
        if (fault === 'zero') body.fill(body[at] === 0 ? 1 : 0, at, at + 1)
        const { bytes, failure } = await drain(openStream(chunked(body, ...chunks), openedWith([dataKey])))
        expect(failure).toMatchObject({ code: 'AUTHENTICATION_FAILED' })
        expect((failure as Error).message).toContain(`segment ${segment} `)
        expect(bytes).toHaveLength(segment * SEGMENT_SIZE)
        expect(Buffer.compare(bytes, plaintext.slice(0, bytes.length))).toBe(0)
      }),
      { numRuns: 60 },
    )
  })

  it('a tail too short for a segment is a fault, after whole segments too', async () => {
    const dataKey = newDataKey()
    const body = concat(seal(dataKey, FILE.slice(0, SEGMENT_SIZE)), new Uint8Array(27))
    const { bytes, failure } = await drain(openStream(chunked(body), openedWith([dataKey])))
    expect(failure).toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    expect(bytes).toHaveLength(SEGMENT_SIZE)
  })

  it('an error of the source is handed on as it is', async () => {
    const broken = new TypeError('the pipe broke')
    async function* source(): AsyncGenerator<Uint8Array> {
      yield seal(newDataKey(), FILE.slice(0, 10))
      throw broken
    }
    expect((await drain(openStream(source(), openedWith([newDataKey()])))).failure).toBe(broken)
  })
})

describe('edit lists in streams', () => {
  it('keep what a naive reader keeps, across segments and batches', async () => {
    const dataKey = newDataKey()
    const plaintext = FILE.slice(0, 17 * SEGMENT_SIZE + 77)
    const body = seal(dataKey, plaintext)
    const lengths = fc.array(fc.bigInt(0n, BigInt(5 * SEGMENT_SIZE)), { minLength: 1, maxLength: 9 })
    await fc.assert(
      fc.asyncProperty(lengths, chunkings, async (editList, chunks) => {
        const opened = await collect(openStream(chunked(body, ...chunks), openedWith([dataKey], editList)))
        expect(Buffer.compare(opened, naive(plaintext, editList))).toBe(0)
      }),
      { numRuns: 40 },
    )
  })

  it('segments discarded whole are not decrypted, so a fault in one does not matter', async () => {
    const dataKey = newDataKey()
    const body = seal(dataKey, FILE.slice(0, 3 * SEGMENT_SIZE))
    body[ENCRYPTED_SEGMENT_SIZE + 100]! ^= 1
    const around = [0n, 5n, BigInt(2 * SEGMENT_SIZE - 5), 7n]
    const opened = await collect(openStream(chunked(body), openedWith([dataKey], around)))
    expect(opened).toEqual(concat(FILE.slice(0, 5), FILE.slice(2 * SEGMENT_SIZE, 2 * SEGMENT_SIZE + 7)))
    const through = openStream(chunked(body), openedWith([dataKey], [BigInt(SEGMENT_SIZE), 1n]))
    expect((await drain(through)).failure).toMatchObject({ code: 'AUTHENTICATION_FAILED' })
  })

  it('reading stops, and the source is closed, after the last byte that is kept', async () => {
    const [reader] = readers
    const dataKey = newDataKey()
    const header = await sealHeader({ dataKeys: [dataKey], editList: [10n, 20n] }, [reader!.publicKey])
    const segments = seal(dataKey, FILE.slice(0, 16 * SEGMENT_SIZE))
    let given = 0
    let closed = false
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        yield header
        for (;;) {
          given += 1
          yield segments
        }
      } finally {
        closed = true
      }
    }
    expect(await collect(decryptStream(endless(), [reader!]))).toEqual(FILE.slice(10, 30))
    expect([given, closed]).toEqual([1, true])
  })

  it('the source is closed when no identity opens the header', async () => {
    let closed = false
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield await sealHeader({ dataKeys: [newDataKey()] }, [readers[0]!.publicKey])
        yield FILE
      } finally {
        closed = true
      }
    }
    const { failure } = await drain(decryptStream(source(), [readers[1]!]))
    expect(failure).toMatchObject({ code: 'NO_MATCHING_KEY' })
    expect(closed).toBe(true)
  })
})

function seal(dataKey: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const into = new Uint8Array(encryptedBodySize(plaintext.length))
  sealSegments(dataKey, plaintext, into)
  return into
}

function openedWith(dataKeys: Uint8Array[], editList?: bigint[]): Parameters<typeof openStream>[1] {
  return { dataKeys, editList }
}

function naive(stored: Uint8Array, editList: bigint[]): Uint8Array {
  const kept: Uint8Array[] = []
  let position = 0
  for (const [index, length] of editList.entries()) {
    const end = position + Number(length)
    if (index % 2 === 1) kept.push(stored.slice(position, end))
    position = end
  }
  if (editList.length % 2 === 1) kept.push(stored.slice(position))
  return concat(...kept)
}
