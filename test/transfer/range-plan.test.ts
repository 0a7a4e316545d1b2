import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SEGMENT_SIZE } from '../../src/crypto/crypt4gh/format.ts'
import { encryptedBodySize } from '../../src/crypto/crypt4gh/sizes.ts'
import { planRanges, planStoredRanges } from '../../src/transfer/range-plan.ts'
import { AppError } from '../../src/util/errors.ts'

describe('the plan of a download', () => {
  it('covers the body once, in whole segments, and the plaintext once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 40 * SEGMENT_SIZE }),
        fc.integer({ min: 16, max: 5000 }),
        fc.integer({ min: 1, max: 12 * SEGMENT_SIZE }),
        (size, headerLength, rangeSize) => {
          const objectSize = headerLength + encryptedBodySize(size)
          const plan = planRanges(objectSize, headerLength, rangeSize)
          let objectOffset = headerLength
          let plaintextOffset = 0
          for (let index = 0; index < plan.rangeCount; index += 1) {
            const range = plan.range(index)
            expect(range.objectOffset).toBe(objectOffset)
            expect(range.plaintextOffset).toBe(plaintextOffset)
            expect(range.firstSegment * SEGMENT_SIZE).toBe(plaintextOffset)
            expect(range.length).toBeGreaterThan(0)
            expect(range.length).toBeLessThanOrEqual(plan.largestRange)
            objectOffset += range.length
            plaintextOffset += range.plaintextLength
          }
          expect(objectOffset).toBe(objectSize)
          expect(plaintextOffset).toBe(size)
          expect(plan.plaintextSize).toBe(size)
        },
      ),
    )
  })

  it('refuses a size that no plaintext gives', () => {
    expect(() => planRanges(124 + 27, 124)).toThrow(AppError)
  })

  it('takes both forms of the empty file', () => {
    expect(planRanges(124, 124)).toMatchObject({ plaintextSize: 0, rangeCount: 0 })
    expect(planRanges(124 + 28, 124)).toMatchObject({ plaintextSize: 0, rangeCount: 1 })
  })
})

describe('the ranges of an object that is kept as it is stored', () => {
  it('cover it once, in order', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 10_000_000 }),
        fc.integer({ min: 1000, max: 1_000_000 }),
        (size, rangeSize) => {
          const plan = planStoredRanges(size, rangeSize)
          let end = 0
          for (let index = 0; index < plan.rangeCount; index += 1) {
            const range = plan.range(index)
            expect(range.objectOffset).toBe(end)
            expect(range.plaintextOffset).toBe(end)
            expect(range.length).toBeGreaterThan(0)
            expect(range.length).toBeLessThanOrEqual(plan.largestRange)
            end += range.length
          }
          expect(end).toBe(size)
          expect(plan.plaintextSize).toBe(size)
          expect(() => plan.range(plan.rangeCount)).toThrow(RangeError)
        },
      ),
    )
  })
})
