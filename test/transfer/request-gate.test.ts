import { expect, it } from 'vitest'
import { RequestGate } from '../../src/transfer/request-gate.ts'

const never = new AbortController().signal

it('lets so many in, and the next one when one has left', async () => {
  const gate = new RequestGate(2)
  const leaveFirst = await gate.enter(never)
  await gate.enter(never)
  const entered: string[] = []
  const third = gate.enter(never).then((leave) => {
    entered.push('third')
    return leave
  })
  const fourth = gate.enter(never).then((leave) => {
    entered.push('fourth')
    return leave
  })
  await Promise.resolve()
  expect(entered).toEqual([])
  leaveFirst()
  leaveFirst()
  const leaveThird = await third
  expect(entered).toEqual(['third'])
  leaveThird()
  await fourth
  expect(entered).toEqual(['third', 'fourth'])
})

it('who gives up while waiting takes no place', async () => {
  const gate = new RequestGate(1)
  const leave = await gate.enter(never)
  const impatient = new AbortController()
  const waiting = gate.enter(impatient.signal)
  impatient.abort(new RangeError('enough'))
  await expect(waiting).rejects.toThrow('enough')
  await expect(gate.enter(AbortSignal.abort(new RangeError('too late')))).rejects.toThrow('too late')
  leave()
  await expect(gate.enter(never)).resolves.toBeTypeOf('function')
})
