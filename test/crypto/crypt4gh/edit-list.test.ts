import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { editedSize, keptRanges, rangesWithin, storedRanges } from '../../../src/crypto/crypt4gh/edit-list.ts'

const MAX_U64 = 2n ** 64n - 1n

/** The algorithm of the standard (crypt4gh.tex §3.3), a byte at a time. */
function naive(stored: readonly number[], editList: readonly bigint[]): number[] {
  if (editList.length === 0) return [...stored]
  const kept: number[] = []
  let position = 0n
  for (const [index, length] of editList.entries()) {
    for (let count = 0n; count < length && position < stored.length; count += 1n, position += 1n) {
      if (index % 2 === 1) kept.push(stored[Number(position)]!)
    }
  }
  return editList.length % 2 === 1 ? [...kept, ...stored.slice(Number(position))] : kept
}

const storedFiles = fc.nat(60).map((length) => Array.from({ length }, (_, index) => index))
const editLists = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.bigInt(0n, 25n) },
    { weight: 1, arbitrary: fc.constantFrom(MAX_U64, 2n ** 63n, 2n ** 53n) },
  ),
  { maxLength: 9 },
)

describe('edit lists', () => {
  it('keep what the standard says, zeros, odd ends, past ends and 64-bit lengths included', () => {
    fc.assert(
      fc.property(storedFiles, editLists, (stored, editList) => {
        const kept = rangesWithin(keptRanges(editList), 0, stored.length).flatMap(({ start, end }) =>
          stored.slice(start, end),
        )
        expect(kept).toEqual(naive(stored, editList))
        expect(editedSize(stored.length, editList)).toBe(kept.length)
      }),
      { numRuns: 1000 },
    )
  })

  it('map a range of the edited file to the stored bytes that make it up', () => {
    fc.assert(
      fc.property(storedFiles, editLists, fc.nat(70), fc.nat(70), (stored, editList, start, length) => {
        const ranges = rangesWithin(keptRanges(editList), 0, stored.length)
        const found = storedRanges(ranges, start, start + length).flatMap((range) =>
          stored.slice(range.start, range.end),
        )
        expect(found).toEqual(naive(stored, editList).slice(start, start + length))
      }),
      { numRuns: 1000 },
    )
  })

  it('give ranges that ascend, hold something and do not touch', () => {
    fc.assert(
      fc.property(editLists, (editList) => {
        let before = -1
        for (const { start, end } of keptRanges(editList)) {
          expect(start).toBeGreaterThan(before)
          expect(end).toBeGreaterThan(start)
          before = end
        }
      }),
    )
  })

  it('two lengths of 2^63 do not wrap around to the beginning', () => {
    expect(keptRanges([2n ** 63n, 2n ** 63n, 0n, 5n])).toEqual([])
    expect(keptRanges([1n, MAX_U64, MAX_U64, 5n])).toEqual([{ start: 1, end: Infinity }])
  })

  it("the standard's example keeps 315 820 bytes", () => {
    expect(editedSize(5_485_112, [0n, 7853n, 71_721n, 307_929n, 51_299n, 38n])).toBe(315_820)
  })

  it('no list and an empty list both mean the whole file', () => {
    expect(editedSize(1000, undefined)).toBe(1000)
    expect(editedSize(1000, [])).toBe(1000)
    expect(editedSize(1000, [0n])).toBe(1000)
    expect(editedSize(1000, [0n, 0n])).toBe(0)
  })

  it('a hostile list of 100 000 lengths is searched, not walked, for every segment', () => {
    const ranges = keptRanges(Array.from({ length: 100_000 }, () => 1n))
    expect(ranges).toHaveLength(50_000)
    expect(rangesWithin(ranges, 99_990, 99_994)).toEqual([
      { start: 99_991, end: 99_992 },
      { start: 99_993, end: 99_994 },
    ])
  })
})
