import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { decryptStream } from '../../../src/crypto/crypt4gh/crypt4gh.ts'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../../../src/crypto/crypt4gh/format.ts'
import { parseHeader } from '../../../src/crypto/crypt4gh/header.ts'
import { openHeader } from '../../../src/crypto/crypt4gh/open-header.ts'
import { planRearrangement, rearrangeStream } from '../../../src/crypto/crypt4gh/rearrange.ts'
import { generateKeyPair } from '../../../src/crypto/keys/key-pair.ts'
import type { KeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { chunked, collect, concat, drain, hex, plain } from '../vectors.ts'
import { edited, editLists, fractions, rangeOf, sealedFile, storedSizes } from './sealed-files.ts'

const STORED = plain(6 * SEGMENT_SIZE)

let alice: KeyPair
let bob: KeyPair
beforeAll(async () => {
  alice = await generateKeyPair()
  bob = await generateKeyPair()
})

describe('a rearranged file', () => {
  it('gives the range to its recipient and holds no segment without a byte of it', async () => {
    await fc.assert(
      fc.asyncProperty(
        storedSizes,
        editLists,
        fc.integer({ min: 1, max: 2 }),
        fractions,
        fc.boolean(),
        async (size, editList, keyCount, range, toTheEnd) => {
          const stored = STORED.subarray(0, size)
          const { header, body } = await sealedFile(stored, [alice], keyCount, editList)
          const visible = edited(stored, editList)
          const [offset, length] = rangeOf(range, visible.length)
          const wanted = toTheEnd ? visible.slice(offset) : visible.slice(offset, offset + length)

          const file = await rearranged(concat(header, body), {
            offset,
            length: toTheEnd ? undefined : length,
            exact: true,
          })
          const opened = await collect(decryptStream(chunked(file, 70_000), [bob]))
          expect(Buffer.compare(opened, wanted)).toBe(0)

          const needed = neededSegments(size, editList, offset, wanted.length)
          expect(segmentsOf(bodyOf(file))).toEqual(needed.map((number) => segmentsOf(body)[number]))
        },
      ),
      { numRuns: 200 },
    )
  })

  it('can be rearranged again', async () => {
    await fc.assert(
      fc.asyncProperty(
        storedSizes,
        editLists,
        fractions,
        fractions,
        async (size, editList, first, second) => {
          const stored = STORED.subarray(0, size)
          const { header, body } = await sealedFile(stored, [alice], 1, editList)
          const visible = edited(stored, editList)
          const [offset, length] = rangeOf(first, visible.length)
          const once = await rearranged(concat(header, body), { offset, length }, [alice.publicKey])
          const [again, less] = rangeOf(second, length)
          const twice = await rearranged(once, { offset: again, length: less })
          const wanted = visible.slice(offset + again, offset + again + less)
          expect(Buffer.compare(await collect(decryptStream(chunked(twice), [bob])), wanted)).toBe(0)
        },
      ),
      { numRuns: 100 },
    )
  })

  it('is for the identities that open it when nobody is named', async () => {
    const { header, body } = await sealedFile(STORED, [alice])
    const file = concat(header, body)
    const own = await collect(rearrangeStream(chunked(file), [bob, alice], [], { offset: 5, length: 10 }))
    expect(parsed(own).packets).toHaveLength(2)
    expect(await collect(decryptStream(chunked(own), [alice]))).toEqual(STORED.slice(5, 15))
  })

  it('has no edit list when its segments are kept whole', async () => {
    const { header, body } = await sealedFile(STORED, [alice])
    const file = await rearranged(concat(header, body), { offset: 2 * SEGMENT_SIZE, length: undefined })
    const { editList } = await openHeader(parsed(file), [bob])
    expect(editList).toBeUndefined()
    expect(bodyOf(file)).toHaveLength(4 * ENCRYPTED_SEGMENT_SIZE)
  })

  it('names its sender', async () => {
    const { header, body } = await sealedFile(STORED.subarray(0, 99), [alice])
    const file = concat(header, body)
    const range = { offset: 1n, length: 3 }
    const sent = await collect(rearrangeStream(chunked(file), [alice], [bob.publicKey], range, alice))
    const { senders } = await openHeader(parsed(sent), [bob])
    expect(senders.map(hex)).toEqual([hex(alice.publicKey)])
  })
})

describe('a range beyond the end', () => {
  it('keeps what there is of it, unless it must be exact', async () => {
    const { header, body } = await sealedFile(STORED.subarray(0, SEGMENT_SIZE + 10), [alice])
    const file = concat(header, body)
    const kept = await rearranged(file, { offset: SEGMENT_SIZE, length: 11 })
    const opened = await collect(decryptStream(chunked(kept), [bob]))
    expect(opened).toEqual(STORED.slice(SEGMENT_SIZE, SEGMENT_SIZE + 10))
    await expect(rearranged(file, { offset: SEGMENT_SIZE, length: 11, exact: true })).rejects.toMatchObject({
      code: 'INVALID_RANGE',
      message: expect.stringContaining(`${SEGMENT_SIZE + 10} bytes`) as string,
    })
  })

  it('that starts there is an error, also behind an edit list and for numbers of 64 bits', async () => {
    const whole = await sealedFile(STORED.subarray(0, 1000), [alice])
    const listed = await sealedFile(STORED.subarray(0, 1000), [alice], 1, [100n, 50n])
    for (const [{ header, body }, offset, size] of [
      [whole, 1001, 1000],
      [whole, 2n ** 64n - 1n, 1000],
      [listed, 51, 50],
    ] as const) {
      for (const length of [undefined, 5]) {
        await expect(rearranged(concat(header, body), { offset, length })).rejects.toMatchObject({
          code: 'INVALID_RANGE',
          message: expect.stringContaining(`${size} bytes`) as string,
        })
      }
    }
    const { header, body } = whole
    const empty = await rearranged(concat(header, body), { offset: 1000, length: undefined })
    expect(await collect(decryptStream(chunked(empty), [bob]))).toHaveLength(0)
  })
})

describe('what rearranging refuses', () => {
  it('a damaged segment that it would take over, but not one that it leaves out', async () => {
    const { header, body } = await sealedFile(STORED, [alice])
    body[ENCRYPTED_SEGMENT_SIZE + 5]! ^= 1
    const file = concat(header, body)
    await expect(rearranged(file, { offset: SEGMENT_SIZE, length: 1 })).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
    })
    expect(await rearranged(file, { offset: 0, length: SEGMENT_SIZE })).not.toHaveLength(0)
  })

  it('a file that was cut within the nonce or MAC of a segment, when its end is wanted', async () => {
    const { header, body } = await sealedFile(STORED.subarray(0, SEGMENT_SIZE + 50), [alice])
    for (const tail of [1, 27, 28, 60]) {
      const file = concat(header, body.slice(0, ENCRYPTED_SEGMENT_SIZE + tail))
      const expected = tail === 28 ? 'INVALID_RANGE' : 'AUTHENTICATION_FAILED'
      const offset = tail === 28 ? SEGMENT_SIZE + 1 : 10
      await expect(rearranged(file, { offset, length: undefined }), `${tail}`).rejects.toMatchObject({
        code: expected,
      })
    }
  })

  it('a file that none of our identities opens', async () => {
    const { header, body } = await sealedFile(STORED.subarray(0, 10), [bob])
    await expect(rearranged(concat(header, body), { offset: 0, length: 1 })).rejects.toMatchObject({
      code: 'NO_MATCHING_KEY',
    })
  })

  it('and it stops reading after the last segment it needs', async () => {
    const { header, body } = await sealedFile(STORED, [alice])
    let given = 0
    async function* source(): AsyncGenerator<Uint8Array> {
      for await (const chunk of chunked(concat(header, body), 1000)) {
        given += chunk.length
        yield chunk
      }
    }
    await drain(rearrangeStream(source(), [alice], [], { offset: 10, length: 10 }))
    expect(given).toBeLessThan(ENCRYPTED_SEGMENT_SIZE + 2000)
  })
})

