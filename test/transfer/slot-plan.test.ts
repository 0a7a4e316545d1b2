import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultMemory, planSlots } from '../../src/transfer/slot-plan.ts'
import { WINDOW_SIZE } from '../../src/transfer/streamed-part.ts'

const MIB = 1024 ** 2

describe('the buffers of a run', () => {
  it('never take more than was allowed, and always hold what goes through them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 600 * MIB }), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 124, max: 60_000 }),
        fc.integer({ min: 1, max: 16 }),
        fc.integer({ min: 5 * MIB, max: 1024 * MIB }),
        (partSizes, headerLength, concurrency, memory) => {
          const { count, size } = planSlots(partSizes, headerLength, concurrency, memory)
          expect(count).toBeGreaterThan(0)
          expect(count).toBeLessThanOrEqual(concurrency)
          expect(count * size).toBeLessThanOrEqual(memory)
          const streamed = partSizes.filter((part) => part > size)
          if (streamed.length > 0) expect(size).toBeGreaterThanOrEqual(headerLength + WINDOW_SIZE)
          // A part is streamed only when not even two of its size would fit.
          for (const part of streamed) expect(part * Math.min(2, concurrency)).toBeGreaterThan(memory - 2)
        },
      ),
    )
  })

  it('are as large as the largest part of small files', () => {
    expect(planSlots([1000, 70_000, 5], 124, 4)).toEqual({ count: 4, size: 70_000 })
  })

  it('take an eighth of what a small job has, and 64 MiB where nothing is limited', () => {
    expect(defaultMemory(256 * MIB)).toBe(32 * MIB)
    for (const unlimited of [0, 64 * 1024 * MIB, 2 ** 63]) expect(defaultMemory(unlimited)).toBe(64 * MIB)
  })

  it('are fewer when memory is short, before anything is streamed', () => {
    expect(planSlots([8 * MIB], 124, 4, 20 * MIB)).toEqual({ count: 2, size: 8 * MIB })
  })

  it('are windows for the parts of a terabyte', () => {
    expect(planSlots([110 * MIB], 124, 4, 64 * MIB)).toEqual({ count: 4, size: 124 + WINDOW_SIZE })
  })

  it('are refused when not even a window fits, and the hint names what would do', () => {
    expect(() => planSlots([200 * MIB], 124, 4, 2 * MIB)).toThrow(
      expect.objectContaining({ code: 'USAGE', hints: ['give --memory 3M or more'] }),
    )
  })
})
