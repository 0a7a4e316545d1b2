import { describe, expect, it } from 'vitest'
import { PartBuffers } from '../../src/transfer/part-buffers.ts'

const NEVER = new AbortController().signal

async function isWaiting(promise: Promise<unknown>): Promise<boolean> {
  const tick = new Promise((resolve) => setImmediate(resolve, 'waiting'))
  return (await Promise.race([promise, tick])) === 'waiting'
}

describe('the buffers of parts that grow', () => {
  it('are as many as the limit, and used again', async () => {
    const buffers = new PartBuffers()
    const first = await buffers.take(10, 2, NEVER)
    const second = await buffers.take(10, 2, NEVER)
    const third = buffers.take(10, 2, NEVER)
    expect(await isWaiting(third)).toBe(true)
    buffers.giveBack(first)
    expect(await third).toBe(first)
    expect(second).not.toBe(first)
  })

  it('are replaced by larger ones, the larger ones kept', async () => {
    const buffers = new PartBuffers()
    const small = await buffers.take(10, 1, NEVER)
    buffers.giveBack(small)
    const large = await buffers.take(20, 1, NEVER)
    expect(large.bytes.length).toBe(20)
    buffers.giveBack(large)
    expect(await buffers.take(20, 1, NEVER)).toBe(large)
  })

  it('are fewer when the limit falls: all that are taken count', async () => {
    const buffers = new PartBuffers()
    const taken = await Promise.all([1, 2, 3].map(() => buffers.take(10, 3, NEVER)))
    const next = buffers.take(40, 1, NEVER)
    for (const slot of taken) {
      expect(await isWaiting(next)).toBe(true)
      buffers.giveBack(slot)
    }
    expect((await next).bytes.length).toBe(40)
  })

  it('are not waited for after an abort', async () => {
    const buffers = new PartBuffers()
    await buffers.take(10, 1, NEVER)
    const abort = new AbortController()
    const waiting = buffers.take(10, 1, abort.signal)
    abort.abort(new RangeError('enough'))
    await expect(waiting).rejects.toThrow('enough')
    await expect(buffers.take(10, 9, abort.signal)).rejects.toThrow('enough')
  })
})