describe('the plan', () => {
  it('of the example in the standard gives its edit list', () => {
    const plan = planRearrangement([
      { start: 0, end: 7853 },
      { start: 145_110, end: 453_039 },
      { start: 5_485_074, end: 5_485_112 },
    ])
    expect(plan.editList).toEqual([0n, 7853n, 71_721n, 307_929n, 51_299n, 38n])
    expect(plan.segments).toEqual([
      { start: 0, end: 1 },
      { start: 2, end: 7 },
      { start: 83, end: 84 },
    ])
  })
})

async function rearranged(
  file: Uint8Array,
  range: Parameters<typeof rearrangeStream>[3],
  recipients = [bob.publicKey],
): Promise<Uint8Array> {
  return collect(rearrangeStream(chunked(file, 50_000), [alice], recipients, range))
}

/** Found byte by byte: the segments in which the edited bytes of a range are stored. */
function neededSegments(
  size: number,
  editList: readonly bigint[] | undefined,
  offset: number,
  length: number,
): number[] {
  const numbers = Uint8Array.from({ length: size }, (_, at) => Math.floor(at / SEGMENT_SIZE))
  return [...new Set(edited(numbers, editList).subarray(offset, offset + length))]
}

function parsed(file: Uint8Array) {
  const header = parseHeader(file)
  if (!('packets' in header)) throw new TypeError('the header is cut short')
  return header
}

function bodyOf(file: Uint8Array): Uint8Array {
  return file.slice(parsed(file).length)
}

function segmentsOf(body: Uint8Array): string[] {
  const segments: string[] = []
  for (let at = 0; at < body.length; at += ENCRYPTED_SEGMENT_SIZE) {
    segments.push(hex(body.slice(at, Math.min(body.length, at + 40))))
  }
  return segments
}
