import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { encryptStream } from '../../../src/crypto/crypt4gh/crypt4gh.ts'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../../../src/crypto/crypt4gh/format.ts'
import { openReader } from '../../../src/crypto/crypt4gh/reader.ts'
import { generateKeyPair } from '../../../src/crypto/keys/key-pair.ts'
import type { KeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { chunked, collect, concat, identityOf, index, plain, readVector, sha256 } from '../vectors.ts'
import {
  edited,
  editLists,
  fractions,
  notingSource,
  rangeOf,
  sealedFile,
  storedSizes,
} from './sealed-files.ts'

const STORED = plain(6 * SEGMENT_SIZE)

let alice: KeyPair
beforeAll(async () => {
  alice = await generateKeyPair()
})

describe('random access', () => {
  it('gives what a naive reader gives, at any range, through any edit list, with several data keys', async () => {
    await fc.assert(
      fc.asyncProperty(
        storedSizes,
        editLists,
        fc.integer({ min: 1, max: 3 }),
        fc.array(fractions, { minLength: 1, maxLength: 4 }),
        async (size, editList, keyCount, ranges) => {
          const stored = STORED.subarray(0, size)
          const { header, body } = await sealedFile(stored, [alice], keyCount, editList)
          const expected = edited(stored, editList)
          const reader = await openReader(notingSource(concat(header, body)), [alice])
          expect(reader.size).toBe(expected.length)
          for (const range of ranges) {
            const [offset, length] = rangeOf(range, expected.length)
            const wanted = expected.slice(offset, offset + length)
            expect(Buffer.compare(await reader.readAt(offset, length), wanted)).toBe(0)
            expect(Buffer.compare(await collect(reader.stream(offset, length)), wanted)).toBe(0)
            const rest = await collect(reader.stream(offset))
            expect(Buffer.compare(rest, expected.slice(offset))).toBe(0)
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  it('reads no byte of a segment it does not need, and none twice', async () => {
    await fc.assert(
      fc.asyncProperty(storedSizes, editLists, fractions, async (size, editList, range) => {
        const stored = STORED.subarray(0, size)
        const { header, body } = await sealedFile(stored, [alice], 1, editList)
        const positions = Uint32Array.from({ length: size }, (_, position) => position)
        const kept = editedPositions(positions, editList)
        const [offset, length] = rangeOf(range, kept.length)
        const needed = new Set(
          Array.from(kept.subarray(offset, offset + length), (at) => Math.floor(at / SEGMENT_SIZE)),
        )
        const source = notingSource(body)
        const reader = await openReader(source, [alice], { header })
        expect(source.reads).toEqual([])
        await reader.readAt(offset, length)
        const read = source.reads.flatMap(([start, end]) => {
          expect(start % ENCRYPTED_SEGMENT_SIZE).toBe(0)
          const first = start / ENCRYPTED_SEGMENT_SIZE
          return Array.from({ length: Math.ceil(end / ENCRYPTED_SEGMENT_SIZE) - first }, (_, n) => first + n)
        })
        expect(read).toEqual([...needed])
      }),
      { numRuns: 100 },
    )
  })

  it('asks for a header of 50 recipients in few reads, and for nothing else of a long file', async () => {
    const readers = await Promise.all(Array.from({ length: 50 }, generateKeyPair))
    const { header, body } = await sealedFile(STORED, readers)
    const source = notingSource(concat(header, body))
    const reader = await openReader(source, [readers[49]!])
    expect(source.reads).toEqual([
      [0, 4096],
      [0, 8192],
    ])
    expect(reader.size).toBe(STORED.length)
  })

  it('opens a segment once that an edit list cuts into thousands of pieces', async () => {
    const editList = Array.from({ length: 20_000 }, () => 1n)
    const { header, body } = await sealedFile(STORED.subarray(0, SEGMENT_SIZE), [alice], 1, editList)
    const source = notingSource(body)
    const reader = await openReader(source, [alice], { header })
    const bytes = await reader.readAt(0, 10_000)
    expect(Buffer.compare(bytes, edited(STORED, editList))).toBe(0)
    expect(source.reads).toHaveLength(1)
  })

  it('keeps runs at 1 MiB however long the range is', async () => {
    const stored = plain(40 * SEGMENT_SIZE)
    const { header, body } = await sealedFile(stored, [alice])
    const source = notingSource(body)
    const reader = await openReader(source, [alice], { header })
    expect(Buffer.compare(await reader.readAt(0, stored.length), stored)).toBe(0)
    expect(source.reads.map(([start, end]) => (end - start) / ENCRYPTED_SEGMENT_SIZE)).toEqual([16, 16, 8])
  })

  it('refuses a range beyond the end, and gives nothing at the end itself', async () => {
    const { header, body } = await sealedFile(STORED.subarray(0, 100), [alice])
    const reader = await openReader(notingSource(concat(header, body)), [alice])
    expect(await reader.readAt(100, 0)).toHaveLength(0)
    for (const [offset, length] of [
      [100, 1],
      [0, 101],
      [101, 0],
    ] as const) {
      await expect(reader.readAt(offset, length)).rejects.toMatchObject({ code: 'INVALID_RANGE' })
    }
    await expect(collect(reader.stream(101))).rejects.toMatchObject({ code: 'INVALID_RANGE' })
    await expect(reader.readAt(-1, 5)).rejects.toBeInstanceOf(RangeError)
  })

  it('opens both forms of the empty file', async () => {
    const { header } = await sealedFile(new Uint8Array(), [alice])
    const dataKeyFile = await collect(encryptStream(chunked(new Uint8Array()), [alice.publicKey]))
    for (const file of [header, dataKeyFile, readVector('files/go-size-0.c4gh')]) {
      const reader = await openReader(notingSource(file), [alice, await identityOf('alice')])
      expect(reader.size).toBe(0)
      expect(await reader.readAt(0, 0)).toHaveLength(0)
    }
  })
})

describe('what random access refuses', () => {
  it('a damaged segment, but only to those who need it', async () => {
    const { header, body } = await sealedFile(STORED, [alice])
    body[2 * ENCRYPTED_SEGMENT_SIZE + 50]! ^= 1
    const reader = await openReader(notingSource(concat(header, body)), [alice])
    expect(await reader.readAt(SEGMENT_SIZE, SEGMENT_SIZE)).toHaveLength(SEGMENT_SIZE)
    await expect(reader.readAt(2 * SEGMENT_SIZE - 1, 2)).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      message: expect.stringContaining('segment 2 ') as string,
    })
  })

  it('a source that gives fewer bytes than it has', async () => {
    const { header, body } = await sealedFile(STORED, [alice])
    const source = { size: body.length, readAt: async () => new Uint8Array(5) }
    const reader = await openReader(source, [alice], { header })
    await expect(reader.readAt(0, 10)).rejects.toMatchObject({ code: 'INTEGRITY' })
  })

  it('a detached header that is cut short or followed by anything, and a file that is cut in its header', async () => {
    const { header, body } = await sealedFile(STORED.subarray(0, 10), [alice])
    const source = notingSource(body)
    for (const detached of [header.slice(0, -1), concat(header, body)]) {
      await expect(openReader(source, [alice], { header: detached })).rejects.toMatchObject({
        code: 'INVALID_HEADER',
      })
    }
    await expect(openReader(notingSource(header.slice(0, -1)), [alice])).rejects.toMatchObject({
      code: 'INVALID_HEADER',
    })
  })
})

describe('the vectors, read at random', () => {
  for (const vector of index.vectors.filter(({ size }) => size < 1024 ** 2)) {
    it(`${vector.name}: ${vector.expected}`, async () => {
      const bytes = readVector(vector.file)
      for (const name of vector.reader) {
        const identity = await identityOf(name)
        const read = async (): Promise<Uint8Array> => {
          const reader = await openReader(notingSource(bytes), [identity])
          const last = await reader.readAt(Math.max(0, reader.size - 7), Math.min(7, reader.size))
          const first = await reader.readAt(0, Math.max(0, reader.size - 7))
          return concat(first, last)
        }
        if (vector.expected === 'reject') {
          await expect(read()).rejects.toMatchObject({ name: 'AppError' })
        } else {
          const plaintext = await read()
          expect([plaintext.length, sha256(plaintext)]).toEqual([
            vector.plaintext_len,
            vector.plaintext_sha256,
          ])
        }
      }
    })
  }
})

function editedPositions(positions: Uint32Array, editList: readonly bigint[] | undefined): Uint32Array {
  const bytes = edited(
    new Uint8Array(positions.buffer),
    editList?.map((length) => length * 4n),
  )
  return new Uint32Array(bytes.slice().buffer)
}
