import { afterAll, beforeAll, expect, it } from 'vitest'
import type { GrantTerms } from '../../../src/storage/access/roles.ts'
import { grantAccess } from '../../../src/workflows/grant-access.ts'
import {
  revokeAccess,
  StillAccessibleError,
  type RevokeResult,
} from '../../../src/workflows/revoke-access.ts'
import type { SecondCaller } from '../../../src/workflows/second-caller.ts'
import { collect } from './collect.ts'
import { anonymousAt, callerOf } from './second-callers.ts'
import { onEveryStore } from './stage.ts'

const BYTES = Buffer.from('sealed')

onEveryStore('proving a revocation', (stage) => {
  let anonymous: SecondCaller
  beforeAll(() => {
    anonymous = anonymousAt(stage().endpoint)
  })
  afterAll(() => {
    anonymous.close()
  })

  /** A bucket with versions that the producer has delivered into, twice under one name. */
  async function delivered(terms: GrantTerms): Promise<{ bucket: string; theirs: string }> {
    const { group, producer, newBucket, address } = stage()
    const bucket = newBucket()
    await group.store.createBucket(bucket)
    await group.store.enableVersioning(bucket)
    await group.store.putObject(bucket, 'ours.c4gh', BYTES)
    await grantAccess(group.store, { bucket, project: producer.project, terms })
    const theirs = address(bucket)
    for (const body of [BYTES, Buffer.from('sealed again')]) {
      await producer.store.putObject(theirs, 'run_12/a.c4gh', body)
    }
    return { bucket, theirs }
  }

  const versionsIn = async (bucket: string): Promise<string[]> =>
    (await collect(stage().group.store.listVersions(bucket))).map(({ objectKey }) => objectKey)

  it.each<GrantTerms>([
    { role: 'depositor' },
    { role: 'collaborator' },
    { role: 'depositor', prefix: 'run_12/' },
  ])(
    '$role $prefix: enforced, since every request of the project itself and of nobody was refused',
    async (terms) => {
      const { group, producer } = stage()
      const { bucket } = await delivered(terms)
      const before = await versionsIn(bucket)
      const provers = { asProject: [callerOf(producer)], anonymous, waits: [] }
      const result = await revokeAccess(group.store, { bucket, project: producer.project, provers })
      expect(result).toMatchObject({ state: 'enforced', unproven: [], leftovers: [], remaining: [] })
      const answers = new Set(result.probes.map(({ answer }) => answer))
      // The sandbox has no tags.
      answers.delete('unsupported')
      expect(answers).toEqual(new Set(['denied']))
      for (const caller of [producer.project.name, 'anonymous']) {
        const tried = result.probes.filter((probe) => probe.caller === caller)
        const own = tried.filter(({ objectKey }) => objectKey === 'run_12/a.c4gh')
        expect(own.map(({ operation }) => operation)).toEqual(
          expect.arrayContaining(['HeadObject', 'GetObject', 'GetObjectAcl']),
        )
        expect(own.some(({ versionId }) => versionId !== undefined)).toBe(true)
        const operations = new Set(tried.map(({ operation }) => operation))
        for (const operation of ['PutObject', 'UploadPart', 'DeleteObject', 'ListObjectsV2'] as const) {
          expect(operations).toContain(operation)
        }
      }
      expect(await versionsIn(bucket)).toEqual(before)
      expect(await collect(group.store.listMultipartUploads(bucket))).toEqual([])
    },
  )

  it('stored, and not more, when nobody tried as the project', async () => {
    const { group, producer } = stage()
    const { bucket } = await delivered({ role: 'depositor' })
    const provers = { asProject: [], anonymous }
    const result = await revokeAccess(group.store, { bucket, project: producer.project, provers })
    expect(result.state).toBe('stored')
    expect(result.unproven).toHaveLength(1)
    expect(result.probes.length).toBeGreaterThan(10)
  })

  it('fails when the server goes on answering, and names the requests', async () => {
    const { group, producer } = stage()
    const { bucket } = await delivered({ role: 'depositor' })
    const before = await versionsIn(bucket)
    // A server that kept the policy and did not follow it would answer the producer as it answers the owner.
    const unhindered = { ...callerOf(producer), store: group.store }
    const failure: unknown = await revokeAccess(group.store, {
      bucket,
      project: producer.project,
      provers: { asProject: [unhindered], anonymous, waits: [0.1] },
    }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(StillAccessibleError)
    const { result } = failure as StillAccessibleError<RevokeResult>
    expect(result.state).toBe('still-accessible')
    expect(result.blocked).toBe(true)
    expect(new Set(result.remaining.map(({ kind }) => kind))).toEqual(new Set(['request']))
    expect(result.remaining.map(({ detail }) => detail)).toContainEqual(
      expect.stringContaining('GetObject of run_12/a.c4gh'),
    )
    expect(await versionsIn(bucket)).toEqual(before)
  })

  it('credentials of somebody else prove nothing: nothing is changed', async () => {
    const { group, producer, outsider } = stage()
    const { bucket, theirs } = await delivered({ role: 'depositor' })
    const provers = { asProject: [callerOf(outsider)], anonymous }
    const revoked = revokeAccess(group.store, { bucket, project: producer.project, provers })
    await expect(revoked).rejects.toMatchObject({ code: 'USAGE' })
    await producer.store.putObject(theirs, 'run_12/b.c4gh', BYTES)
  })

  it('an older version that its uploader made public is closed as well', async () => {
    const { group, producer } = stage()
    const { bucket, theirs } = await delivered({ role: 'depositor' })
    const older = (await collect(group.store.listVersions(bucket))).find(({ isLatest }) => !isLatest)!
    const { versionId } = older
    const acl = await producer.store.objectAcl(theirs, older.objectKey, { versionId })
    const uri = 'http://acs.amazonaws.com/groups/global/AllUsers'
    const grants = [...acl.grants, { grantee: { type: 'group', uri }, permission: 'READ' } as const]
    await producer.store.putObjectAcl(theirs, older.objectKey, { ...acl, grants }, { versionId })
    const open = () => anonymous.store.headObject(theirs, older.objectKey, { versionId })
    await open()

    const provers = { asProject: [callerOf(producer)], anonymous, waits: [] }
    const result = await revokeAccess(group.store, { bucket, project: producer.project, provers })
    expect(result.state).toBe('enforced')
    expect(result.removed.objects).toContain(older.objectKey)
    await expect(open()).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
  })
})
