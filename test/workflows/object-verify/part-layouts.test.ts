import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ENCRYPTED_SEGMENT_SIZE } from '../../../src/crypto/crypt4gh/format.ts'
import { MAX_PART_COUNT, planParts } from '../../../src/transfer/part-plan.ts'
import { nextPartSegments, planGrowth } from '../../../src/transfer/part-growth.ts'
import { splicePlan } from '../../../src/workflows/rekey/splice-plan.ts'
import {
  candidateLayouts,
  partsOf,
  type PartLayout,
} from '../../../src/workflows/object-verify/part-layouts.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3

function sizesOf(layout: PartLayout): number[] {
  return layout.flatMap(({ count, size }) => Array.from({ length: count }, () => size))
}

const anySize = fc.oneof(fc.integer({ min: 1, max: 200 * MIB }), fc.integer({ min: 1, max: 5 * 1024 * GIB }))

describe('candidate layouts', () => {
  it('cover the object exactly, in as many parts as were asked for', () => {
    const header = fc.option(fc.integer({ min: 16, max: 70_000 }), { nil: undefined })
    fc.assert(
      fc.property(
        anySize,
        fc.integer({ min: 1, max: MAX_PART_COUNT }),
        header,
        (size, count, headerLength) => {
          for (const layout of candidateLayouts(size, count, headerLength)) {
            expect(partsOf(layout)).toBe(count)
            expect(layout.reduce((sum, run) => sum + run.count * run.size, 0)).toBe(size)
            expect(layout.every((run) => run.size > 0 && run.count > 0)).toBe(true)
          }
        },
      ),
    )
  })

  it('have the plan of every upload of ours at the usual part sizes', () => {
    const plaintext = fc.integer({ min: 0, max: 300 * GIB })
    const partSize = fc.constantFrom(8, 16, 64, 100).map((mib) => mib * MIB)
    fc.assert(
      fc.property(plaintext, partSize, fc.integer({ min: 124, max: 3000 }), (size, wanted, headerLength) => {
        const plan = planParts(size, headerLength, wanted)
        const planned = { first: plan.part(1).size, last: plan.part(plan.partCount).size }
        const found = candidateLayouts(plan.objectSize, plan.partCount, headerLength)
        expect(found.map(ends)).toContainEqual(planned)
      }),
    )
  })

  it('have those of the usual tools', () => {
    const size = 3 * GIB + 12_345
    for (const mib of [5, 8, 15, 16, 50, 64, 256]) {
      const count = Math.ceil(size / (mib * MIB))
      const found = candidateLayouts(size, count, 124).map((layout) => layout[0])
      expect(found).toContainEqual({ count: count - 1, size: mib * MIB })
    }
  })

  it('have the parts of a long stream', () => {
    const headerLength = 124
    const size = headerLength + 2_000_000 * ENCRYPTED_SEGMENT_SIZE
    const growth = planGrowth(127)
    const sizes: number[] = []
    for (let sent = 0, previous = 0; sent < 2_000_000;) {
      previous = Math.min(nextPartSegments(growth, sent, previous), 2_000_000 - sent)
      sizes.push((sent === 0 ? headerLength : 0) + previous * ENCRYPTED_SEGMENT_SIZE)
      sent += previous
    }
    expect(candidateLayouts(size, sizes.length, headerLength).map(sizesOf)).toContainEqual(sizes)
  })

  it('have that of a header replaced on the server', () => {
    const segments = 32_768
    const size = 340 + segments * ENCRYPTED_SEGMENT_SIZE
    const { bodyLength, partSize } = splicePlan({ headerBefore: 124, headerAfter: 340, size: size - 216 })!
    const first = 340 + bodyLength
    const count = 1 + Math.ceil((size - first) / partSize)
    expect(candidateLayouts(size, count, 340)).toContainEqual([
      { count: 1, size: first },
      { count: count - 2, size: partSize },
      { count: 1, size: size - first - (count - 2) * partSize },
    ])
  })

  it('are the one there is for a single part, and none for what S3 does not have', () => {
    expect(candidateLayouts(0, 1, undefined)).toEqual([[{ count: 1, size: 0 }]])
    expect(candidateLayouts(5 * MIB, 1, 124)).toEqual([[{ count: 1, size: 5 * MIB }]])
    expect(candidateLayouts(3, 4, undefined)).toEqual([])
    expect(candidateLayouts(GIB, 10_001, 124)).toEqual([])
  })

  it('are few: each is an MD5 of the whole object', () => {
    fc.assert(
      fc.property(anySize, fc.integer({ min: 2, max: 20 }), (size, count) => {
        expect(candidateLayouts(size, count, 124).length).toBeLessThanOrEqual(size <= 64 * MIB ? 16 : 6)
      }),
    )
  })
})

function ends(layout: PartLayout): { first: number; last: number } {
  return { first: layout[0]!.size, last: layout.at(-1)!.size }
}
