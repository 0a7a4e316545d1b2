import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ENCRYPTED_SEGMENT_SIZE } from '../../src/crypto/crypt4gh/format.ts'
import { downloadSizes, smallAtOnce } from '../../src/workflows/download-sizes.ts'

const MIB = 1024 ** 2

describe('the memory of a download', () => {
  it('is 32 MiB when nothing is asked for', () => {
    expect(downloadSizes({})).toEqual({ concurrency: 4, rangeSize: 8 * MIB })
  })

  it('stays within what it is given, and every range holds a segment', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: ENCRYPTED_SEGMENT_SIZE, max: 512 * MIB }),
        fc.integer({ min: ENCRYPTED_SEGMENT_SIZE, max: 4096 * MIB }),
        (concurrency, rangeSize, memory) => {
          const sizes = downloadSizes({ concurrency, rangeSize, memory })
          expect(sizes.concurrency * sizes.rangeSize).toBeLessThanOrEqual(memory)
          expect(sizes.rangeSize).toBeGreaterThanOrEqual(ENCRYPTED_SEGMENT_SIZE)
          expect(sizes.rangeSize).toBeLessThanOrEqual(rangeSize)
          expect(sizes.concurrency).toBeGreaterThanOrEqual(1)
          expect(sizes.concurrency).toBeLessThanOrEqual(concurrency)
        },
      ),
    )
  })

  it('rather takes shorter ranges than fewer, down to a MiB', () => {
    expect(downloadSizes({ memory: 16 * MIB })).toEqual({ concurrency: 4, rangeSize: 4 * MIB })
    expect(downloadSizes({ memory: 2 * MIB })).toEqual({ concurrency: 2, rangeSize: MIB })
    expect(downloadSizes({ memory: 100_000 })).toEqual({ concurrency: 1, rangeSize: 100_000 })
  })

  it.each([{ memory: 1000 }, { rangeSize: 1000 }, { rangeSize: 1024 * MIB }])('%j is of no use', (asked) => {
    expect(() => downloadSizes(asked)).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error)
  })

  it('lets many tiny objects wait for each other, and few larger ones', () => {
    expect(smallAtOnce(4096)).toBe(32)
    expect(smallAtOnce(MIB)).toBe(8)
    expect(smallAtOnce(MIB, MIB)).toBe(1)
    expect(smallAtOnce(0)).toBe(32)
  })
})
