import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HEADER_LIMITS, MAGIC_NUMBER } from '../../../src/crypto/crypt4gh/format.ts'
import {
  headerPacket,
  looksLikeCrypt4gh,
  parseHeader,
  readHeader,
  serializeHeader,
} from '../../../src/crypto/crypt4gh/header.ts'
import type { Header } from '../../../src/crypto/crypt4gh/header.ts'
import { openHeader } from '../../../src/crypto/crypt4gh/open-header.ts'
import { sealHeader } from '../../../src/crypto/crypt4gh/seal-header.ts'
import { newDataKey } from '../../../src/crypto/crypt4gh/segment.ts'
import { generateKeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { AppError } from '../../../src/util/errors.ts'
import { chunked, collect, concat, identityOf, index, readVector } from '../vectors.ts'

const packets = fc.array(
  fc.tuple(fc.nat(3), fc.uint8Array({ maxLength: 130 })).map(([method, body]) => headerPacket(method, body)),
  { maxLength: 6 },
)

describe('parsing', () => {
  it('gives back what was serialized, whatever follows it', () => {
    fc.assert(
      fc.property(packets, fc.uint8Array(), (written, body) => {
        const bytes = serializeHeader(written)
        expect(parseHeader(concat(bytes, body))).toEqual({ packets: written, length: bytes.length })
      }),
    )
  })

  it('whatever parses serializes to the very same bytes', () => {
    for (const { file } of index.vectors) {
      const bytes = readVector(file)
      const header = tryParse(bytes)
      if (header === undefined) continue
      expect(serializeHeader(header.packets)).toEqual(bytes.slice(0, header.length))
    }
  })

  it('asks for more bytes than it has, never for more than the header has, and so comes to an end', () => {
    fc.assert(
      fc.property(packets, (written) => {
        const bytes = serializeHeader(written)
        let size = 0
        let rounds = 0
        for (let header = parseHeader(new Uint8Array(0)); 'needed' in header; rounds += 1) {
          expect(header.needed).toBeGreaterThan(size)
          expect(header.needed).toBeLessThanOrEqual(bytes.length)
          size = header.needed
          header = parseHeader(bytes.subarray(0, size))
        }
        expect(size).toBe(bytes.length)
        expect(rounds).toBeLessThanOrEqual(2 + written.length * 2)
      }),
    )
  })

  it('sees from the first wrong byte that a file is not Crypt4GH', () => {
    expect(() => parseHeader(new TextEncoder().encode('cr'))).not.toThrow()
    expect(() => parseHeader(new TextEncoder().encode('cx'))).toThrow('this is not a Crypt4GH file')
    expect(looksLikeCrypt4gh(MAGIC_NUMBER)).toBe(true)
    expect(looksLikeCrypt4gh(MAGIC_NUMBER.subarray(0, 7))).toBe(false)
    expect(looksLikeCrypt4gh(new TextEncoder().encode('@SEQ_ID crypt4gh'))).toBe(false)
  })
})

describe('limits', () => {
  it.each([
    ['4097 packets', prefix(HEADER_LIMITS.packetCount + 1), 'claims 4097 packets'],
    ['4 294 967 295 packets', prefix(0xffff_ffff), 'claims 4294967295 packets'],
    ['a packet of 1 MiB and a byte', prefix(1, HEADER_LIMITS.packetLength + 1), 'claims 1048577 bytes'],
    ['a packet of 4 GiB', prefix(1, 0xffff_ffff), 'claims 4294967295 bytes'],
    ['a packet of 7 bytes', prefix(1, 7), 'claims 7 bytes'],
  ])('%s are refused before they are read', (_, bytes, message) => {
    expect(() => parseHeader(bytes)).toThrow(message)
    expect(() => parseHeader(bytes)).toThrow(expect.objectContaining({ code: 'INVALID_HEADER' }) as Error)
  })

  it('packets that are each small enough are refused when they exceed 16 MiB together', () => {
    const large = headerPacket(1, new Uint8Array(HEADER_LIMITS.packetLength - 8))
    const sixteen = Array.from({ length: 16 }, () => large)
    expect(() => serializeHeader(sixteen)).toThrow('at most 16777216 are read')
    const fifteen = serializeHeader(sixteen.slice(0, 15))
    new DataView(fifteen.buffer).setUint32(12, 16, true)
    expect(() => parseHeader(concat(fifteen, prefix(0, HEADER_LIMITS.packetLength).subarray(16)))).toThrow(
      'at most 16777216 are read',
    )
  })

  it('4096 packets, the most there may be, are read', () => {
    const bytes = serializeHeader(Array.from({ length: 4096 }, () => headerPacket(9, new Uint8Array(0))))
    expect((parseHeader(bytes) as Header).packets).toHaveLength(4096)
  })
})

describe('reading from a stream', () => {
  it('hands on what follows, wherever the chunks are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        packets,
        fc.uint8Array({ maxLength: 300 }),
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 }),
        async (written, body, sizes) => {
          const bytes = serializeHeader(written)
          const read = await readHeader(chunked(concat(bytes, body), ...sizes))
          expect(read.header.packets).toEqual(written)
          expect(read.bytes).toEqual(bytes)
          expect(await collect(read.rest)).toEqual(body)
        },
      ),
    )
  })

  it('does not wait for more than the header', async () => {
    const bytes = serializeHeader([headerPacket(0, new Uint8Array(100))])
    async function* stalled(): AsyncGenerator<Uint8Array> {
      yield bytes
      await new Promise(() => undefined)
    }
    expect((await readHeader(stalled())).header.length).toBe(bytes.length)
  })

  it.each([0, 5, 8, 15, 30, 123])('a file of %i bytes that ends too early is refused', async (size) => {
    const bytes = serializeHeader([headerPacket(0, new Uint8Array(100))])
    const code = size < 8 ? 'NOT_CRYPT4GH' : 'INVALID_HEADER'
    await expect(readHeader(chunked(bytes.slice(0, size), 4))).rejects.toMatchObject({ code })
  })

  it('closes the source on refusal, when the rest is left, and when asked to', async () => {
    let closed = 0
    async function* source(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield bytes
      } finally {
        closed += 1
      }
    }
    const bytes = serializeHeader([])
    await expect(readHeader(source(new Uint8Array(20)))).rejects.toThrow('not a Crypt4GH file')
    expect(closed).toBe(1)
    for await (const chunk of (await readHeader(source(bytes))).rest) if (chunk.length > 0) break
    expect(closed).toBe(2)
    await (await readHeader(source(bytes))).close()
    expect(closed).toBe(3)
  })
})

