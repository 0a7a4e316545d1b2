import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../../../src/crypto/crypt4gh/format.ts'
import { sealHeader } from '../../../src/crypto/crypt4gh/seal-header.ts'
import { newDataKey } from '../../../src/crypto/crypt4gh/segment.ts'
import { encryptedBodySize, plaintextBodySize, sealedHeaderSize } from '../../../src/crypto/crypt4gh/sizes.ts'
import { generateKeyPair } from '../../../src/crypto/keys/key-pair.ts'

const GIB = 2 ** 30

describe('sizes are arithmetic', () => {
  it.each([
    [0, 0],
    [1, 29],
    [65_535, 65_563],
    [65_536, 65_564],
    [65_537, 65_593],
    [131_072, 131_128],
    [5 * 1024 * GIB, 83_886_080 * 65_564],
  ])('%i plaintext bytes are %i encrypted ones', (plaintextSize, encryptedSize) => {
    expect(encryptedBodySize(plaintextSize)).toBe(encryptedSize)
    expect(plaintextBodySize(encryptedSize)).toBe(plaintextSize)
  })

  it('the two directions undo each other, to far beyond any object store', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 52 }), (size) => {
        expect(plaintextBodySize(encryptedBodySize(size))).toBe(size)
      }),
    )
  })

  it('an encrypted size is refused exactly when its tail is too short for a segment', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(ENCRYPTED_SEGMENT_SIZE - 1), (segments, tail) => {
        const size = segments * ENCRYPTED_SEGMENT_SIZE + tail
        if (tail > 0 && tail < 28) {
          expect(() => plaintextBodySize(size)).toThrow(`its last ${tail} bytes are not a segment`)
        } else {
          expect(plaintextBodySize(size)).toBe(segments * SEGMENT_SIZE + Math.max(0, tail - 28))
        }
      }),
    )
  })

  it.each([1, 27, 65_564 + 1, 65_564 + 27])('no plaintext has %i encrypted bytes', (size) => {
    expect(() => plaintextBodySize(size)).toThrow(
      expect.objectContaining({ code: 'AUTHENTICATION_FAILED' }) as Error,
    )
  })

  it('the other form of an empty file, one segment of nothing, has no plaintext', () => {
    expect(plaintextBodySize(28)).toBe(0)
    expect(plaintextBodySize(ENCRYPTED_SEGMENT_SIZE + 28)).toBe(SEGMENT_SIZE)
  })

  it.each([-1, 0.5, NaN, Infinity, 2 ** 53])('%d is no size', (size) => {
    expect(() => encryptedBodySize(size)).toThrow(RangeError)
    expect(() => plaintextBodySize(size)).toThrow(RangeError)
  })

  it('a header is as long as announced', async () => {
    const recipients = await Promise.all([1, 2, 3].map(async () => (await generateKeyPair()).publicKey))
    for (const count of [1, 2, 3]) {
      const one = await sealHeader({ dataKeys: [newDataKey()] }, recipients.slice(0, count))
      const two = await sealHeader({ dataKeys: [newDataKey(), newDataKey()] }, recipients.slice(0, count))
      expect(one).toHaveLength(sealedHeaderSize(count))
      expect(two).toHaveLength(sealedHeaderSize(count, 2))
    }
    expect(sealedHeaderSize(1)).toBe(124)
  })
})
