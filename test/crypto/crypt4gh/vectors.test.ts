import { describe, expect, it } from 'vitest'
import { decryptStream } from '../../../src/crypto/crypt4gh/crypt4gh.ts'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../../../src/crypto/crypt4gh/format.ts'
import { parseHeader } from '../../../src/crypto/crypt4gh/header.ts'
import { openHeader } from '../../../src/crypto/crypt4gh/open-header.ts'
import { openSegments } from '../../../src/crypto/crypt4gh/segment.ts'
import { plaintextBodySize } from '../../../src/crypto/crypt4gh/sizes.ts'
import type { KeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { AppError } from '../../../src/util/errors.ts'
import { REFUSALS } from '../refusals.ts'
import { chunked, drain, identityOf, index, readVector, sha256 } from '../vectors.ts'
import type { Vector } from '../vectors.ts'

const CHUNKINGS: Record<string, number[]> = {
  'in one piece': [],
  'in odd chunks': [1, 7, 100, 65_563, 3, 65_564, 13, 131_071, 4096],
  'in chunks of one segment and one byte': [65_565],
}
const SMALL = 2500

const accepted = index.vectors.filter(({ expected }) => expected !== 'reject')
const rejected = index.vectors.filter(({ expected }) => expected === 'reject')

describe('every vector gets its verdict', () => {
  it('and the two lists cover the index', () => {
    expect(index.vectors).toHaveLength(61)
    expect(rejected.map(({ name }) => name).sort()).toEqual(Object.keys(REFUSALS).sort())
  })

  describe.each(accepted)('$name is read', (vector) => {
    it.each(chunkingsOf(vector))('%s', async (_, sizes) => {
      for (const reader of vector.reader) {
        const { bytes, failure } = await decrypt(vector, sizes, [await identityOf(reader)])
        expect(failure).toBeUndefined()
        expect(bytes).toHaveLength(vector.plaintext_len!)
        expect(sha256(bytes)).toBe(vector.plaintext_sha256)
      }
    })
  })

  describe.each(rejected)('$name is refused', (vector) => {
    it.each(chunkingsOf(vector))('%s', async (_, sizes) => {
      const { bytes, failure } = await decrypt(vector, sizes, [await identityOf(vector.reader[0]!)])
      expect(failure).toBeInstanceOf(AppError)
      expect([(failure as AppError).code, bytes.length]).toEqual(REFUSALS[vector.name])
    })
  })
})

describe('every vector without an edit list is read by ranges', () => {
  const edited = ({ name, edit_list }: Vector) => edit_list !== undefined || name.startsWith('py-rearrange')
  it.each(accepted.filter((vector) => !edited(vector)))('$name', async (vector) => {
    const file = readVector(vector.file)
    const header = parseHeader(file)
    if (!('packets' in header)) throw new Error('the header is not whole')
    const { dataKeys, editList } = await openHeader(header, [await identityOf(vector.reader[0]!)])
    expect(editList).toBeUndefined()
    const body = file.subarray(header.length)
    const segments = Math.ceil(body.length / ENCRYPTED_SEGMENT_SIZE)
    const plaintext = new Uint8Array(plaintextBodySize(body.length))
    // Backwards, by one, two, three … segments: no range may depend on one before.
    for (let end = segments, count = 1; end > 0; end -= count, count += 1) {
      const first = Math.max(0, end - count)
      const range = body.subarray(first * ENCRYPTED_SEGMENT_SIZE, end * ENCRYPTED_SEGMENT_SIZE)
      const into = plaintext.subarray(first * SEGMENT_SIZE)
      expect(openSegments(dataKeys, range, into, first)).toBe(plaintextBodySize(range.length))
    }
    expect(sha256(plaintext)).toBe(vector.plaintext_sha256)
  })
})

function chunkingsOf(vector: Vector): [string, number[]][] {
  return Object.entries({ ...CHUNKINGS, ...(vector.size <= SMALL ? { 'byte by byte': [1] } : {}) })
}

function decrypt(vector: Vector, sizes: number[], identities: KeyPair[]): ReturnType<typeof drain> {
  return drain(decryptStream(chunked(readVector(vector.file), ...sizes), identities))
}