describe('whatever bytes come', () => {
  it('a header is read or refused with an AppError, never anything else', async () => {
    const identities = [await identityOf('alice')]
    const valid = index.vectors.map(({ file }) => readVector(file).slice(0, 600))
    const mutated = fc
      .tuple(fc.constantFrom(...valid), fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 5 }))
      .map(([bytes, changes]) => {
        const copy = bytes.slice()
        for (const [at, value] of changes) if (at < copy.length) copy[at] = value
        return copy
      })
    const junk = fc.uint8Array({ maxLength: 200 }).map((tail) => concat(prefix(2), tail))
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, junk), async (bytes) => {
        try {
          const { header } = await readHeader(chunked(bytes, 50))
          await openHeader(header, identities)
        } catch (error) {
          expect(error).toBeInstanceOf(AppError)
        }
      }),
      { numRuns: 1500 },
    )
  })
})

function prefix(packetCount: number, packetLength?: number): Uint8Array {
  const bytes = new Uint8Array(packetLength === undefined ? 16 : 24)
  const view = new DataView(bytes.buffer)
  bytes.set(MAGIC_NUMBER)
  view.setUint32(8, 1, true)
  view.setUint32(12, packetCount, true)
  if (packetLength !== undefined) view.setUint32(16, packetLength, true)
  return bytes
}

function tryParse(bytes: Uint8Array): Header | undefined {
  try {
    const header = parseHeader(bytes)
    return 'packets' in header ? header : undefined
  } catch {
    return undefined
  }
}

it('packets are copies, whatever kind of array they came in', async () => {
  const { publicKey } = await generateKeyPair()
  const bytes = Buffer.from(await sealHeader({ dataKeys: [newDataKey()] }, [publicKey]))
  const before = Uint8Array.from(bytes)
  const header = parseHeader(bytes)
  bytes.fill(0)
  expect('packets' in header && serializeHeader(header.packets)).toEqual(before)
})
