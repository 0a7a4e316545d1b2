import { expect, it } from 'vitest'

import { closeBucket } from '../../../src/workflows/close-bucket.ts'
import { grantAccess } from '../../../src/workflows/grant-access.ts'
import { openBucket } from '../../../src/workflows/open-bucket.ts'
import { revokeAccess } from '../../../src/workflows/revoke-access.ts'
import { createPerson } from '../../support/cli.ts'
import { expectFailure } from '../../support/failure.ts'
import type { Stage } from './stage.ts'
import { get, put, stateOf } from './steps.ts'

/** Of UNSUPPORTED (docs/exit-codes.md). */
const EXIT_CODE = 1

/** A server on which no grant has any effect: everything is refused, whatever it answers, and nothing changes. */
export function refusalStories(stage: () => Stage): void {
  const ownBucket = async (): Promise<string> => {
    const { group, newBucket } = stage()
    const bucket = newBucket()
    await group.store.createBucket(bucket)
    await put(group.s3, bucket, 'reads')
    return bucket
  }

  it.each(['depositor', 'reader', 'collaborator'] as const)('a grant as %s is refused', async (role) => {
    const { group, producer } = stage()
    const bucket = await ownBucket()
    const before = await stateOf(group.s3, bucket)
    const granted = grantAccess(group.store, { bucket, project: producer.project, terms: { role } })
    await expect(granted).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    expect(await stateOf(group.s3, bucket)).toEqual(before)
    expect(await get(group.s3, bucket, 'reads')).toBe('reads')
  })

  it('so are a revocation and a closing: they would prove nothing', async () => {
    const { group, producer } = stage()
    const bucket = await ownBucket()
    const before = await stateOf(group.s3, bucket)
    const unsupported = { code: 'UNSUPPORTED' }
    const revoked = revokeAccess(group.store, { bucket, project: producer.project })
    await expect(revoked).rejects.toMatchObject(unsupported)
    await expect(closeBucket(group.store, { bucket })).rejects.toMatchObject(unsupported)
    await expect(closeBucket(group.store, { bucket, deleteBucket: true })).rejects.toMatchObject(unsupported)
    expect(await stateOf(group.s3, bucket)).toEqual(before)
  })

  it('no bucket is opened, and none is left behind', async () => {
    const { group, producer, newBucket } = stage()
    const bucket = await ownBucket()
    const before = await stateOf(group.s3, bucket)
    const terms = { role: 'depositor' } as const
    const request = { bucket: newBucket(), project: producer.project, terms, keyFiles: [] }
    await expect(openBucket(group.store, request)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    expect(await stateOf(group.s3, bucket)).toEqual(before)
  })

  it('the commands say so, with a way on and an exit code', async () => {
    const { group, backend } = stage()
    const bucket = await ownBucket()
    const before = await stateOf(group.s3, bucket)
    const { identity } = backend.projects.producer
    const person = await createPerson(backend.endpoint, backend.projects.group)
    try {
      const failure = { code: EXIT_CODE, error: /cannot share a bucket between users/ }
      const grant = ['access', 'grant', bucket, '--project', identity]
      expectFailure(await person.sealift(grant), failure)
      expectFailure(await person.sealift(['access', 'revoke', bucket, '--project', identity]), failure)
      const open = ['bucket', 'open', 'sharing-not-here', '--for', identity, '--until', '14d']
      expectFailure(await person.sealift(open), { code: EXIT_CODE, error: /MinIO|share/ })
    } finally {
      await person.leave()
    }
    expect(await stateOf(group.s3, bucket)).toEqual(before)
  })
}
