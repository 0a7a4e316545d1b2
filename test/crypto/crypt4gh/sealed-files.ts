/** Crypt4GH files as the writing tools meet them: several data keys, edit lists, every size. */
import fc from 'fast-check'
import { SEGMENT_SIZE } from '../../../src/crypto/crypt4gh/format.ts'
import type { RandomAccessSource } from '../../../src/crypto/crypt4gh/reader.ts'
import { sealHeader } from '../../../src/crypto/crypt4gh/seal-header.ts'
import { newDataKey, sealSegments } from '../../../src/crypto/crypt4gh/segment.ts'
import { encryptedBodySize } from '../../../src/crypto/crypt4gh/sizes.ts'
import type { KeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { concat } from '../vectors.ts'

export interface SealedFile {
  header: Uint8Array
  body: Uint8Array
}

/** Seals the segments in turn under `keyCount` data keys. */
export async function sealedFile(
  stored: Uint8Array,
  readers: readonly KeyPair[],
  keyCount = 1,
  editList?: readonly bigint[],
): Promise<SealedFile> {
  const dataKeys = Array.from({ length: keyCount }, newDataKey)
  const publicKeys = readers.map(({ publicKey }) => publicKey)
  const segments: Uint8Array[] = []
  for (let start = 0; start < stored.length; start += SEGMENT_SIZE) {
    const dataKey = dataKeys[segments.length % keyCount]!
    segments.push(sealed(dataKey, stored.subarray(start, start + SEGMENT_SIZE)))
  }
  return { header: await sealHeader({ dataKeys, editList }, publicKeys), body: concat(...segments) }
}

/** The plaintext as the standard's algorithm gives it, step by step. */
export function edited(stored: Uint8Array, editList: readonly bigint[] | undefined): Uint8Array {
  if (editList === undefined || editList.length === 0) return stored
  const kept: Uint8Array[] = []
  let position = 0
  for (const [index, length] of editList.entries()) {
    const end = Math.min(stored.length, position + Number(length))
    if (index % 2 === 1) kept.push(stored.subarray(position, end))
    position = end
  }
  if (editList.length % 2 === 1) kept.push(stored.subarray(position))
  return concat(...kept)
}

/** A source of these bytes that notes what it was asked for. */
export function notingSource(bytes: Uint8Array): RandomAccessSource & { reads: [number, number][] } {
  const reads: [number, number][] = []
  return {
    size: bytes.length,
    reads,
    readAt: async (offset, length) => {
      reads.push([offset, offset + length])
      return bytes.slice(offset, offset + length)
    },
  }
}

/** Stored sizes around every edge of a file of a few segments. */
export const storedSizes = fc.oneof(
  fc.nat(300),
  fc
    .tuple(fc.nat(5), fc.integer({ min: -2, max: 2 }))
    .map(([segments, offset]) => Math.max(0, segments * SEGMENT_SIZE + offset)),
)

/** Edit lists, or none: zeros, odd ends and lengths past the end included. */
export const editLists = fc.option(
  fc.array(
    fc.oneof(
      fc.bigInt(0n, 30n),
      fc.bigInt(0n, BigInt(2 * SEGMENT_SIZE)),
      fc.constantFrom(0n, BigInt(SEGMENT_SIZE), 2n ** 64n - 1n),
    ),
    { maxLength: 7 },
  ),
  { nil: undefined },
)

/** A range as two fractions, to be laid over a size that is known later. */
export const fractions = fc.tuple(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.double({ min: 0, max: 1, noNaN: true }),
)

/** The range of a file of `size` bytes that two fractions stand for. */
export function rangeOf([start, end]: readonly [number, number], size: number): [number, number] {
  const offset = Math.floor(Math.min(start, end) * size)
  return [offset, Math.floor(Math.max(start, end) * size) - offset]
}

function sealed(dataKey: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const segment = new Uint8Array(encryptedBodySize(plaintext.length))
  sealSegments(dataKey, plaintext, segment)
  return segment
}
