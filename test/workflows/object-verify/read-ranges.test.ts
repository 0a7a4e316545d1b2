import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ENCRYPTED_SEGMENT_SIZE } from '../../../src/crypto/crypt4gh/format.ts'
import { readRanges, slotSizeFor } from '../../../src/workflows/object-verify/read-object.ts'

it('ranges follow each other, fit their buffers, and segments begin at segment boundaries', () => {
  const size = fc.integer({ min: 0, max: 100 * 1024 ** 2 })
  const rangeSize = fc.integer({ min: 1, max: 8 * 1024 ** 2 })
  const header = fc.oneof(
    fc.constant(0),
    fc.integer({ min: 16, max: 1000 }),
    fc.integer({ min: 60_000, max: 5_000_000 }),
  )
  fc.assert(
    fc.property(size, header, rangeSize, (bodySize, headerLength, wanted) => {
      const objectSize = headerLength + bodySize
      let end = 0
      let body = 0
      for (const { offset, length, bodyAt } of readRanges(objectSize, headerLength, wanted)) {
        expect(offset).toBe(end)
        expect(length).toBeGreaterThan(0)
        expect(length).toBeLessThanOrEqual(slotSizeFor(wanted))
        expect(bodyAt).toBe(Math.min(length, Math.max(0, headerLength - offset)))
        // Only the last may end within a segment.
        expect(body % ENCRYPTED_SEGMENT_SIZE).toBe(0)
        body += length - bodyAt
        end = offset + length
      }
      expect(end).toBe(objectSize)
      expect(body).toBe(bodySize)
    }),
    { numRuns: 50 },
  )
})
