/** Which objects of a place are meant, and where new ones may not go. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../../src/storage/store.ts'
import { bytes, collect, expectCode } from '../../conformance/steps.ts'
import { fault, faultyStore } from '../../storage/faulty-store.ts'
import { BUCKET, objectsScene, type ObjectsScene } from './objects-scene.ts'

let scene: ObjectsScene
beforeEach(async () => {
  scene = await objectsScene()
})

it('of what lies below keys/ only published keys are left as they are', async () => {
  const { store, group, anna } = scene
  await scene.put('keys/sample.c4gh', bytes('reads'), [group])
  await scene.put('keys/old/b', bytes('reads'), [group])
  await store.putObject(BUCKET, 'keys/anna.pub', bytes('a public key file, or so it seems'))
  const result = await scene.rekey({ place: { bucket: BUCKET, objectKey: '' } })
  expect(result).toMatchObject({ totals: { objects: 2 }, skipped: { publishedKeys: 1, notCrypt4gh: 0 } })
  for (const key of ['keys/sample.c4gh', 'keys/old/b']) expect(await scene.opens(key, anna)).toBeDefined()
})

describe('one bucket under two names', () => {
  /** As Ceph: a bucket of the own tenant is `bucket` and `tenant:bucket`. */
  const aliased = (): Store => {
    const named = (bucket: unknown): unknown => (bucket === `mine:${BUCKET}` ? BUCKET : bucket)
    return new Proxy(scene.store, {
      get(target, name: keyof Store) {
        return (first: unknown, ...rest: never[]): unknown => {
          const isName = typeof first === 'object' && first !== null && 'bucket' in first
          const to = isName ? { ...first, bucket: named(first.bucket) } : named(first)
          const operation = Reflect.get(target, name) as (...args: unknown[]) => unknown
          return operation.call(target, to, ...rest)
        }
      },
    })
  }
  const into = (objectKey: string) => ({ bucket: `mine:${BUCKET}`, objectKey })

  beforeEach(() => scene.put('run/a', bytes('reads'), [scene.group]))

  it.each(['run/new/', 'run/', ''])('new objects never go among the old ones: %j', async (objectKey) => {
    await expectCode(scene.rekey({ into: into(objectKey) }, aliased()), 'USAGE')
    expect(await collect(scene.store.listObjects(BUCKET))).toHaveLength(1)
  })

  it('that the server does not tell is refused, but only where the keys are in each other’s way', async () => {
    const { store: silent } = faultyStore(aliased(), {
      bucketAcl: async () => {
        throw fault('GetBucketAcl', 'ACCESS_DENIED', false)
      },
    })
    await expectCode(scene.rekey({ into: into('run/new/') }, silent), 'USAGE')
    await scene.rekey({ into: into('apart/') }, silent)
    expect(await scene.opens('apart/a', scene.anna)).toBeDefined()
  })
})
