import { expect, it } from 'vitest'
import { HEADER_LIMITS } from '../../src/crypto/crypt4gh/format.ts'
import { parseDetachedHeader } from '../../src/crypto/crypt4gh/header.ts'
import { openHeader } from '../../src/crypto/crypt4gh/open-header.ts'
import { sealHeader } from '../../src/crypto/crypt4gh/seal-header.ts'
import { newDataKey } from '../../src/crypto/crypt4gh/segment.ts'
import { generateKeyPair } from '../../src/crypto/keys/key-pair.ts'
import { continuedHeader, hasRoomFor } from '../../src/transfer/upload-header.ts'

it.each([1, 3])('a header for %i takes data keys as long as its readers accept them', async (readerCount) => {
  const readers = await Promise.all(Array.from({ length: readerCount }, () => generateKeyPair()))
  const recipients = readers.map(({ publicKey }) => publicKey)
  const dataKeys = Array.from({ length: HEADER_LIMITS.dataKeys - 1 }, newDataKey)
  const earlier = await sealHeader({ dataKeys }, recipients)
  expect(hasRoomFor(earlier, readerCount)).toBe(true)
  const { bytes, extended } = await continuedHeader(earlier, [], recipients)
  expect(extended).toBe(true)
  for (const reader of readers) {
    const opened = await openHeader(parseDetachedHeader(bytes), [reader])
    expect(opened.dataKeys).toHaveLength(HEADER_LIMITS.dataKeys)
  }
  expect(hasRoomFor(bytes, readerCount)).toBe(false)
})
