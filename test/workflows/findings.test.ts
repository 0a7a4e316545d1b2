import { describe, expect, it } from 'vitest'
import { MARK_SIZE, NonceRecord } from '../../src/crypto/crypt4gh/nonce-record.ts'
import { hiddenFinding, nonceFindings, runs } from '../../src/workflows/findings.ts'

function recordOf(...marks: [nonce: number, mac: number][]): NonceRecord {
  const record = new NonceRecord()
  for (const [segment, [nonce, mac]] of marks.entries()) {
    const mark = new Uint8Array(MARK_SIZE)
    mark[0] = nonce
    mark[MARK_SIZE - 1] = mac
    record.add(mark, segment)
  }
  return record
}

describe('findings', () => {
  it('tell reuse from copies, one data key apart from the other', () => {
    const first = recordOf([1, 1], [1, 2])
    const second = recordOf([1, 1], [2, 2], [2, 2])
    expect(nonceFindings([first, second], 5)).toEqual([
      { finding: 'nonce-reuse', message: expect.stringMatching(/^1 segment .* segment 1 after 0/) as string },
      {
        finding: 'copied-segments',
        message: expect.stringMatching(/^1 segment .* segment 2 after 1/) as string,
      },
    ])
    expect(nonceFindings([recordOf([1, 1]), recordOf([1, 2])], 2)).toEqual([])
  })

  it('say when not all nonces were compared, instead of nothing', () => {
    expect(nonceFindings([recordOf([1, 1])], 3)).toMatchObject([
      { finding: 'not-all-compared', message: expect.stringContaining('1 of 3 segments') as string },
    ])
  })

  it('name hidden segments, however many runs a hostile edit list makes', () => {
    expect(hiddenFinding([])).toEqual([])
    const many = Array.from({ length: 10_000 }, (_, index) => ({ first: index * 2, count: 1 }))
    expect(hiddenFinding(many)[0]?.message).toContain('10000 whole segments (0, 2, 4, 6, 8, 10, 12, 14, …)')
    expect(runs([{ first: 3, count: 4 }])).toBe('3 to 6')
  })
})
