import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../../src/crypto/crypt4gh/format.ts'
import { encryptedBodySize } from '../../src/crypto/crypt4gh/sizes.ts'
import {
  MAX_OBJECT_SIZE,
  MAX_PART_COUNT,
  MAX_PART_SIZE,
  MIN_PART_SIZE,
  planParts,
} from '../../src/transfer/part-plan.ts'
import { AppError } from '../../src/util/errors.ts'

const plaintextSize = fc.oneof(
  fc.integer({ min: 0, max: 5 * SEGMENT_SIZE }),
  fc.integer({ min: 0, max: 4 * 1024 ** 3 }),
  fc.integer({ min: 0, max: MAX_OBJECT_SIZE - 8 * 1024 ** 3 }),
)
const headerLength = fc.integer({ min: 1, max: 60 }).map((recipients) => 16 + 108 * recipients)
const partSize = fc.integer({ min: MIN_PART_SIZE, max: 64 * 1024 ** 2 })

describe('the plan of an upload', () => {
  it('covers every byte of the source once, in order, and adds up to the object', () => {
    fc.assert(
      fc.property(plaintextSize, headerLength, partSize, (size, header, aim) => {
        const plan = planParts(size, header, aim)
        // Every part but the last is alike: looking at the ends and a sample is looking at all.
        const numbers = new Set([1, 2, Math.ceil(plan.partCount / 2), plan.partCount - 1, plan.partCount])
        for (const number of [...numbers].filter((n) => n >= 1 && n <= plan.partCount)) {
          const part = plan.part(number)
          expect(part.plaintextOffset).toBe((number - 1) * plan.segmentsPerPart * SEGMENT_SIZE)
          const end = part.plaintextOffset + part.plaintextLength
          expect(end).toBe(number === plan.partCount ? size : number * plan.segmentsPerPart * SEGMENT_SIZE)
          expect(part.size).toBe(part.headerLength + encryptedBodySize(part.plaintextLength))
          expect(part.headerLength).toBe(number === 1 ? header : 0)
          expect(part.size).toBeLessThanOrEqual(plan.largestPart)
        }
        const fullParts = plan.partCount - 1
        const last = plan.part(plan.partCount)
        const inFront = fullParts * plan.segmentsPerPart * ENCRYPTED_SEGMENT_SIZE
        expect(inFront + (fullParts > 0 ? header : 0) + last.size).toBe(plan.objectSize)
        expect(plan.objectSize).toBe(header + encryptedBodySize(size))
      }),
    )
  })

  it("keeps within S3's limits: at most 10 000 parts, each but the last 5 MiB to 5 GiB", () => {
    fc.assert(
      fc.property(plaintextSize, headerLength, partSize, (size, header, aim) => {
        const plan = planParts(size, header, aim)
        expect(plan.partCount).toBeLessThanOrEqual(MAX_PART_COUNT)
        expect(plan.largestPart).toBeLessThanOrEqual(MAX_PART_SIZE)
        if (plan.partCount > 1) {
          expect(plan.segmentsPerPart * ENCRYPTED_SEGMENT_SIZE).toBeGreaterThanOrEqual(MIN_PART_SIZE)
        }
      }),
    )
  })

  it('makes one part of an empty file: its header', () => {
    const plan = planParts(0, 124)
    expect(plan.partCount).toBe(1)
    expect(plan.part(1)).toMatchObject({ plaintextLength: 0, size: 124 })
  })

  it('refuses what no S3 object can hold, and part sizes S3 does not take', () => {
    expect(() => planParts(MAX_OBJECT_SIZE, 124)).toThrow(AppError)
    expect(() => planParts(1, 124, MIN_PART_SIZE - 1)).toThrow(AppError)
    expect(() => planParts(1, 124, MAX_PART_SIZE + 1)).toThrow(AppError)
  })

  it('has no part 0 and none after the last', () => {
    const plan = planParts(100, 124)
    expect(() => plan.part(0)).toThrow(RangeError)
    expect(() => plan.part(2)).toThrow(RangeError)
  })
})
