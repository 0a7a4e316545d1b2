import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseByteRange, rangeOfStream, rangeWithin } from '../../src/util/byte-range.ts'
import { chunked, collect, plain } from '../crypto/vectors.ts'

describe('START:LENGTH', () => {
  it('is two numbers of bytes, the second of which may be left out', () => {
    expect(parseByteRange('0:1')).toEqual({ offset: 0, length: 1 })
    expect(parseByteRange('65536:')).toEqual({ offset: 65_536, length: undefined })
    expect(parseByteRange('9007199254740990:1')).toEqual({ offset: 9_007_199_254_740_990, length: 1 })
  })

  it.each([
    '',
    ':',
    ':5',
    '5',
    '1-5',
    '-1:5',
    '1:-5',
    '1.5:2',
    '1:2:3',
    ' 1:2',
    '1k:2',
    '9007199254740991:1',
  ])('is not %j', (text) => {
    expect(() => parseByteRange(text)).toThrow(expect.objectContaining({ code: 'INVALID_RANGE' }))
  })
})

describe('a range of a file', () => {
  it('lies within it or is refused', () => {
    fc.assert(
      fc.property(
        fc.nat(50),
        fc.nat(60),
        fc.option(fc.nat(60), { nil: undefined }),
        (size, offset, length) => {
          const fits = offset + (length ?? 0) <= size
          const attempt = (): unknown => rangeWithin({ offset, length }, size)
          if (fits) expect(attempt()).toEqual({ offset, length: length ?? size - offset })
          else expect(attempt).toThrow(expect.objectContaining({ code: 'INVALID_RANGE' }))
        },
      ),
    )
  })

  it('of a stream is the same, in any chunks', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(
        fc.nat(50),
        fc.nat(60),
        fc.option(fc.nat(60), { nil: undefined }),
        sizes,
        async (size, offset, length, chunks) => {
          const bytes = plain(size)
          const attempt = collect(rangeOfStream(chunked(bytes, ...chunks), { offset, length }))
          if (offset + (length ?? 0) <= size) {
            expect(await attempt).toEqual(bytes.slice(offset, offset + (length ?? size)))
          } else {
            await expect(attempt).rejects.toMatchObject({ code: 'INVALID_RANGE' })
          }
        },
      ),
    )
  })
})
