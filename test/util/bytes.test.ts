import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatBytes, hex, sameBytes } from '../../src/util/bytes.ts'

const bytes = fc.uint8Array({ maxLength: 20 })

describe('bytes', () => {
  it('are put together in order, in an array of their own', () => {
    fc.assert(
      fc.property(fc.array(bytes), (parts) => {
        expect(concatBytes(parts)).toEqual(Uint8Array.from(parts.flatMap((part) => [...part])))
      }),
    )
  })

  it('are the same when every one is', () => {
    fc.assert(
      fc.property(bytes, bytes, (first, second) => {
        expect(sameBytes(first, first.slice())).toBe(true)
        expect(sameBytes(first, second)).toBe(hex(first) === hex(second))
      }),
    )
    expect(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 0))).toBe(false)
    expect(sameBytes(Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 2))).toBe(false)
    expect(sameBytes(Uint8Array.of(1, 2, 0), Uint8Array.of(1, 2))).toBe(false)
  })

  it('are written in hexadecimal', () => {
    expect(hex(Uint8Array.of(0, 1, 15, 16, 255))).toBe('00010f10ff')
  })
})
