import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ENCRYPTED_SEGMENT_SIZE } from '../../../src/crypto/crypt4gh/format.ts'
import { planCopy, planOf } from '../../../src/workflows/copies/copy-plan.ts'
import { passingPlan, splicePlan } from '../../../src/workflows/rekey/splice-plan.ts'

const MIB = 1024 ** 2
const headers = fc.oneof(fc.integer({ min: 124, max: 2000 }), fc.integer({ min: 124, max: 16 * MIB }))
const bodies = fc.oneof(
  fc.integer({ min: 0, max: 12 * MIB }),
  fc.integer({ min: 0, max: 5 * 1024 ** 4 - 16 * MIB }),
)
const partSizes = fc.option(fc.integer({ min: 1, max: 5 * 1024 ** 3 }), { nil: undefined })

it('the new header and the pieces of the body cover the new object once, within the limits of S3', () => {
  fc.assert(
    fc.property(headers, headers, bodies, partSizes, (headerBefore, headerAfter, body, partSize) => {
      const size = headerBefore + body
      const plan = splicePlan({ headerBefore, headerAfter, size }, partSize)
      if (plan === undefined) {
        expect(body).toBeLessThanOrEqual(5 * MIB + ENCRYPTED_SEGMENT_SIZE)
        return
      }
      expect(plan.bodyLength % ENCRYPTED_SEGMENT_SIZE).toBe(0)
      expect(plan.bodyLength).toBeGreaterThan(0)
      expect(plan.partSize % ENCRYPTED_SEGMENT_SIZE).toBe(0)
      expect(plan.replaces).toBe(headerBefore + plan.bodyLength)
      const beginning = { length: headerAfter + plan.bodyLength, replaces: plan.replaces }
      expect(beginning.length).toBeGreaterThanOrEqual(5 * MIB)
      const copy = planCopy(size, '', plan.partSize, beginning)
      expect(copy.partSize).toBe(plan.partSize)
      expect(copy.partCount).toBeLessThanOrEqual(10_000)
      expect(copy.part(1)).toEqual({ offset: 0, length: plan.replaces, stored: beginning.length })
      expect(copy.part(2).offset).toBe(plan.replaces)
      for (const partNumber of [2, Math.ceil(copy.partCount / 2), copy.partCount - 1, copy.partCount]) {
        if (partNumber < 2) continue
        const { offset, length, stored } = copy.part(partNumber)
        expect((offset - headerBefore) % ENCRYPTED_SEGMENT_SIZE).toBe(0)
        expect(stored).toBe(length)
        expect(length).toBeGreaterThan(0)
        expect(length).toBeLessThanOrEqual(5 * 1024 ** 3)
        if (partNumber < copy.partCount) {
          expect(length).toBeGreaterThanOrEqual(5 * MIB)
          expect(copy.part(partNumber + 1).offset).toBe(offset + length)
        } else {
          expect(offset + length).toBe(size)
        }
      }
    }),
  )
})

it('parts that pass through this machine are small, whatever size was asked for', () => {
  const sizes = { headerBefore: 124, headerAfter: 340, size: 2 * 1024 ** 3 }
  expect(passingPlan(sizes)?.partSize).toBeLessThanOrEqual(16 * MIB)
  expect(passingPlan(sizes, 5 * 1024 ** 3)?.partSize).toBeLessThanOrEqual(16 * MIB)
  expect(passingPlan(sizes, 1)?.partSize).toBeGreaterThanOrEqual(5 * MIB)
})

it('a beginning that is longer than its object is no plan', () => {
  expect(() => planOf(10, 5, { length: 1, replaces: 11 })).toThrow(RangeError)
  expect(planOf(10, 5, { length: 1, replaces: 10 }).partCount).toBe(1)
})
