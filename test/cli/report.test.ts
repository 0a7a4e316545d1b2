import { describe, expect, it } from 'vitest'
import { limitsOf } from '../../src/cli/access-table.ts'
import { count, formatSeconds, formatTime, formatTransfer, lines, table } from '../../src/cli/report.ts'

describe('tables', () => {
  it('stand in columns, numbers to the right, without blanks at line ends', () => {
    expect(
      table([
        ['reads.bam', 12, 'sealed'],
        ['a', 3456, ''],
      ]),
    ).toBe('reads.bam    12  sealed\na          3456')
  })

  it('keep their columns when a name holds a line break', () => {
    expect(table([['a\nb', 'x']])).toBe('a\\nb  x')
  })
})

describe('words for people', () => {
  it('leaves out lines that do not apply', () => {
    expect(lines('a', undefined, 'b')).toBe('a\nb')
  })

  it('counts in singular and plural', () => {
    expect([count(0, 'object'), count(1, 'object'), count(2, 'copy', 'copies')]).toEqual([
      '0 objects',
      '1 object',
      '2 copies',
    ])
  })

  it.each([
    [0, '0.0 s'],
    [9.94, '9.9 s'],
    [9.96, '10 s'],
    [59.6, '1 min 00 s'],
    [185, '3 min 05 s'],
    [7800, '2 h 10 min'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text)
  })

  it('gives no rate for an instant', () => {
    expect(formatTransfer(64 * 1024 ** 2, 2)).toBe('64 MiB in 2.0 s (32 MiB/s)')
    expect(formatTransfer(100, 0)).toBe('100 B in 0.0 s')
  })

  it('shows times in UTC, and a dash for none', () => {
    expect(formatTime(new Date('2026-11-21T10:20:30.456Z'))).toBe('2026-11-21T10:20:30Z')
    expect(formatTime(undefined)).toBe('-')
  })

  it('says how an access is limited', () => {
    expect(limitsOf({ until: '2026-12-01T00:00:00Z', prefix: 'run_12/', fromIp: '192.0.2.0/24' })).toBe(
      'until 2026-12-01T00:00:00Z, below run_12/, from 192.0.2.0/24',
    )
    expect(limitsOf({ until: '2020-01-01T00:00:00Z', expired: true })).toBe('ended 2020-01-01T00:00:00Z')
    expect(limitsOf({})).toBe('')
  })
})
