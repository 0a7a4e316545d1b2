/** Servers with other rules than Ceph's: what is tried there, and that nothing that is not proven is called enforced. */
import { expect, it } from 'vitest'
import { grantAccess } from '../../../src/workflows/grant-access.ts'
import { revokeAccess } from '../../../src/workflows/revoke-access.ts'
import type { SecondCaller } from '../../../src/workflows/second-caller.ts'
import { verifyAccess } from '../../../src/workflows/verify-access.ts'
import { onServers, type Stage } from '../../conformance/sharing/stage.ts'
import { sharingBackends } from '../../support/backends.ts'
import { collect } from './collect.ts'
import { anonymousAt } from './second-callers.ts'

const elsewhere = sharingBackends().filter(({ provider }) => provider !== 'ceph')

onServers('verifying and proving', elsewhere, (stage, { dialect, capabilities }) => {
  // An account's ARN does not say by which canonical id the server calls it.
  const canTell = dialect !== 'aws'
  const callerOf = async ({ store, project }: Stage['group']): Promise<SecondCaller> => {
    const bucket = `${stage().newBucket()}-own`
    await store.createBucket(bucket)
    const { ownerId } = await store.bucketAcl(bucket)
    return { name: project.name, canonicalId: ownerId, store, close: () => undefined }
  }
  const bucketFor = async ({ group, newBucket }: Stage): Promise<string> => {
    const bucket = newBucket()
    await group.store.createBucket(bucket)
    await group.store.putObject(bucket, 'ours.c4gh', Buffer.from('sealed'))
    return bucket
  }
  const shares = capabilities.policy === 'enforced' || capabilities.bucketAcl === 'enforced'

  it.runIf(capabilities.policy === 'enforced')('what was granted is what is answered', async () => {
    const { group, producer, outsider, backend } = stage()
    const bucket = await bucketFor(stage())
    await grantAccess(group.store, { bucket, project: producer.project, terms: { role: 'collaborator' } })
    const anonymous = anonymousAt(backend.endpoint)
    const result = await verifyAccess(group.store, {
      bucket,
      grantees: [await callerOf(producer)],
      outsiders: [await callerOf(outsider)],
      anonymous,
    })
    anonymous.close()
    expect(result).toMatchObject({ deviations: 0, leftovers: [] })
    if (canTell) expect(result.unclear).toBe(0)
    const keys = (await collect(group.store.listObjects(bucket))).map(({ objectKey }) => objectKey)
    expect(keys).toEqual(['ours.c4gh'])
  })

  it.runIf(shares)('a revocation is tried and proven', async () => {
    const { group, producer, backend } = stage()
    const bucket = await bucketFor(stage())
    await grantAccess(group.store, { bucket, project: producer.project, terms: { role: 'collaborator' } })
    const anonymous = anonymousAt(backend.endpoint)
    const provers = { asProject: [await callerOf(producer)], anonymous, waits: [] }
    const result = await revokeAccess(group.store, { bucket, project: producer.project, provers })
    anonymous.close()
    expect(result).toMatchObject({ leftovers: [], remaining: [] })
    expect(new Set(result.probes.map(({ answer }) => answer)).has('denied')).toBe(true)
    expect(result.state).toBe(canTell ? 'enforced' : 'stored')
    expect(result.unproven).toEqual(canTell ? [] : [expect.stringMatching(/does not tell whether profile/)])
  })

  it.skipIf(shares)('where nothing can be shared, nothing is tried', async () => {
    const { group, producer, backend } = stage()
    const bucket = await bucketFor(stage())
    const anonymous = anonymousAt(backend.endpoint)
    const provers = { asProject: [], anonymous }
    const revoked = revokeAccess(group.store, { bucket, project: producer.project, provers })
    await expect(revoked).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    const verified = verifyAccess(group.store, { bucket, grantees: [], outsiders: [], anonymous })
    await expect(verified).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    anonymous.close()
  })
})
