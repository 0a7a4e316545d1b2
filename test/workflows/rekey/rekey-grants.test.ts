/** Who may fetch an object after somebody rekeyed it who is not the bucket's owner, or may see little. */
import { beforeEach, describe, expect, it } from 'vitest'
import { MemoryWorld } from '../../../src/storage/memory-world.ts'
import { createMemoryStore } from '../../../src/storage/memory-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import { rekeyedObjectsText } from '../../../src/cli/rekey-text.ts'
import { bytes, collect, expectCode, read } from '../../conformance/steps.ts'
import { fault, faultyStore } from '../../storage/faulty-store.ts'
import { BUCKET as OBJECTS_BUCKET, objectsScene, type ObjectsScene } from './objects-scene.ts'
import { BUCKET, KEY, largePlaintext, PLACE, rekeyScene, smallPlaintext } from './rekey-scene.ts'
import { objectFor, reads } from './sealed-scene.ts'

const scene = rekeyScene()
const { rekeyed } = scene
let { them, large, small, store, folder } = scene
beforeEach(() => {
  ;({ them, large, small, store, folder } = scene)
})

const denied = (operation: string): (() => Promise<never>) => {
  return () => Promise.reject(fault(operation, 'ACCESS_DENIED', false))
}

describe('in a bucket of another project', () => {
  it('the owner of the bucket reads what was rekeyed there', async () => {
    const world = new MemoryWorld()
    const owner = createMemoryStore({ ownerId: 'project_2000222', world })
    const member = createMemoryStore({ ownerId: 'project_2000333', world })
    await owner.createBucket(BUCKET)
    const Resource = [`arn:aws:s3:::${BUCKET}`, `arn:aws:s3:::${BUCKET}/*`]
    const Principal = { AWS: ['arn:aws:iam:::user/project_2000333'] }
    await owner.putBucketPolicy(BUCKET, {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal, Action: ['s3:*'], Resource }],
    })
    for (const [object, plaintext] of [
      [small, smallPlaintext],
      [large, largePlaintext],
    ] as const) {
      await owner.putObject(BUCKET, KEY, object)
      // Who gave the object its grants can't be seen: the owner is let in all the same.
      const { store: at } = faultyStore(member, { objectAcl: denied('GetObjectAcl') })
      expect(await rekeyed({ at })).toMatchObject({ grants: 'unknown' })
      const { ownerId, grants } = await owner.objectAcl(BUCKET, KEY)
      expect(ownerId).toBe('project_2000333')
      const grantee = { type: 'canonical', id: 'project_2000222' }
      expect(grants).toContainEqual({ grantee, permission: 'FULL_CONTROL' })
      expect(await reads(owner, PLACE, them.carol, plaintext)).toBe(true)
    }
  })
})

describe('an ACL that can not be read', () => {
  let objects: ObjectsScene
  beforeEach(async () => {
    objects = await objectsScene()
  })

  it('is counted and told; one that can be read is not', async () => {
    await objects.put('run/a', bytes('a'), [objects.group])
    const { store: at } = faultyStore(objects.store, { objectAcl: denied('GetObjectAcl') })
    const told = 'an ACL that could not be read'
    const result = await objects.rekey({}, at)
    expect(result).toMatchObject({ rekeyed: [{ grants: 'unknown' }], totals: { unknownGrants: 1 } })
    expect(rekeyedObjectsText(result)).toContain(told)
    const seen = await objects.rekey()
    expect(seen.rekeyed[0]).not.toHaveProperty('grants')
    expect(seen.totals.unknownGrants).toBe(0)
    expect(rekeyedObjectsText(seen)).not.toContain(told)
  })
})

describe("where the bucket's setting of versions may not be asked for", () => {
  let objects: ObjectsScene
  beforeEach(async () => {
    objects = await objectsScene()
    await objects.store.enableVersioning(OBJECTS_BUCKET)
    await objects.put('run/a', bytes('a'), [objects.group])
  })

  it.each(['may be listed', 'may not be listed either'])(
    'the version before is named when versions %s',
    async (which) => {
      const { versionId } = await objects.store.headObject(OBJECTS_BUCKET, 'run/a')
      const { store: at } = faultyStore(objects.store, {
        bucketVersioning: denied('GetBucketVersioning'),
        ...(which === 'may be listed'
          ? {}
          : {
              listVersions: () => {
                throw fault('ListObjectVersions', 'ACCESS_DENIED', false)
              },
            }),
      })
      const result = await objects.rekey({}, at)
      expect(result).toMatchObject({ rekeyed: [{ olderVersion: versionId }], totals: { olderVersions: 1 } })
    },
  )

  it('what somebody stored in the last moment is not hidden', async () => {
    const newer = await objectFor(bytes('newer'), [objects.group])
    const { store: at } = faultyStore(objects.store, {
      bucketVersioning: denied('GetBucketVersioning'),
      putObject: async (...args) => {
        await objects.store.putObject(OBJECTS_BUCKET, 'run/a', newer)
        return objects.store.putObject(...args)
      },
    })
    await expectCode(objects.rekey({}, at), 'OBJECT_CHANGED')
    expect((await read(objects.store, OBJECTS_BUCKET, 'run/a')).equals(newer)).toBe(true)
  })
})

describe('a small object in a bucket with versions', () => {
  it('that hides a newer one when the run is killed is taken away by the next', async () => {
    await store.enableVersioning(BUCKET)
    const newer = await objectFor(bytes('newer'), [them.dave])
    const records = { folder, endpoint: 'https://a3s.fi' }
    let isRacing = false
    const { store: at } = faultyStore(store, {
      putObject: async (...args) => {
        if (isRacing) await store.putObject(BUCKET, KEY, newer)
        return store.putObject(...args)
      },
      listVersions: (...args) => {
        if (isRacing) throw fault('ListObjectVersions', 'STORE_FAILURE', false)
        return store.listVersions(...args)
      },
    } satisfies Partial<Store>)
    // From now on its owner is known: objects without tags and other grants have nothing else left to be done.
    await store.putObject(BUCKET, 'first', small)
    await rekeyed({ at, versioned: true, records, source: { bucket: BUCKET, objectKey: 'first' } })
    await store.putObject(BUCKET, KEY, small)
    isRacing = true
    await expectCode(rekeyed({ at, versioned: true, records }), 'STORE_FAILURE')
    expect(await reads(store, PLACE, them.carol, smallPlaintext)).toBe(true)
    isRacing = false
    await expectCode(rekeyed({ at, versioned: true, records }), 'OBJECT_CHANGED')
    expect((await read(store, BUCKET, KEY)).equals(newer)).toBe(true)
    expect(await collect(store.listVersions(BUCKET, { prefix: KEY }))).toHaveLength(2)
  })
})
