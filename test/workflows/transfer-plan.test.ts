import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encryptedBodySize, sealedHeaderSize } from '../../src/crypto/crypt4gh/sizes.ts'
import { planTransfer, type TransferPlanRequest } from '../../src/workflows/transfer-plan.ts'
import type { KnownRate } from '../../src/workflows/transfer-rate.ts'

const MIB = 1024 ** 2
const TIB = 1024 ** 4
const NOW = new Date('2026-11-21T08:00:00Z')
const RATE: KnownRate = { bytesPerSecond: 100 * MIB, from: 'earlier', transfers: 3 }

function plan(sizes: readonly number[], more: Partial<TransferPlanRequest> = {}) {
  const pairs = sizes.map((size, index) => ({ source: `f${index}`, target: `s3://b/f${index}.c4gh`, size }))
  return planTransfer({ direction: 'upload', pairs, recipientCount: 2, concurrency: 4, now: NOW, ...more })
}

describe('the plan of an upload', () => {
  it('counts every byte that will be sent, header and tags included', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 5 * 1024 ** 3 })),
        fc.integer({ min: 1, max: 20 }),
        (sizes, recipientCount) => {
          const { files, plaintextBytes, wireBytes, parts } = plan(sizes, { recipientCount })
          const sum = (of: (size: number) => number): number =>
            sizes.reduce((total, size) => total + of(size), 0)
          expect({ files, plaintextBytes, wireBytes }).toEqual({
            files: sizes.length,
            plaintextBytes: sum((size) => size),
            wireBytes: sum((size) => sealedHeaderSize(recipientCount) + encryptedBodySize(size)),
          })
          expect(parts).toBeGreaterThanOrEqual(sizes.length)
        },
      ),
    )
  })

  it('a tebibyte goes in at most 10 000 parts and needs no more memory than any other file', () => {
    const { parts, largestPart, memoryBytes } = plan([TIB], { threads: 2 })
    expect(parts).toBeLessThanOrEqual(10_000)
    expect(parts * largestPart).toBeGreaterThanOrEqual(TIB)
    // Larger parts than there is memory for are streamed.
    expect(memoryBytes).toBeLessThan(256 * MIB)
    expect(plan([TIB], { memory: 1024 * MIB }).memoryBytes).toBeGreaterThan(4 * largestPart)
  })

  it('says when it ends, and whether the credentials last until then', () => {
    const sizes = [60 * 100 * MIB]
    const at = (minutes: number): Date => new Date(NOW.getTime() + minutes * 60_000)
    const short = plan(sizes, { rate: RATE, credentialsExpire: at(0.9) })
    expect(short.seconds).toBeCloseTo(60, 0)
    expect(short.ends?.getTime()).toBeCloseTo(at(1).getTime(), -3)
    expect(short.credentialsLast).toBe(false)
    expect(plan(sizes, { rate: RATE, credentialsExpire: at(2) }).credentialsLast).toBe(true)
  })

  it('promises nothing it cannot know', () => {
    const unknown = plan([MIB], { credentialsExpire: NOW })
    expect(unknown).toMatchObject({ seconds: undefined, ends: undefined, credentialsLast: undefined })
    expect(plan([10 * MIB], { rate: RATE })).toMatchObject({
      credentialsLast: undefined,
      secondsAreAtLeast: false,
    })
    // Ten thousand requests take longer than their bytes; sealing alone is not the network.
    expect(
      plan(
        Array.from({ length: 100 }, () => 4096),
        { rate: RATE },
      ).secondsAreAtLeast,
    ).toBe(true)
    expect(plan([10 * MIB], { rate: { ...RATE, from: 'sealing' } }).secondsAreAtLeast).toBe(true)
  })
})

describe('the plan of a download', () => {
  it('knows the plaintext of an object with one reader, and the bytes of any other', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: TIB }), (plaintextSize) => {
        const size = sealedHeaderSize(1) + encryptedBodySize(plaintextSize)
        const asDownload = (decrypt: boolean) => plan([size], { direction: 'download', decrypt })
        expect(asDownload(true)).toMatchObject({ plaintextBytes: plaintextSize, wireBytes: size })
        expect(asDownload(false)).toMatchObject({ plaintextBytes: size, wireBytes: size })
      }),
    )
  })

  it('of objects that are no Crypt4GH files at all can be made, too', () => {
    expect(plan([0, 1, 100], { direction: 'download' })).toMatchObject({ files: 3, plaintextBytes: 0 })
  })
})
