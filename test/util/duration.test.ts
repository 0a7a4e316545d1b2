import { describe, expect, it } from 'vitest'
import { parseDuration } from '../../src/util/duration.ts'

describe('lengths of time as people write them', () => {
  it.each([
    ['0', 0],
    ['90s', 90],
    ['15m', 900],
    ['2h', 7200],
    ['1d', 86_400],
    [' 15 M ', 900],
  ])('%j', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds)
  })

  it.each(['', '15', '-1m', '1.5h', 'm', '15min', '1w', '99999999s'])('%j is refused', (text) => {
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'INVALID_DURATION' }))
  })
})
