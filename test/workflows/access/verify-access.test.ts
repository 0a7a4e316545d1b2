import { afterAll, beforeAll, expect, it } from 'vitest'
import type { PolicyStatement } from '../../../src/storage/access/access-store.ts'
import { ROLES, type GrantTerms } from '../../../src/storage/access/roles.ts'
import { grantAccess } from '../../../src/workflows/grant-access.ts'
import { revokeAccess } from '../../../src/workflows/revoke-access.ts'
import type { SecondCaller } from '../../../src/workflows/second-caller.ts'
import {
  AccessDeviatesError,
  verifyAccess,
  type VerifyAccessResult,
} from '../../../src/workflows/verify-access.ts'
import { collect } from './collect.ts'
import { anonymousAt, callerOf } from './second-callers.ts'
import { onEveryStore } from './stage.ts'

onEveryStore('verifying who may do what', (stage) => {
  let anonymous: SecondCaller
  beforeAll(() => {
    anonymous = anonymousAt(stage().endpoint)
  })
  afterAll(() => {
    anonymous.close()
  })

  async function newBucket(): Promise<string> {
    const { group, newBucket } = stage()
    const bucket = newBucket()
    await group.store.createBucket(bucket)
    await group.store.enableVersioning(bucket)
    await group.store.putObject(bucket, 'keys/animine.pub', Buffer.from('key'))
    await group.store.putObject(bucket, 'run_12/reads.c4gh', Buffer.from('sealed'))
    return bucket
  }

  const everyone = () => {
    const { producer, outsider } = stage()
    return { grantees: [callerOf(producer)], outsiders: [callerOf(outsider)], anonymous }
  }

  async function expectClean(bucket: string): Promise<void> {
    const { store } = stage().group
    const versions = await collect(store.listVersions(bucket))
    expect(versions.map(({ objectKey }) => objectKey)).toEqual(['keys/animine.pub', 'run_12/reads.c4gh'])
    expect(await collect(store.listMultipartUploads(bucket))).toEqual([])
  }

  it.each([
    ...ROLES.map((role): GrantTerms => ({ role })),
    ...ROLES.map((role): GrantTerms => ({ role, prefix: 'run_12/' })),
  ])('$role $prefix: every answer is what was granted, and nothing is left', async (terms) => {
    const { group, producer, outsider } = stage()
    const bucket = await newBucket()
    await grantAccess(group.store, { bucket, project: producer.project, terms })
    const result = await verifyAccess(group.store, { bucket, ...everyone() })
    expect(result).toMatchObject({ deviations: 0, unclear: 0, leftovers: [] })
    expect(result.callers.map(({ as, has }) => [as, has])).toEqual([
      ['owner', 'everything'],
      ['grantee', terms.prefix === undefined ? terms.role : `${terms.role} below run_12/`],
      ['outsider', 'nothing'],
      ['anonymous', 'nothing'],
    ])
    const seen = (caller: string): Set<string> => seenBy(result, caller)
    expect(seen('owner')).toEqual(new Set(['allowed']))
    expect(seen(producer.project.name)).toEqual(new Set(['allowed', 'denied']))
    expect(seen(outsider.project.name)).toEqual(new Set(['denied']))
    expect(seen('anonymous')).toEqual(new Set(['denied']))
    await expectClean(bucket)
  })

  it('after a revocation the grantee is denied everything', async () => {
    const { group, producer } = stage()
    const bucket = await newBucket()
    await grantAccess(group.store, { bucket, project: producer.project, terms: { role: 'collaborator' } })
    await revokeAccess(group.store, { bucket, project: producer.project })
    const result = await verifyAccess(group.store, { bucket, ...everyone() })
    expect(result.callers[1]).toMatchObject({ has: 'blocked' })
    expect(result.deviations).toBe(0)
    expect(seenBy(result, producer.project.name)).toEqual(new Set(['denied']))
  })

  it('a grant that ended is worth nothing', async () => {
    const { group, producer } = stage()
    const bucket = await newBucket()
    const until = new Date(Date.now() + 2000)
    await grantAccess(group.store, {
      bucket,
      project: producer.project,
      terms: { role: 'collaborator', until },
    })
    await new Promise((resolve) => setTimeout(resolve, until.getTime() - Date.now() + 1000))
    const result = await verifyAccess(group.store, { bucket, ...everyone() })
    expect(result.callers[1]).toMatchObject({ has: 'nothing' })
    expect(result.deviations).toBe(0)
  })

  it('what a foreign statement allows is neither expected nor held against the server', async () => {
    const { group } = stage()
    const bucket = await newBucket()
    const open: PolicyStatement = {
      Sid: 'Web',
      Effect: 'Allow',
      Principal: '*',
      Action: 's3:GetObject',
      Resource: `arn:aws:s3:::${bucket}/*`,
    }
    await group.store.putBucketPolicy(bucket, { Version: '2012-10-17', Statement: [open] })
    const result = await verifyAccess(group.store, { bucket, grantees: [], outsiders: [], anonymous })
    const read = result.answers.filter(
      ({ caller, operation }) => caller === 'anonymous' && operation === 'GetObject',
    )
    expect(read.map(({ expected, seen }) => [expected, seen])).toContainEqual(['unclear', 'allowed'])
    expect(result.unclear).toBeGreaterThan(0)
  })

  it('a server that lets in more than was granted is told, with what', async () => {
    const { group, producer } = stage()
    const bucket = await newBucket()
    await grantAccess(group.store, { bucket, project: producer.project, terms: { role: 'depositor' } })
    // Credentials that can do more than the grant says: the owner's own, by the producer's name.
    const impostor = { ...callerOf(producer), store: group.store }
    const { outsiders } = everyone()
    const failure: unknown = await verifyAccess(group.store, {
      bucket,
      grantees: [impostor],
      outsiders,
      anonymous,
    }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(AccessDeviatesError)
    expect(failure).toMatchObject({ code: 'ACCESS_DEVIATES' })
    const { answers } = (failure as AccessDeviatesError).result
    const wrong = answers
      .filter(({ deviates, place }) => deviates && place === '')
      .map(({ operation }) => operation)
    expect(wrong).toContain('GetBucketPolicy')
    expect(wrong).toContain('GetObject')
    expect(wrong).not.toContain('PutObject over another')
    expect(answers.filter(({ caller, deviates }) => caller !== impostor.name && deviates)).toEqual([])
  })

  it('nobody is tried who is somebody else than was said', async () => {
    const { group, producer } = stage()
    const bucket = await newBucket()
    await grantAccess(group.store, { bucket, project: producer.project, terms: { role: 'reader' } })
    const before = { bucket, grantees: [], outsiders: [], anonymous }
    const asOwner = verifyAccess(group.store, { ...before, grantees: [callerOf(group)] })
    await expect(asOwner).rejects.toMatchObject({ code: 'USAGE' })
    const noOutsider = verifyAccess(group.store, { ...before, outsiders: [callerOf(producer)] })
    await expect(noOutsider).rejects.toMatchObject({ code: 'USAGE' })
  })
})

/** The server may lack an operation: the sandbox has no tags. */
function seenBy({ answers }: VerifyAccessResult, caller: string): Set<string> {
  const own = answers.filter((answer) => answer.caller === caller && answer.seen !== 'unsupported')
  return new Set(own.map(({ seen }) => seen))
}
