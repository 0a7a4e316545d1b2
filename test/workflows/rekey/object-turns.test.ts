import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ObjectTurns } from '../../../src/workflows/rekey/object-turns.ts'

it('weights at work never exceed the limit, all get their turn, in the order they came', async () => {
  const weights = fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 40 }),
      weights,
      fc.scheduler(),
      async (limit, all, scheduler) => {
        const turns = new ObjectTurns(limit)
        const begun: number[] = []
        let atWork = 0
        const done = all.map((weight, index) =>
          turns.take(weight, async () => {
            begun.push(index)
            atWork += Math.min(weight, limit)
            expect(atWork).toBeLessThanOrEqual(limit)
            await scheduler.schedule(Promise.resolve())
            atWork -= Math.min(weight, limit)
            return index
          }),
        )
        await scheduler.waitFor(Promise.all(done))
        expect(await Promise.all(done)).toEqual(all.map((_, index) => index))
        expect(begun).toEqual(all.map((_, index) => index))
      },
    ),
  )
})

it('work that fails gives its turn back', async () => {
  const turns = new ObjectTurns(1)
  const failing = turns.take(1, async () => Promise.reject(new RangeError('no')))
  const next = turns.take(1, async () => 'yes')
  await expect(failing).rejects.toThrow('no')
  expect(await next).toBe('yes')
})
