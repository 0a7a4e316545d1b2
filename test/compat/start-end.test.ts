import { describe, expect, it } from 'vitest'
import { parseStartEnd } from '../../src/compat/start-end.ts'

describe('the range of the reference tool', () => {
  it('keeps one byte less than it says', () => {
    expect(parseStartEnd('0-11')).toEqual({ offset: 0, length: 10 })
    expect(parseStartEnd('65536-131073')).toEqual({ offset: 65_536, length: 65_536 })
  })

  it('goes on to the end when it has none', () => {
    expect(parseStartEnd('7-')).toEqual({ offset: 7, length: undefined })
    expect(parseStartEnd('7')).toEqual({ offset: 7, length: undefined })
  })

  it.each(['', '-', '-5', 'a-b', '1-2x', '1.5-9', '0-1', '5-5', '9-3', `0-${'9'.repeat(20)}`, ' 1-9'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseStartEnd(text)).toThrow(expect.objectContaining({ code: 'USAGE' }))
    },
  )
})
