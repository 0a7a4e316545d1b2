import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBase64, encodeBase64 } from '../../src/util/base64.ts'

describe('base64', () => {
  it('is written as everybody writes it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'))
      }),
    )
  })

  it('is read with padding and without', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64')
        expect(decodeBase64(text)).toEqual(bytes)
        expect(decodeBase64(text.replace(/=+$/, ''))).toEqual(bytes)
      }),
    )
  })

  it('has one spelling: whatever else decodes to the same bytes elsewhere is refused', () => {
    const letters = fc.constantFrom(...Array.from('AQgwBz0+/=-_ \n'))
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 9 }), (characters) => {
        const text = characters.join('')
        const canonical = Buffer.from(text, 'base64').toString('base64')
        const exact = text === canonical || text === canonical.replace(/=+$/, '')
        expect(decodeBase64(text) !== undefined).toBe(exact)
      }),
      { numRuns: 2000 },
    )
  })

  it.each(['A', 'AAAAA', 'A===', '====', 'AB==CD==', 'AAA==', 'AAAA====', 'AB', 'ABCD=', 'AA-_', 'AAé='])(
    'refuses %j, bits left over included',
    (text) => {
      expect(decodeBase64(text)).toBeUndefined()
    },
  )
})
