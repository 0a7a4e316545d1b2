import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { coveredSegments, type SegmentRun } from '../../../src/crypto/crypt4gh/covered-segments.ts'
import { SEGMENT_SIZE } from '../../../src/crypto/crypt4gh/format.ts'

function numbers(runs: readonly SegmentRun[]): number[] {
  return runs.flatMap(({ first, count }) => Array.from({ length: count }, (_, index) => first + index))
}

describe('segments under an edit list', () => {
  it('are all covered without one', () => {
    expect(coveredSegments(3, undefined)).toEqual({ covered: [{ first: 0, count: 3 }], hidden: [] })
    expect(coveredSegments(0, undefined)).toEqual({ covered: [], hidden: [] })
  })

  it('are hidden only when not a byte is kept', () => {
    const segment = BigInt(SEGMENT_SIZE)
    expect(coveredSegments(4, [segment, 10n])).toEqual({
      covered: [{ first: 1, count: 1 }],
      hidden: [
        { first: 0, count: 1 },
        { first: 2, count: 2 },
      ],
    })
    expect(coveredSegments(2, [segment - 1n, 2n]).hidden).toEqual([])
    expect(coveredSegments(2, [0n, 0n]).hidden).toEqual([{ first: 0, count: 2 }])
  })

  it('are sorted as byte by byte, in ascending runs that never touch', () => {
    const length = fc.oneof(
      fc.bigInt({ min: 0n, max: 3n * BigInt(SEGMENT_SIZE) }),
      fc.constantFrom(0n, 1n, BigInt(SEGMENT_SIZE), 2n ** 64n - 1n),
    )
    fc.assert(
      fc.property(fc.nat(9), fc.array(length, { maxLength: 8 }), (segmentCount, editList) => {
        const { covered, hidden } = coveredSegments(segmentCount, editList)
        const seen = new Set<number>()
        for (const [start, end] of naiveKept(editList, segmentCount * SEGMENT_SIZE)) {
          for (let at = Math.floor(start / SEGMENT_SIZE); at * SEGMENT_SIZE < end; at += 1) seen.add(at)
        }
        expect(numbers(covered)).toEqual([...seen].sort((a, b) => a - b))
        expect([...numbers(covered), ...numbers(hidden)].sort((a, b) => a - b)).toEqual(
          Array.from({ length: segmentCount }, (_, index) => index),
        )
      }),
    )
  })
})

/** The standard's own way, with big integers: which bytes of the stored plaintext are kept. */
function naiveKept(editList: readonly bigint[], size: number): [number, number][] {
  const end = BigInt(size)
  const kept: [number, number][] = []
  let position = 0n
  let keeps = false
  const lengths = editList.length % 2 === 1 ? [...editList, end] : editList
  for (const length of editList.length === 0 ? [0n, end] : lengths) {
    const next = position + length < end ? position + length : end
    if (keeps && next > position) kept.push([Number(position), Number(next)])
    position = next
    keeps = !keeps
  }
  return kept
}
