import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fetchAhead } from '../../src/transfer/fetch-ahead.ts'

describe('fetching ahead', () => {
  it('gives all results in order, whichever comes first, and never runs further ahead than allowed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 5 }), { maxLength: 30 }),
        fc.integer({ min: 1, max: 6 }),
        async (delays, ahead) => {
          let started = 0
          let taken = 0
          const fetch = async (turns: number): Promise<number> => {
            started += 1
            // One is being looked at while the next ones are on their way.
            expect(started - taken).toBeLessThanOrEqual(ahead + 1)
            for (let turn = 0; turn < turns; turn += 1) await setImmediate()
            return turns
          }
          const results: number[] = []
          for await (const result of fetchAhead(delays, ahead, fetch)) {
            results.push(result)
            await setImmediate()
            taken += 1
          }
          expect(results).toEqual(delays)
        },
      ),
    )
  })

  it('fails in its turn: what was fetched before the failure is given first', async () => {
    const given: number[] = []
    const run = async (): Promise<void> => {
      const fetch = async (item: number): Promise<number> => {
        if (item === 2) throw new TypeError('gone')
        return item
      }
      for await (const item of fetchAhead([0, 1, 2, 3], 4, fetch)) given.push(item)
    }
    await expect(run()).rejects.toThrow('gone')
    expect(given).toEqual([0, 1])
  })

  it('leaves nothing under way when the reader has enough', async () => {
    let running = 0
    const fetch = async (item: number, signal: AbortSignal): Promise<number> => {
      if (item === 0) return item
      running += 1
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve, { once: true })
      })
      running -= 1
      return item
    }
    for await (const item of fetchAhead([0, 1, 2, 3, 4], 3, fetch)) if (item === 0) break
    expect(running).toBe(0)
  })
})
