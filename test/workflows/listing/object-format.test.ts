import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encryptedBodySize } from '../../../src/crypto/crypt4gh/sizes.ts'
import {
  formatByName,
  formatWithoutHeader,
  headerKeysOf,
  plaintextSizeOf,
} from '../../../src/workflows/listing/object-format.ts'
import { withNeighbours } from '../../../src/workflows/listing/header-nearby.ts'
import type { ObjectEntry } from '../../../src/storage/object-store.ts'

describe('what name and size tell alone', () => {
  it.each([
    ['run_12/', 0, 'folder'],
    ['run_12/', 1, 'other'],
    ['keys/animine.pub', 120, 'key'],
    ['keys/animine.pub', 64 * 1024 + 1, undefined],
    ['keys/animine.pub.c4gh', 500, undefined],
    ['run_12/keys/animine.pub', 120, 'other'],
    ['empty.c4gh', 0, 'other'],
    ['short.c4gh', 123, 'other'],
    ['reads.c4gh', 124, undefined],
    ['short.body', 100, 'headerless?'],
    ['short.body', 27, 'other'],
  ])('%s of %i bytes: %s', (objectKey, size, format) => {
    expect(formatByName({ objectKey, size }, false)).toBe(format)
  })
})

describe('an object without a header', () => {
  const size = encryptedBodySize(100_000)

  it.each([
    ['reads.bam', size, false, 'other'],
    ['reads.bam', size, true, 'headerless?'],
    ['reads.body', size, false, 'headerless?'],
    ['reads.body', 65_564 + 27, true, 'other'],
  ])('%s of %i bytes, a header beside it: %s', (objectKey, bytes, headerNearby, format) => {
    expect(formatWithoutHeader({ objectKey, size: bytes }, headerNearby)).toBe(format)
  })

  it('has a size that some plaintext gives, or none', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 40 }), (plaintextSize) => {
        expect(plaintextSizeOf(encryptedBodySize(plaintextSize))).toBe(plaintextSize)
      }),
    )
    expect(plaintextSizeOf(27)).toBeUndefined()
  })
})

describe('the header beside a body', () => {
  it.each([
    ['a/reads.body', ['a/reads.body.header', 'a/reads.header']],
    ['a.b/reads', ['a.b/reads.header']],
    ['.hidden', ['.hidden.header']],
    ['reads.header', ['reads.header.header']],
  ])('of %s is %j', (objectKey, keys) => {
    expect(headerKeysOf(objectKey)).toEqual(keys)
  })

  it('is found among the next entries, all of which come in their order', async () => {
    const keys = [
      'a.body',
      'a.c4gh',
      'a.header',
      'b',
      ...Array.from({ length: 40 }, (_, n) => `b-${n}`),
      'b.header',
      'c',
      'c.header',
    ]
    async function* entries(): AsyncGenerator<ObjectEntry> {
      for (const objectKey of keys)
        yield { objectKey, size: 0, etag: '', lastModified: undefined, ownerId: undefined }
    }
    const found: [string, boolean][] = []
    for await (const { entry, headerNearby } of withNeighbours(entries()))
      found.push([entry.objectKey, headerNearby])
    expect(found.map(([key]) => key)).toEqual(keys)
    expect(found.filter(([, nearby]) => nearby).map(([key]) => key)).toEqual(['a.body', 'a.c4gh', 'c'])
  })
})
