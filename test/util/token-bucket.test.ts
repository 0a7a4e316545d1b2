import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTokenBucket } from '../../src/util/token-bucket.ts'

/** A bucket on a clock of its own: waiting moves it on. */
function rehearse(rate: (now: number) => number | undefined) {
  let now = 0
  const pace = createTokenBucket({
    rate: () => rate(now),
    now: () => now,
    sleep: async (seconds, signal) => {
      signal?.throwIfAborted()
      now += seconds
      // What else is due at this moment comes first.
      await new Promise(setImmediate)
    },
  })
  return { pace, now: () => now }
}

describe('a pace', () => {
  it('lets a rate through over time, whatever the chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1000, max: 1e9 }),
        fc.array(fc.integer({ min: 1, max: 1e6 }), { minLength: 1, maxLength: 40 }),
        async (rate, chunks) => {
          const { pace, now } = rehearse(() => rate)
          let passed = 0
          for (const chunk of chunks) {
            await pace.take(chunk)
            passed += chunk
            // One chunk may be ahead of its time, and a tenth of a second may have been saved up.
            expect(passed - chunk).toBeLessThanOrEqual(now() * rate + 1)
          }
          const last = chunks.at(-1) ?? 0
          // Never slower than the rate by more than the wait for a single byte each time.
          expect(now()).toBeLessThanOrEqual((passed - last + chunks.length + 1) / rate + 1e-6)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('serves those who wait in the order they came', async () => {
    const { pace } = rehearse(() => 1000)
    const served: number[] = []
    await Promise.all(
      [5000, 1, 300, 1, 2000].map(async (bytes, at) => {
        await pace.take(bytes)
        served.push(at)
      }),
    )
    expect(served).toEqual([0, 1, 2, 3, 4])
  })

  it('without a limit nobody waits', async () => {
    const { pace, now } = rehearse(() => undefined)
    for (let at = 0; at < 100; at += 1) await pace.take(1e9)
    expect(now()).toBe(0)
  })

  it('a limit that is lifted frees who waits for it, within a second', async () => {
    const { pace, now } = rehearse((seconds) => (seconds < 60 ? 1000 : undefined))
    await pace.take(1e9)
    await pace.take(1)
    expect(now()).toBeGreaterThanOrEqual(60)
    expect(now()).toBeLessThanOrEqual(61)
  })

  it('a limit that begins holds from then on, without a debt from before', async () => {
    const limits: number[] = []
    const { pace, now } = rehearse(() => limits[0])
    await pace.take(1e12)
    limits.push(1000)
    await pace.take(500)
    await pace.take(1)
    expect(now()).toBeGreaterThanOrEqual(0.5)
    expect(now()).toBeLessThan(1)
  })

  it('one who gives up neither waits nor keeps the others waiting', async () => {
    const { pace } = rehearse(() => 1000)
    await pace.take(10_000)
    const abort = new AbortController()
    const reason = new Error('the user left')
    const gone = pace.take(1e9, abort.signal)
    const next = pace.take(1)
    abort.abort(reason)
    await expect(gone).rejects.toBe(reason)
    await expect(next).resolves.toBeUndefined()
    await expect(pace.take(1, abort.signal)).rejects.toBe(reason)
  })
})
