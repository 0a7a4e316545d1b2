/**
 * Who may do what, before a grant, during it, after its end and after its revocation: every role, operation and caller,
 * asked of the server itself and compared with docs/sharing.md.
 */
import { expect, it } from 'vitest'

import { backends } from '../../support/backends.ts'
import { CALLERS, isExpected, type Caller, type Situation } from './expectations.ts'
import { CASES, prepareScene } from './matrix-scene.ts'
import { attempt, type Operation, OPERATIONS } from './operations.ts'
import { onServers } from './stage.ts'

onServers('what a role may do', backends(), (stage) => {
  it.each(CASES)('$role, $moment: every operation by every caller', async ({ role, moment }) => {
    const scene = await prepareScene(stage(), role, moment)
    const deviations: string[] = []
    let asked = 0
    const tryAll = async (caller: Caller): Promise<void> => {
      const { s3, targets } = scene[caller]
      for (const operation of Object.keys(OPERATIONS) as Operation[]) {
        const situation: Situation = { role, moment, caller, operation }
        const expected = isExpected(situation) ? 'allowed' : 'denied'
        const seen = await attempt(operation, s3, targets)
        asked += 1
        if (seen !== expected) deviations.push(`${caller}: ${operation} should be ${expected}, is ${seen}`)
      }
    }
    await Promise.all(CALLERS.map(tryAll))
    expect(deviations.sort()).toEqual([])
    expect(asked).toBe(CALLERS.length * Object.keys(OPERATIONS).length)
  })
})
