import { describe, expect, it } from 'vitest'
import { planText, type PlanToPrint } from '../../src/cli/plan-text.ts'

const PLAN: PlanToPrint = {
  direction: 'upload',
  files: 2,
  plaintextBytes: 3 * 1024 ** 3,
  wireBytes: 3.1 * 1024 ** 3,
  parts: 385,
  largestPart: 8 * 1024 ** 2,
  memoryBytes: 150 * 1024 ** 2,
  rate: { bytesPerSecond: 100 * 1024 ** 2, from: 'earlier', transfers: 3 },
  seconds: 31.7,
  secondsAreAtLeast: false,
  ends: new Date('2026-11-21T08:00:32Z'),
  credentialsExpire: new Date('2026-11-21T08:00:10Z'),
  credentialsLast: false,
}

describe('a plan in words', () => {
  it('says how much, how long and that the credentials end before', () => {
    expect(planText(PLAN)).toBe(
      [
        'files        2, 3 GiB',
        'to send      3.1 GiB in 385 parts of at most 8 MiB',
        'memory       about 150 MiB',
        'rate         100 MiB/s (the last 3 transfers with this endpoint)',
        'time         about 32 s, until 2026-11-21T08:00:32Z',
        'credentials  they end at 2026-11-21T08:00:10Z, BEFORE the transfer does',
        'nothing was sent',
      ].join('\n'),
    )
  })

  it('lists the pairs of a dry run, with nothing in them that could move the cursor', () => {
    const pairs = [{ source: 'a\u001b[2J', target: 's3://import/a.c4gh', size: 5 }]
    const text = planText({ ...PLAN, pairs })
    expect(text).toContain('s3://import/a.c4gh')
    expect(text).not.toContain('\u001b')
  })

  it('names what it does not know', () => {
    const unknown = {
      ...PLAN,
      direction: 'download' as const,
      rate: undefined,
      seconds: undefined,
      ends: undefined,
      credentialsExpire: undefined,
      credentialsLast: undefined,
    }
    expect(planText(unknown)).toMatch(
      /rate +unknown\ntime +unknown\ncredentials +no end is known\nnothing was written$/,
    )
  })
})
