import { Worker } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { newWriteTurns } from '../../src/transfer/write-turns.ts'

/** Adds to a number without atomic operations, in turn: what another thread did in between would be lost. */
const COUNT = `
const { workerData } = require('node:worker_threads')
import(workerData.module).then(({ inTurn, joinWriteTurns }) => {
  joinWriteTurns(workerData.turns)
  const total = new Int32Array(workerData.total)
  for (let n = 0; n < workerData.times; n += 1) {
    inTurn(3, () => {
      const seen = total[0]
      for (let wait = 0; wait < 50; wait += 1) total[1] = wait
      total[0] = seen + 1
    })
  }
})`

it('threads that write one file never do so at the same time, and none is forgotten', async () => {
  const total = new SharedArrayBuffer(8)
  const turns = newWriteTurns()
  const module = new URL('../../src/transfer/write-turns.ts', import.meta.url).href
  const times = 20_000
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      const worker = new Worker(COUNT, { eval: true, workerData: { module, turns, total, times } })
      const code = await new Promise((resolve, reject) => {
        worker.on('exit', resolve)
        worker.on('error', reject)
      })
      expect(code).toBe(0)
    }),
  )
  expect(new Int32Array(total)[0]).toBe(4 * times)
})
