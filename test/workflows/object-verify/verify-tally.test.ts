import { expect, it } from 'vitest'
import type { VerifiedObject } from '../../../src/workflows/object-verify/verdict.ts'
import { MOST_KEPT } from '../../../src/workflows/object-verify/verify-request.ts'
import { VerifyTally } from '../../../src/workflows/object-verify/verify-tally.ts'

function object(objectKey: string, fields: Partial<VerifiedObject>): VerifiedObject {
  return { objectKey, size: 2, storedEtag: '', outcome: 'whole', etag: 'matches', findings: [], ...fields }
}

it('damage is remembered, however much there was to say of other objects before', () => {
  const tally = new VerifyTally()
  const findings = [{ finding: 'not-recorded', message: 'nothing was recorded' }] as const
  for (let number = 0; number < MOST_KEPT + 5; number += 1) {
    tally.add(object(`w${number}`, { findings: [...findings] }), 2)
    tally.add(object(`n${number}`, { outcome: 'not-for-us', code: 'NO_MATCHING_KEY', message: 'no' }), 0)
  }
  tally.add(object('bad', { outcome: 'damaged', code: 'INTEGRITY', message: 'bad' }), 2)
  const { objects, omitted, counts, bytes } = tally.end()
  expect(objects).toHaveLength(MOST_KEPT)
  expect(objects[0]?.objectKey).toBe('bad')
  expect(omitted).toBe(2 * (MOST_KEPT + 5) + 1 - MOST_KEPT)
  expect(counts).toMatchObject({ whole: MOST_KEPT + 5, 'not-for-us': MOST_KEPT + 5, damaged: 1 })
  expect(bytes).toBe(2 * (MOST_KEPT + 5 + 1))
})
