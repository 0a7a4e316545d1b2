/** A deep run that ends at any request leaves the old or the new object, and the next run makes it right. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { collect } from '../../conformance/steps.ts'
import { fault, faultyStore } from '../../storage/faulty-store.ts'
import { BUCKET, objectsScene, type ObjectsScene } from './objects-scene.ts'
import { objectFor } from './sealed-scene.ts'

const TAGS = { state: 'raw' }
const READING = { grantee: { type: 'canonical', id: 'project_2000333' }, permission: 'READ' } as const
const PLAINTEXTS = { small: randomBytes(1000), large: randomBytes(7 * 1024 ** 2) }

const EITHER = [
  'getObject',
  'headObject',
  'objectAcl',
  'objectTags',
  'putObjectAcl',
  'deleteVersion',
] as const
const IN_PARTS = ['createMultipartUpload', 'uploadPart', 'completeMultipartUpload'] as const

/** Every operation that is asked for on the way. */
const OPERATIONS = { small: [...EITHER, 'putObject'], large: [...EITHER, ...IN_PARTS] } as const

let scene: ObjectsScene
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-rekey-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

async function begin(plaintext: Uint8Array): Promise<void> {
  scene = await objectsScene()
  const { store, group, lost } = scene
  await store.enableVersioning(BUCKET)
  await store.putObject(BUCKET, 'run/a', await objectFor(plaintext, [group, lost]), { tags: TAGS })
  const acl = await store.objectAcl(BUCKET, 'run/a')
  await store.putObjectAcl(BUCKET, 'run/a', { ...acl, grants: [...acl.grants, READING] })
}

function deep(store = scene.store) {
  const change = { removed: [scene.lost.publicKey] }
  const records = { folder, endpoint: 'memory' }
  return scene.rekey({ deep: true, deleteReplaced: true, change, records }, store)
}

/** Fails at the n-th call of an operation: before it has any effect, or after it had. */
function stoppedAt(operation: (typeof OPERATIONS)['small' | 'large'][number], nth: number, after: boolean) {
  let calls = 0
  const call = scene.store[operation].bind(scene.store) as (...args: unknown[]) => Promise<unknown>
  const { store } = faultyStore(scene.store, {
    [operation]: async (...args: unknown[]) => {
      calls += 1
      if (calls !== nth) return call(...args)
      if (after) await call(...args)
      throw fault(operation, 'STORE_FAILURE', false)
    },
  })
  return { store, wasHit: () => calls >= nth }
}

it.each(
  (['small', 'large'] as const).flatMap((size) =>
    OPERATIONS[size].map((operation) => [size, operation] as const),
  ),
)('a %s object, at each %s', async (size, operation) => {
  const plaintext = PLAINTEXTS[size]
  const moments = /^(put|upload|complete|delete)/.test(operation) ? [false, true] : [false]
  let hits = 0
  for (const after of moments) {
    for (let nth = 1; nth < 20; nth += 1) {
      await begin(plaintext)
      const { store, wasHit } = stoppedAt(operation, nth, after)
      const outcome = await deep(store).catch((error: unknown) => error)
      expect((await scene.opens('run/a', scene.group))?.equals(plaintext)).toBe(true)
      if (!wasHit()) break
      hits += 1
      expect(outcome).toMatchObject({ code: 'STORE_FAILURE' })
      await deep()
      expect((await scene.opens('run/a', scene.group))?.equals(plaintext)).toBe(true)
      expect(await scene.opens('run/a', scene.lost)).toBeUndefined()
      expect(await scene.store.objectTags(BUCKET, 'run/a')).toEqual(TAGS)
      expect((await scene.store.objectAcl(BUCKET, 'run/a')).grants).toContainEqual(READING)
      expect(await collect(scene.store.listMultipartUploads(BUCKET))).toEqual([])
      expect(await collect(scene.store.listVersions(BUCKET))).toHaveLength(1)
      expect(await readdir(folder)).toEqual([])
    }
  }
  expect(hits).toBeGreaterThan(0)
})
