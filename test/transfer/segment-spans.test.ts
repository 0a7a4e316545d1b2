import fc from 'fast-check'
import { expect, it } from 'vitest'
import { SEGMENT_SIZE } from '../../src/crypto/crypt4gh/format.ts'
import { keptRanges, rangesWithin } from '../../src/crypto/crypt4gh/edit-list.ts'
import { segmentSpans, spanEnd } from '../../src/transfer/segment-spans.ts'

const SEGMENTS = 12

it('spans are the segments that hold a byte, and their ends are found from any of them', () => {
  const lengths = fc.array(fc.bigInt({ min: 0n, max: 150_000n }), { maxLength: 12 })
  fc.assert(
    fc.property(lengths, (editList) => {
      const stored = rangesWithin(keptRanges(editList), 0, SEGMENTS * SEGMENT_SIZE)
      const holds = Array.from({ length: SEGMENTS }, (_, segment) =>
        stored.some(({ start, end }) => start < (segment + 1) * SEGMENT_SIZE && end > segment * SEGMENT_SIZE),
      )
      const spans = segmentSpans(stored)
      const within = spans.flatMap(({ first, end }) =>
        Array.from({ length: end - first }, (_, i) => first + i),
      )
      expect(within).toEqual([...holds.keys()].filter((segment) => holds[segment]))
      for (const segment of holds.keys()) {
        let end = segment + 1
        if (holds[segment] === true) while (holds[end] === true) end += 1
        expect(spanEnd(spans, segment)).toBe(end)
      }
    }),
    { numRuns: 200 },
  )
})
