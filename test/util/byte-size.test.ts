import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatByteSize, parseByteSize } from '../../src/util/byte-size.ts'

describe('sizes as people write them', () => {
  it.each([
    ['8MiB', 8 * 1024 ** 2],
    ['8m', 8 * 1024 ** 2],
    ['8 MB', 8_000_000],
    ['1.5GiB', 1.5 * 1024 ** 3],
    ['64k', 65_536],
    ['1000000', 1_000_000],
    ['3B', 3],
    ['5TiB', 5 * 1024 ** 4],
  ])('%s', (text, size) => {
    expect(parseByteSize(text)).toBe(size)
  })

  it.each(['', '0', '-1', '0.0001k', '8XiB', 'MiB', '1e6', '8 Mi B', '99999999999999TiB', 'Infinity'])(
    '%j is refused',
    (text) => {
      expect(() => parseByteSize(text)).toThrow(expect.objectContaining({ code: 'USAGE' }))
    },
  )
})

describe('sizes for people', () => {
  it.each([
    [0, '0 B'],
    [512, '512 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [1024 ** 2 - 1, '1 MiB'],
    [64 * 1024 ** 2, '64 MiB'],
    [5 * 1024 ** 4, '5 TiB'],
    [2000 * 1024 ** 5, '2000 PiB'],
  ])('%d bytes are %s', (size, text) => {
    expect(formatByteSize(size)).toBe(text)
  })

  it('what is shown is within a twentieth of the size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (size) => {
        const shown = parseByteSize(formatByteSize(size).replace('PiB', 'TiB'))
        const scale = formatByteSize(size).endsWith('PiB') ? 1024 : 1
        expect(Math.abs(shown * scale - size) / size).toBeLessThan(0.05)
      }),
    )
  })

  it('no size takes more than 8 characters up to the largest object a store holds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 50 * 1024 ** 4 }), (size) => {
        expect(formatByteSize(size).length).toBeLessThanOrEqual(8)
      }),
    )
  })
})
