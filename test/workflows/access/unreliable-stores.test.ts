import { providerNamed } from '../../../src/storage/provider/providers.ts'
import { describe, expect, it } from 'vitest'
import type { PolicyDocument } from '../../../src/storage/access/access-store.ts'
import { StorageError } from '../../../src/storage/errors.ts'
import { createMemoryStore } from '../../../src/storage/memory-store.ts'
import { MemoryWorld } from '../../../src/storage/memory-world.ts'
import type { Store } from '../../../src/storage/store.ts'
import { grantAccess } from '../../../src/workflows/grant-access.ts'
import { openBucket } from '../../../src/workflows/open-bucket.ts'
import { revokeAccess } from '../../../src/workflows/revoke-access.ts'
import type { KnownProject } from '../../../src/workflows/sharing.ts'
import { showAccess } from '../../../src/workflows/show-access.ts'
import { collect } from './collect.ts'

const PRODUCER: KnownProject = {
  name: 'producer',
  grantee: { type: 'rgw', tenant: undefined, uid: 'producer' },
}
const bucket = 'inbox'
const BYTES = Buffer.from('sealed')

interface Players {
  group: Store
  producer: Store
}

async function players(): Promise<Players> {
  const world = new MemoryWorld()
  const group = createMemoryStore({ ownerId: 'group', world })
  await group.createBucket(bucket)
  return { group, producer: createMemoryStore({ ownerId: 'producer', world }) }
}

/** The store with some of its methods replaced. */
function changed(store: Store, methods: Partial<Store>): Store {
  return new Proxy(store, {
    get(target, name) {
      const replaced: unknown = Reflect.get(methods, name)
      if (replaced !== undefined) return replaced
      const method: unknown = Reflect.get(target, name)
      return typeof method === 'function' ? (method.bind(target) as unknown) : method
    },
  })
}

const depositor = { bucket, project: PRODUCER, terms: { role: 'depositor' } } as const
const without = (operation: string) => async () => {
  throw new StorageError('UNSUPPORTED', 'the server has no policies', { operation, bucket })
}

