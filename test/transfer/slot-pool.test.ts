import { describe, expect, it } from 'vitest'
import { SlotPool } from '../../src/transfer/slot-pool.ts'

describe('the buffers of a transfer', () => {
  it('are never more than the pool has: who comes later waits for one to come back', async () => {
    const pool = new SlotPool(2, 1024)
    const [first, second] = await Promise.all([pool.take(), pool.take()])
    let third: unknown
    const waiting = pool.take().then((slot) => (third = slot))
    await new Promise(setImmediate)
    expect(third).toBeUndefined()
    pool.giveBack(first)
    await waiting
    expect(third).toBe(first)
    expect(second.bytes.length).toBe(1024)
  })
})
