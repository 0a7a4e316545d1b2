import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ENCRYPTED_SEGMENT_SIZE } from '../../src/crypto/crypt4gh/format.ts'
import { nextPartSegments, planGrowth } from '../../src/transfer/part-growth.ts'
import { planParts } from '../../src/transfer/part-plan.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3
const TIB = 1024 ** 4
const HEADER = 124

/** Sizes of the parts that a stream of so many segments is sent in. */
function partSizes(totalSegments: number, partSize: number, expectedSize?: number): number[] {
  const { segmentsPerPart } = planParts(0, HEADER, partSize)
  const growth = planGrowth(segmentsPerPart, expectedSize)
  const sizes: number[] = []
  for (let sent = 0, previous = 0; sent < totalSegments; sent += previous) {
    previous = nextPartSegments(growth, sent, previous)
    sizes.push(Math.min(previous, totalSegments - sent) * ENCRYPTED_SEGMENT_SIZE)
  }
  return sizes
}

const largest = Math.floor((5 * TIB - HEADER) / ENCRYPTED_SEGMENT_SIZE)

describe('the parts of a stream of unknown length', () => {
  const segments = fc.oneof(
    fc.constantFrom(1, largest),
    fc.integer({ min: 1, max: 10_000 }),
    fc.integer({ min: 1, max: largest }),
  )
  const partSize = fc.oneof(
    fc.constantFrom(5 * MIB, 8 * MIB, 5 * GIB),
    fc.integer({ min: 5 * MIB, max: 100 * MIB }),
  )
  const expected = fc.option(
    fc.oneof(fc.constantFrom(0, 1, 6 * GIB, 7 * GIB, 5 * TIB, 9 * TIB), fc.integer({ min: 0, max: 6 * TIB })),
    { nil: undefined },
  )

  it("stay within S3's limits whatever comes, up to 5 TiB, and never shrink", () => {
    fc.assert(
      fc.property(segments, partSize, expected, (total, wanted, expectedSize) => {
        const sizes = partSizes(total, wanted, expectedSize)
        expect(sizes.length).toBeLessThanOrEqual(10_000)
        expect(Math.max(...sizes) + HEADER).toBeLessThanOrEqual(5 * GIB)
        const full = sizes.slice(0, -1)
        expect(full.every((size) => size >= 5 * MIB)).toBe(true)
        expect(full.every((size, index) => index === 0 || size >= full[index - 1]!)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('stay near the part size aimed at for the first ten GiB, and ask for few new buffers after that', () => {
    const sizes = partSizes(largest, 8 * MIB)
    const least = sizes[0]!
    expect(least).toBeLessThanOrEqual(8 * MIB)
    expect(sizes.slice(0, 1350).every((size) => size === least)).toBe(true)
    expect(new Set(sizes).size).toBeLessThan(70)
  })

  it('are equal up to the size that was expected, and grow from there if more comes', () => {
    for (const expectedSize of [7 * GIB, 100 * GIB, 2 * TIB, 5 * TIB]) {
      const expectedSegments = Math.floor(expectedSize / 65_536)
      const total = Math.min(expectedSegments, largest)
      const kept = partSizes(total, 5 * MIB, expectedSize).slice(0, -1)
      expect(new Set(kept).size).toBe(1)
      expect(partSizes(largest, 5 * MIB, expectedSize).length).toBeLessThanOrEqual(10_000)
    }
    expect(partSizes(1000, 8 * MIB, 10)).toEqual(partSizes(1000, 8 * MIB))
  })
})
