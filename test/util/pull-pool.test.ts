import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { forEachPulled } from '../../src/util/pull-pool.ts'

describe('workers that pull from one iterator', () => {
  it('never pull ahead of free workers', async () => {
    let pulled = 0
    let finished = 0
    let most = 0
    function* items(): Iterable<number> {
      for (let item = 0; item < 50; item += 1) {
        pulled += 1
        most = Math.max(most, pulled - finished)
        yield item
      }
    }
    await forEachPulled(items(), 4, async () => {
      await sleep(1)
      finished += 1
    })
    expect(finished).toBe(50)
    expect(most).toBeLessThanOrEqual(4)
  })

  it('await what is in flight before a failure is thrown, and pull nothing more', async () => {
    let running = 0
    let started = 0
    const failure = new TypeError('no')
    await expect(
      forEachPulled(Array.from({ length: 100 }).keys(), 3, async (item) => {
        started += 1
        running += 1
        await sleep(item === 1 ? 2 : 10)
        running -= 1
        if (item === 1) throw failure
      }),
    ).rejects.toBe(failure)
    expect(running).toBe(0)
    expect(started).toBeLessThan(10)
  })

  it('stop at an abort and give its reason', async () => {
    const control = new AbortController()
    const reason = new TypeError('enough')
    let started = 0
    await expect(
      forEachPulled(
        Array.from({ length: 100 }).keys(),
        2,
        async (item) => {
          started += 1
          if (item === 5) control.abort(reason)
          await sleep(1)
        },
        control.signal,
      ),
    ).rejects.toBe(reason)
    expect(started).toBeLessThan(10)
  })

  it('close the iterator, so that its own cleanup runs', async () => {
    let closed = false
    async function* items(): AsyncIterable<number> {
      try {
        for (let item = 0; ; item += 1) yield item
      } finally {
        closed = true
      }
    }
    await expect(
      forEachPulled(items(), 2, async () => {
        throw new TypeError('stop')
      }),
    ).rejects.toThrow('stop')
    expect(closed).toBe(true)
  })
})
