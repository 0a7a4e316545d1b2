import { expect, it } from 'vitest'
import { createMemoryStore } from '../../src/storage/memory-store.ts'
import { MemoryWorld } from '../../src/storage/memory-world.ts'
import {
  eachObjectAcl,
  eachVersionAcl,
  removeObjectGrants,
  type SeenObject,
} from '../../src/workflows/object-grants.ts'
import { bytes, collect, expectCode } from '../conformance/steps.ts'

const BUCKET = 'animine-data-import-1'
const [OWNER, PRODUCER] = ['project_2000222', 'project_2000111']
const PUBLIC = {
  grantee: { type: 'group', uri: 'http://acs.amazonaws.com/groups/global/AllUsers' },
  permission: 'READ',
} as const

async function bucketWithVersions() {
  const world = new MemoryWorld()
  const owner = createMemoryStore({ ownerId: OWNER, world })
  const producer = createMemoryStore({ ownerId: PRODUCER, world })
  await owner.createBucket(BUCKET)
  await owner.enableVersioning(BUCKET)
  const acl = await owner.bucketAcl(BUCKET)
  const write = { grantee: { type: 'canonical', id: PRODUCER }, permission: 'WRITE' } as const
  await owner.putBucketAcl(BUCKET, { ...acl, grants: [...acl.grants, write] })
  for (const text of ['first', 'second']) {
    await producer.putObject(BUCKET, 'run', bytes(text), { acl: 'bucket-owner-full-control' })
  }
  await owner.putObject(BUCKET, 'run', bytes('third'))
  await owner.putObject(BUCKET, 'deleted', bytes('x'))
  await owner.deleteObject(BUCKET, 'deleted')
  const versions = await collect(owner.listVersions(BUCKET, { prefix: 'run' }))
  return { owner, producer, versions }
}

it('older versions are looked at, each by its own ACL, and delete markers are not', async () => {
  const { owner, versions } = await bucketWithVersions()
  const seen: SeenObject[] = []
  await eachVersionAcl(owner, BUCKET, (object) => void seen.push(object))
  const told = seen.map(({ objectKey, versionId, acl }) => [objectKey, versionId, acl?.ownerId])
  expect(told).toHaveLength(4)
  expect(told).toEqual(
    expect.arrayContaining([
      ['run', undefined, OWNER],
      ['run', versions[1]?.versionId, PRODUCER],
      ['run', versions[2]?.versionId, PRODUCER],
      ['deleted', expect.any(String), OWNER],
    ]),
  )
  const newest: string[] = []
  await eachObjectAcl(owner, BUCKET, ({ objectKey }) => void newest.push(objectKey))
  expect(newest).toEqual(['run'])
})

it('an older version that its uploader made public is closed, and named once', async () => {
  const { owner, producer, versions } = await bucketWithVersions()
  const [, second, first] = versions.map(({ versionId }) => ({ versionId }))
  const acl = await producer.objectAcl(BUCKET, 'run', first)
  await producer.putObjectAcl(BUCKET, 'run', { ...acl, grants: [...acl.grants, PUBLIC] }, first)
  const isGone = (id: string) => id === PRODUCER
  const removal = { bucketOwnerId: OWNER, isGone, everyone: false }
  expect(await removeObjectGrants(owner, BUCKET, removal)).toEqual(['run'])
  const only = [{ grantee: { type: 'canonical', id: OWNER }, permission: 'FULL_CONTROL' }]
  for (const version of [first, second]) {
    expect((await owner.objectAcl(BUCKET, 'run', version)).grants).toEqual(only)
  }
  await expectCode(owner.headObject(BUCKET, 'deleted'), 'OBJECT_NOT_FOUND')
  expect(await removeObjectGrants(owner, BUCKET, removal)).toEqual([])
})