describe('a grant is believed only when it was read back', () => {
  it('a server that says 200 and keeps nothing is found out', async () => {
    const { group } = await players()
    const forgetful = changed(group, { putBucketPolicy: async () => undefined })
    await expect(grantAccess(forgetful, depositor)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    await expect(revokeAccess(forgetful, depositor)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })

  it('somebody who writes the policy at the same moment is not overwritten', async () => {
    const { group } = await players()
    const theirs: PolicyDocument = {
      Statement: [{ Sid: 'Theirs', Effect: 'Allow', Principal: { AWS: 'x' }, Action: 's3:*', Resource: '*' }],
    }
    let reads = 0
    const busy = changed(group, {
      bucketPolicy: async (...args) => {
        reads += 1
        if (reads === 2) await group.putBucketPolicy(bucket, theirs)
        return group.bucketPolicy(...args)
      },
    })
    await expect(grantAccess(busy, depositor)).rejects.toMatchObject({ code: 'POLICY_CHANGED' })
    expect(await group.bucketPolicy(bucket)).toEqual(theirs)
  })

  it('somebody who overwrites ours right after is noticed', async () => {
    const { group } = await players()
    const overwritten = changed(group, {
      putBucketPolicy: async (name) => {
        const Principal = { AWS: 'arn:aws:iam:::user/other' }
        const statement = {
          Sid: 'Theirs',
          Effect: 'Allow',
          Principal,
          Action: 's3:Get*',
          Resource: '*',
        } as const
        await group.putBucketPolicy(name, { Statement: [statement] })
      },
    })
    await expect(grantAccess(overwritten, depositor)).rejects.toMatchObject({
      code: 'POLICY_CHANGED',
      hints: expect.arrayContaining([expect.stringContaining('SealiftOwner')]) as string[],
    })
  })

  it('an access that would have ended already is not given', async () => {
    const { group } = await players()
    const ended = { ...depositor, terms: { role: 'reader', until: new Date(0) } } as const
    await expect(grantAccess(group, ended)).rejects.toMatchObject({ code: 'INVALID_DURATION' })
    expect(await group.bucketPolicy(bucket)).toBeUndefined()
  })

  it('an identity of another kind of server is refused: it would be stored and mean nobody', async () => {
    const { group } = await players()
    const project = { name: 'aws', grantee: { type: 'canonical', id: 'a'.repeat(64) } } as const
    await expect(grantAccess(group, { ...depositor, project })).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })
})

describe('a server that has ACLs and ignores them (MinIO)', () => {
  it('is refused for every grant, revocation and look', async () => {
    const { group } = await players()
    const pretending = changed(group, { bucketAcl: async () => ({ ownerId: '', grants: [] }) })
    const unsupported = { code: 'UNSUPPORTED' }
    await expect(grantAccess(pretending, depositor)).rejects.toMatchObject(unsupported)
    await expect(revokeAccess(pretending, depositor)).rejects.toMatchObject(unsupported)
    await expect(showAccess(pretending, { bucket })).rejects.toMatchObject(unsupported)
    const request = { ...depositor, bucket: 'fresh', keyFiles: [] }
    await expect(openBucket(pretending, request)).rejects.toMatchObject(unsupported)
    expect(await group.bucketState('fresh')).toBe('absent')
  })
})

describe('a server without bucket policies', () => {
  async function withoutPolicies(): Promise<Players> {
    const { group, producer } = await players()
    const methods = {
      bucketPolicy: without('GetBucketPolicy'),
      putBucketPolicy: without('PutBucketPolicy'),
      provider: async () => providerNamed('generic'),
    }
    return { group: changed(group, methods), producer }
  }

  it('is not taken for one where the kind of server has them: nothing is revoked by half', async () => {
    const { group, producer } = await players()
    await grantAccess(group, depositor)
    const between = changed(group, { bucketPolicy: without('GetBucketPolicy') })
    await expect(revokeAccess(between, { bucket, project: PRODUCER })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('cannot be read') as string,
    })
    await producer.putObject(bucket, 'still.c4gh', BYTES)
  })

  it('shares what is there with a reader, object by object', async () => {
    const { group, producer } = await withoutPolicies()
    await group.putObject(bucket, 'a.c4gh', BYTES)
    const granted = await grantAccess(group, { ...depositor, terms: { role: 'reader' } })
    expect(granted).toMatchObject({ mechanism: 'acl', state: 'stored', objects: 1 })
    const entries = await collect(producer.listObjects(bucket))
    expect(entries.map(({ objectKey }) => objectKey)).toEqual(['a.c4gh'])
    expect((await producer.headObject(bucket, 'a.c4gh')).size).toBe(BYTES.length)

    const revoked = await revokeAccess(group, { bucket, project: PRODUCER })
    expect(revoked).toMatchObject({
      mechanism: 'acl',
      blocked: false,
      remaining: [],
      removed: { objects: ['a.c4gh'] },
    })
    await expect(producer.headObject(bucket, 'a.c4gh')).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    await expect(collect(producer.listObjects(bucket))).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    })
  })

  it('has no depositors', async () => {
    const { group } = await withoutPolicies()
    await expect(grantAccess(group, depositor)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    expect(
      (await group.bucketAcl(bucket)).grants.filter(({ permission }) => permission !== 'FULL_CONTROL'),
    ).toEqual([])
  })

  it('leaves a collaborator what it uploaded, and revoking says so instead of claiming success', async () => {
    const { group, producer } = await withoutPolicies()
    await grantAccess(group, { ...depositor, terms: { role: 'collaborator' } })
    await producer.putObject(bucket, 'theirs.c4gh', BYTES)
    await expect(revokeAccess(group, { bucket, project: PRODUCER })).rejects.toMatchObject({
      code: 'STILL_ACCESSIBLE',
      result: { remaining: [{ objectKey: 'theirs.c4gh' }] },
    })
  })
})
