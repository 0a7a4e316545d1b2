import { describe, expect, it } from 'vitest'
import { DerReader, TAG } from '../../../src/crypto/keys/der-reader.ts'
import { hex, unhex } from '../vectors.ts'

const take = (der: string, tag: number): string => hex(new DerReader(unhex(der)).take(tag).bytes)

describe('DER', () => {
  it('elements come one after the other, and within each other', () => {
    const outer = new DerReader(unhex('300702010504020a0b')).take(TAG.sequence)
    expect(outer.nextTag).toBe(TAG.integer)
    expect(hex(outer.take(TAG.integer).bytes)).toBe('05')
    expect(hex(outer.take(TAG.octetString).bytes)).toBe('0a0b')
    expect(outer.nextTag).toBeUndefined()
  })

  it('lengths from 128 on take bytes of their own', () => {
    expect(take(`047f${'aa'.repeat(127)}`, TAG.octetString)).toBe('aa'.repeat(127))
    expect(take(`048180${'aa'.repeat(128)}`, TAG.octetString)).toBe('aa'.repeat(128))
    expect(take(`04820101${'ab'.repeat(257)}ff`, TAG.octetString)).toBe('ab'.repeat(257))
  })

  it.each([
    ['another tag', '020105'],
    ['nothing', ''],
    ['a tag alone', '04'],
    ['contents that are cut short', '0403aabb'],
    ['a length that is cut short', '0482'],
    ['a length beyond every array', '0488ffffffffffffffffaa'],
    ['an indefinite length', '0480aa0000'],
  ])('%s is refused', (_, der) => {
    expect(() => take(der, TAG.octetString)).toThrow(
      expect.objectContaining({ code: 'INVALID_KEY' }) as Error,
    )
  })
})
