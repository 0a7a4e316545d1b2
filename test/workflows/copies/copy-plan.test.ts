import fc from 'fast-check'
import { expect, it } from 'vitest'
import { planCopy, planOf } from '../../../src/workflows/copies/copy-plan.ts'

const MIB = 1024 ** 2
const sizes = fc.oneof(fc.integer({ min: 1, max: 50 * MIB }), fc.integer({ min: 1, max: 5 * 1024 ** 4 }))
const md5 = '0'.repeat(32)
const etags = fc.oneof(
  fc.constant(md5),
  fc.integer({ min: 0, max: 20_000 }).map((count) => `${md5}-${count}`),
  fc.string(),
)

it('the parts cover the object once, within the limits of S3', () => {
  fc.assert(
    fc.property(sizes, etags, (size, etag) => {
      const plan = planCopy(size, etag)
      expect(plan.partCount).toBeGreaterThanOrEqual(1)
      expect(plan.partCount).toBeLessThanOrEqual(10_000)
      expect(plan.partSize).toBeLessThanOrEqual(5 * 1024 ** 3)
      if (plan.partCount > 1) expect(plan.partSize).toBeGreaterThanOrEqual(5 * MIB)
      const last = plan.part(plan.partCount)
      expect(last.length).toBeGreaterThan(0)
      expect(last.offset + last.length).toBe(size)
      const middle = Math.ceil(plan.partCount / 2)
      expect(plan.part(middle).offset).toBe((middle - 1) * plan.partSize)
    }),
  )
})

it('an object that was stored in equal parts of whole MiB is copied in as many', () => {
  const partSizes = fc.integer({ min: 5, max: 5120 }).map((mib) => mib * MIB)
  const counts = fc.integer({ min: 2, max: 1000 })
  fc.assert(
    fc.property(partSizes, counts, fc.integer({ min: 1, max: 5 * MIB }), (partSize, count, lastPart) => {
      const size = (count - 1) * partSize + lastPart
      expect(planCopy(size, `${md5}-${count}`).partCount).toBe(count)
    }),
  )
})

it('many parts can only have had one size, and have it again', () => {
  const partSize = 8 * MIB
  expect(planCopy(1000 * partSize - 5, `${md5}-1000`).partSize).toBe(partSize)
  expect(planCopy(7 * 1024 ** 3, `${md5}-896`).partSize).toBe(partSize)
})

it('a plan is made again from its part size, and an impossible one is not made', () => {
  fc.assert(
    fc.property(sizes, etags, (size, etag) => {
      const plan = planCopy(size, etag)
      const again = planOf(size, plan.partSize)
      expect(again.partCount).toBe(plan.partCount)
      expect(again.part(1)).toEqual(plan.part(1))
    }),
  )
  expect(() => planOf(10_001 * 5 * MIB, 5 * MIB)).toThrow(RangeError)
  expect(() => planCopy(0, md5)).toThrow(RangeError)
  expect(() => planCopy(5 * 1024 ** 4 + 1, md5)).toThrow(/no S3 object/)
  expect(() => planCopy(10, md5).part(2)).toThrow(RangeError)
})
