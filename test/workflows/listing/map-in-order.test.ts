import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mapInOrder } from '../../../src/workflows/listing/map-in-order.ts'

/** A source that counts what was taken from it, and whether it was closed. */
function counted(length: number): {
  items: AsyncGenerator<number>
  taken: () => number
  closed: () => boolean
} {
  let taken = 0
  let closed = false
  async function* items(): AsyncGenerator<number> {
    try {
      for (let item = 0; item < length; item++) {
        taken += 1
        yield item
      }
    } finally {
      closed = true
    }
  }
  return { items: items(), taken: () => taken, closed: () => closed }
}

/** Some turns of the event loop. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('work in order', () => {
  it('gives every result in its place, however long each takes, and never more at once than allowed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 6 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 8 }),
        async (delays, atOnce, more) => {
          const window = atOnce + more
          const source = counted(delays.length)
          let running = 0
          const results: number[] = []
          const work = async (item: number): Promise<number> => {
            running += 1
            expect(running).toBeLessThanOrEqual(atOnce)
            await turns(delays[item]!)
            running -= 1
            return item * 2
          }
          for await (const result of mapInOrder(source.items, work, { atOnce, window })) {
            results.push(result)
            expect(source.taken() - results.length).toBeLessThanOrEqual(window)
          }
          expect(results).toEqual(delays.map((_delay, item) => item * 2))
          expect(source.closed()).toBe(true)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('gives what comes before a failure, then the failure, and begins nothing more', async () => {
    const source = counted(1000)
    const begun: number[] = []
    let running = 0
    const work = async (item: number): Promise<number> => {
      begun.push(item)
      running += 1
      await turns(item === 5 ? 1 : 8)
      running -= 1
      if (item === 5) throw new Error('the fifth')
      return item
    }
    const results: number[] = []
    const reading = async (): Promise<void> => {
      for await (const result of mapInOrder(source.items, work, { atOnce: 8, window: 16 }))
        results.push(result)
    }
    await expect(reading()).rejects.toThrow('the fifth')
    expect(results).toEqual([0, 1, 2, 3, 4])
    expect(begun).toHaveLength(8)
    expect(running).toBe(0)
    expect(source.closed()).toBe(true)
  })

  it('waits for what is under way when its reader leaves', async () => {
    const source = counted(1000)
    let running = 0
    const work = async (item: number): Promise<number> => {
      running += 1
      await turns(item)
      running -= 1
      return item
    }
    for await (const result of mapInOrder(source.items, work, { atOnce: 4, window: 8 })) {
      if (result === 3) break
    }
    expect(running).toBe(0)
    expect(source.closed()).toBe(true)
  })

  it('passes on what its source fails with', async () => {
    async function* broken(): AsyncGenerator<number> {
      yield 1
      await turns(1)
      throw new Error('no more')
    }
    const results: number[] = []
    const reading = async (): Promise<void> => {
      for await (const result of mapInOrder(broken(), async (item) => item, { atOnce: 1, window: 1 }))
        results.push(result)
    }
    await expect(reading()).rejects.toThrow('no more')
    expect(results).toEqual([1])
  })
})
