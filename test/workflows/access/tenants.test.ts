import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseGrantee } from '../../../src/storage/access/grantee.ts'
import type { GrantTerms } from '../../../src/storage/access/roles.ts'
import { createS3Store } from '../../../src/storage/s3/s3-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import { checkBucketOwner } from '../../../src/workflows/bucket-owner.ts'
import type { Connection } from '../../../src/workflows/connect.ts'
import { grantAccess } from '../../../src/workflows/grant-access.ts'
import { pinKeys } from '../../../src/workflows/known-keys.ts'
import { openBucket } from '../../../src/workflows/open-bucket.ts'
import { revokeAccess } from '../../../src/workflows/revoke-access.ts'
import { parseBucket } from '../../../src/workflows/s3-url.ts'
import { showAccess } from '../../../src/workflows/show-access.ts'
import { startCephRgw, type CephRgw, type CephUser } from '../../support/ceph-rgw.ts'
import { missing } from '../../support/requirements.ts'

const BYTES = Buffer.from('sealed')
const skipped = missing('rgw')

/** As Keystone makes them: a tenant for each project, and one user of its name. */
const keystone = (digit: string): CephUser => {
  const id = digit.repeat(32)
  return { uid: id, tenant: id, accessKeyId: `AK${digit}`, secretAccessKey: `SK${digit}` }
}
const GROUP = keystone('2')
const PRODUCER = keystone('1')
const LOCAL: CephUser = { uid: 'local', accessKeyId: 'AKlocal', secretAccessKey: 'SKlocal' }

describe.skipIf(skipped !== undefined)(`tenants of Ceph (rgw${skipped ? `; ${skipped}` : ''})`, () => {
  let cluster: CephRgw
  let folder: string
  const stores: Store[] = []
  const connectionOf = (user: CephUser): Connection => {
    const store = createS3Store({ endpoint: cluster.endpoint, credentials: user })
    stores.push(store)
    return {
      store,
      endpoint: cluster.endpoint,
      credentialsExpireAt: async () => undefined,
      close: () => undefined,
    }
  }
  const project = (identity: string) => ({ name: identity, grantee: parseGrantee(identity) })
  const producer = project(`keystone:${PRODUCER.uid}`)
  const group = project(`keystone:${GROUP.uid}`)

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sealift-tenants-'))
    cluster = await startCephRgw()
    for (const user of [GROUP, PRODUCER, LOCAL]) await cluster.createUser(user)
  })
  afterAll(async () => {
    for (const store of stores) store.close()
    await rm(folder, { recursive: true, force: true })
    await cluster.close()
  })

  it('a grant tells the address to use, from the default tenant as well', async () => {
    for (const [owner, bucket, prefix] of [
      [GROUP, 'inbox', `${GROUP.uid}:`],
      [LOCAL, 'local-inbox', ':'],
    ] as const) {
      const request = { bucket, project: producer, terms: { role: 'depositor' }, keyFiles: [] } as const
      const { grant } = await openBucket(connectionOf(owner).store, request)
      expect(grant.address).toBe(`s3://${prefix}${bucket}/`)
      await connectionOf(PRODUCER).store.putObject(parseBucket(grant.address), 'a.c4gh', BYTES)
      expect((await connectionOf(owner).store.headObject(bucket, 'a.c4gh')).size).toBe(BYTES.length)
    }
  })

  it('a bucket of one’s own is not taken for the one of that name whose keys are known', async () => {
    const connection = connectionOf(PRODUCER)
    const { endpoint } = connection
    const knownKeysFile = join(folder, 'known-keys.json')
    const check = (bucket: string) => checkBucketOwner(connection, { bucket, knownKeysFile })
    await connection.store.createBucket('inbox')
    await expect(check('inbox')).resolves.toBeUndefined()

    const pinned = { endpoint, bucket: `${GROUP.uid}:inbox` }
    await pinKeys(knownKeysFile, pinned, [{ name: 'animine', fingerprint: `SHA256:${'A'.repeat(43)}` }])
    await expect(check('inbox')).rejects.toMatchObject({
      code: 'WRONG_BUCKET',
      hints: expect.arrayContaining([expect.stringContaining(`s3://${GROUP.uid}:inbox/`)]) as string[],
    })
    await expect(check(`${GROUP.uid}:inbox`)).resolves.toBeUndefined()
    // Not one's own: then there is no such bucket, and the server says so itself.
    await connection.store.deleteBucket('inbox')
    await expect(check('inbox')).resolves.toBeUndefined()
  })

  it('a bucket of another owner than the one named is refused', async () => {
    const connection = connectionOf(PRODUCER)
    const knownKeysFile = join(folder, 'none.json')
    const check = (bucket: string, owner: ReturnType<typeof project>) =>
      checkBucketOwner(connection, { bucket, owner, knownKeysFile })
    await expect(check(`${GROUP.uid}:inbox`, group)).resolves.toBeUndefined()
    await expect(check(`${GROUP.uid}:inbox`, producer)).rejects.toMatchObject({ code: 'WRONG_BUCKET' })
    await connection.store.createBucket('inbox')
    await expect(check('inbox', group)).rejects.toMatchObject({ code: 'WRONG_BUCKET' })
    await expect(check('inbox', producer)).resolves.toBeUndefined()
    const unknown = project('access-key:somebody')
    await expect(check('inbox', unknown)).rejects.toMatchObject({ code: 'WRONG_BUCKET' })
  })

  it('what ends, or is revoked, ends for a whole Keystone project, its own uploads included', async () => {
    const { store } = connectionOf(GROUP)
    const theirs = connectionOf(PRODUCER).store
    const until = new Date(Math.ceil(Date.now() / 1000 + 4) * 1000)
    const opened = async (bucket: string, terms: GrantTerms): Promise<string> => {
      const { grant } = await openBucket(store, { bucket, project: producer, terms, keyFiles: [] })
      const address = parseBucket(grant.address)
      await theirs.putObject(address, 'a.c4gh', BYTES)
      expect((await theirs.headObject(address, 'a.c4gh')).size).toBe(BYTES.length)
      return address
    }
    const ending = await opened('ending', { role: 'depositor', until })
    const revoked = await opened('revoked', { role: 'depositor' })
    await revokeAccess(store, { bucket: 'revoked', project: producer })
    await sleep(until.getTime() - Date.now() + 1500)
    for (const address of [ending, revoked]) {
      await expect(theirs.headObject(address, 'a.c4gh')).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    }
  })

  it("a grant in SD Connect's form lets the project in, and shows as its own", async () => {
    const { store } = connectionOf(GROUP)
    await store.createBucket('shared')
    await store.putObject('shared', 'keys/animine.pub', BYTES)
    const request = { bucket: 'shared', project: producer, terms: { role: 'collaborator' } } as const
    const granted = await grantAccess(store, { ...request, sdConnect: true })
    expect(granted).toMatchObject({ by: 'sd-connect', mechanism: 'policy', state: 'stored' })
    const theirs = connectionOf(PRODUCER).store
    const address = parseBucket(granted.address)
    await theirs.putObject(address, 'a.c4gh', BYTES)
    expect((await theirs.headObject(address, 'a.c4gh')).size).toBe(BYTES.length)
    expect((await store.headObject('shared', 'a.c4gh')).size).toBe(BYTES.length)
    await expect(theirs.putObject(address, 'keys/animine.pub', BYTES)).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    })
    const { access } = await showAccess(store, { bucket: 'shared' })
    expect(access).toContainEqual(
      expect.objectContaining({ who: producer.name, access: 'collaborator', by: 'sd-connect' }),
    )
  })
})
