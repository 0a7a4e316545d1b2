/** What others do while an object is encrypted anew is not undone. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../../src/storage/store.ts'
import { bytes, collect, expectCode, read } from '../../conformance/steps.ts'
import { fault, faultyStore } from '../../storage/faulty-store.ts'
import { BUCKET, ELSEWHERE, objectsScene, type ObjectsScene } from './objects-scene.ts'

const MIB = 1024 ** 2
const READING = { grantee: { type: 'canonical', id: 'project_2000333' }, permission: 'READ' } as const
const SIZES = [
  ['small', 1000],
  ['large', 14 * MIB],
] as const

let scene: ObjectsScene
let store: Store
let folder: string
beforeEach(async () => {
  scene = await objectsScene()
  store = scene.store
  folder = await mkdtemp(join(tmpdir(), 'sealift-rekey-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

const INTO = { bucket: ELSEWHERE, objectKey: '' }

const deep: ObjectsScene['rekey'] = (more, ...rest) =>
  scene.rekey({ deep: true, change: {}, records: { folder, endpoint: 'memory' }, ...more }, ...rest)

async function deliver(size: number): Promise<void> {
  await scene.put('run/a', randomBytes(size), [scene.group])
  const acl = await store.objectAcl(BUCKET, 'run/a')
  await store.putObjectAcl(BUCKET, 'run/a', { ...acl, grants: [...acl.grants, READING] })
}

async function revoke(versionId?: string): Promise<void> {
  const acl = await store.objectAcl(BUCKET, 'run/a', { versionId })
  const grants = acl.grants.filter((grant) => grant.permission !== 'READ')
  await store.putObjectAcl(BUCKET, 'run/a', { ...acl, grants }, { versionId })
}

const grantsAt = async (bucket: string, objectKey: string) =>
  (await store.objectAcl(bucket, objectKey)).grants

/** While the body is fetched, somebody does something; once. */
function during(act: () => Promise<unknown>, others: Partial<Store> = {}): Store {
  let isDone = false
  return faultyStore(store, {
    getObject: async (...args) => {
      // The second one is of the body: the first of the header.
      if (!isDone && (args[2]?.range?.offset ?? 0) > 0) {
        isDone = true
        await act()
      }
      return store.getObject(...args)
    },
    ...others,
  }).store
}

describe.each(SIZES)('a %s object', (_, size) => {
  it('never takes the place of one that came elsewhere meanwhile', async () => {
    await deliver(size)
    // As Ceph 16.2: whether the object is absent is not asked when it is placed.
    const racing = during(() => store.putObject(ELSEWHERE, 'a', bytes('theirs')), {
      putObject: (bucket, objectKey, body, options) =>
        store.putObject(bucket, objectKey, body, { ...options, ifAbsent: false }),
      completeMultipartUpload: (upload, parts, options) =>
        store.completeMultipartUpload(upload, parts, { ...options, ifAbsent: false }),
    })
    await expectCode(deep({ into: INTO }, racing), 'OBJECT_EXISTS')
    expect((await read(store, ELSEWHERE, 'a')).toString()).toBe('theirs')
    expect(await collect(store.listMultipartUploads(ELSEWHERE))).toEqual([])
    await deep({ into: INTO, force: true }, racing)
    expect(await scene.opens('a', scene.group, ELSEWHERE)).toHaveLength(size)
  })

  it.each([
    ['in place', undefined],
    ['elsewhere', INTO],
  ])('%s does not get a grant again that was revoked meanwhile', async (__, into) => {
    await deliver(size)
    await deep({ into }, during(revoke))
    expect(await grantsAt(into?.bucket ?? BUCKET, into === undefined ? 'run/a' : 'a')).not.toContainEqual(
      READING,
    )
  })
})

describe('a run that was killed when the object was just placed', () => {
  /** Dies before the grants are given. */
  async function killed(into?: typeof INTO): Promise<void> {
    const target = into?.bucket ?? BUCKET
    const { store: dying, calls } = faultyStore(store, {
      headObject: async (...args) => {
        if (calls.completeMultipartUpload !== undefined && args[0] === target) {
          throw fault('HeadObject', 'STORE_FAILURE', false)
        }
        return store.headObject(...args)
      },
    })
    await expectCode(deep({ into }, dying), 'STORE_FAILURE')
  }

  it.each([
    ['gives a grant that is still there', false],
    ['does not give one that was revoked since', true],
  ])('with --into: the next one %s', async (_, isRevoked) => {
    await deliver(7 * MIB)
    await killed(INTO)
    if (isRevoked) await revoke()
    await deep({ into: INTO })
    const grants = await grantsAt(ELSEWHERE, 'a')
    expect(grants.some(({ permission }) => permission === 'READ')).toBe(!isRevoked)
    expect(await readdir(folder)).toEqual([])
  })

  it.each([
    ['gives a grant that the version before has', false],
    ['does not give one that it lost since', true],
  ])('in a bucket with versions: the next one %s', async (_, isRevoked) => {
    await store.enableVersioning(BUCKET)
    await deliver(7 * MIB)
    const { versionId } = await store.headObject(BUCKET, 'run/a')
    await killed()
    if (isRevoked) await revoke(versionId)
    await deep()
    const grants = await grantsAt(BUCKET, 'run/a')
    expect(grants.some(({ permission }) => permission === 'READ')).toBe(!isRevoked)
  })
})
