/** A run that ends at any request leaves the old or the new object, and the next run makes it right. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../../src/storage/memory-store.ts'
import type { ObjectTags } from '../../../src/storage/object-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import { rekeyObject, type RekeyedObject } from '../../../src/workflows/rekey/rekey-object.ts'
import { collect, read } from '../../conformance/steps.ts'
import { fault, faultyStore } from '../../storage/faulty-store.ts'
import { changeBy, objectFor, people, reads, type People } from './sealed-scene.ts'

const MIB = 1024 ** 2
const BUCKET = 'animine-data-import-1'
const KEY = 'run 12/reads.bam.c4gh'
const PLACE = { bucket: BUCKET, objectKey: KEY }
const TAGS: ObjectTags = { state: 'raw' }
const READING = { grantee: { type: 'canonical', id: 'project_2000333' }, permission: 'READ' } as const

const plaintexts = { small: randomBytes(100_000), large: randomBytes(6 * MIB) }
let them: People
let objects: Record<keyof typeof plaintexts, Buffer>
let store: Store
let folder: string

beforeAll(async () => {
  them = await people()
  const readers = [them.me, them.bob]
  objects = {
    small: await objectFor(plaintexts.small, readers),
    large: await objectFor(plaintexts.large, readers),
  }
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-rekey-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

async function begin(object: Buffer, versioned: boolean): Promise<void> {
  store = createMemoryStore({ ownerId: 'project_2000222' })
  await store.createBucket(BUCKET)
  if (versioned) await store.enableVersioning(BUCKET)
  await store.putObject(BUCKET, KEY, object, { tags: TAGS })
  const acl = await store.objectAcl(BUCKET, KEY)
  await store.putObjectAcl(BUCKET, KEY, { ...acl, grants: [...acl.grants, READING] })
}

function rekeyed(at: Store, versioned: boolean, deleteReplaced = false): Promise<RekeyedObject> {
  const change = changeBy(them.me, { added: [them.carol.publicKey], removed: [them.bob.publicKey] })
  const records = { folder, endpoint: 'https://a3s.fi' }
  const options = { force: false, versioned, deleteReplaced, partSize: 5 * MIB, records }
  return rekeyObject(at, { source: PLACE, target: PLACE }, change, options)
}

/** Every operation that is asked for on the way, but those that ask nothing of the object. */
const OPERATIONS = [
  'getObject',
  'headObject',
  'objectAcl',
  'objectTags',
  'putObject',
  'createMultipartUpload',
  'uploadPart',
  'copyPart',
  'listParts',
  'completeMultipartUpload',
  'putObjectTags',
  'putObjectAcl',
  'listVersions',
  'deleteVersion',
] as const

/** Whether it may fail after it took effect. A lost answer of CreateMultipartUpload leaves an upload that nobody knows of. */
function takesEffect(operation: (typeof OPERATIONS)[number]): boolean {
  return /^(put|upload|copy|complete|delete)/.test(operation)
}

/** Fails at the n-th call of an operation: before it has any effect, or after it had. Undefined when it is not called as often. */
function stoppedAt(
  operation: (typeof OPERATIONS)[number],
  nth: number,
  after: boolean,
): { at: Store; hit: () => boolean } {
  let calls = 0
  let isHit = false
  const call = (...args: unknown[]): unknown =>
    (store[operation] as (...given: unknown[]) => unknown)(...args)
  const { store: at } = faultyStore(store, {
    [operation]: (...args: unknown[]) => {
      calls += 1
      if (calls !== nth) return call(...args)
      isHit = true
      // Listings are iterated: they fail when the first entry is asked for.
      if (operation.startsWith('list')) return failing(operation)
      return Promise.resolve(after ? call(...args) : undefined).then(() => {
        throw fault(operation, 'STORE_FAILURE', false)
      })
    },
  })
  return { at, hit: () => isHit }
}

// eslint-disable-next-line require-yield -- it fails before the first
async function* failing(operation: string): AsyncGenerator<never> {
  await Promise.resolve()
  throw fault(operation, 'STORE_FAILURE', false)
}

describe.each(['small', 'large'] as const)('a %s object', (kind) => {
  describe.each([
    { versioned: false, deleteReplaced: false },
    { versioned: true, deleteReplaced: true },
  ])('with versions kept: $versioned', ({ versioned, deleteReplaced }) => {
    it.each(OPERATIONS)(
      'stopped at any %s is whole, and right after the next run',
      async (operation) => {
        const plaintext = plaintexts[kind]
        for (const after of takesEffect(operation) ? [false, true] : [false]) {
          for (let nth = 1; nth < 40; nth += 1) {
            await begin(objects[kind], versioned)
            const { at, hit } = stoppedAt(operation, nth, after)
            const first = await rekeyed(at, versioned, deleteReplaced).catch((error: unknown) => error)
            if (!hit()) break
            const isOld = (await read(store, BUCKET, KEY)).equals(objects[kind])
            expect(isOld || (await reads(store, PLACE, them.carol, plaintext))).toBe(true)
            expect(first).toMatchObject({ code: 'STORE_FAILURE' })

            await rekeyed(store, versioned, deleteReplaced)
            const found = [them.carol, them.bob].map((reader) => reads(store, PLACE, reader, plaintext))
            expect(await Promise.all(found)).toEqual([true, false])
            expect(await store.objectTags(BUCKET, KEY)).toEqual(TAGS)
            expect((await store.objectAcl(BUCKET, KEY)).grants).toContainEqual(READING)
            expect(await collect(store.listMultipartUploads(BUCKET))).toEqual([])
            expect(await readdir(folder)).toEqual([])
          }
        }
      },
      60_000,
    )
  })
})

it('parts that were copied before are not copied again, and part 1 is of this run', async () => {
  await begin(objects.large, false)
  const { at } = stoppedAt('completeMultipartUpload', 1, false)
  await expect(rekeyed(at, false)).rejects.toMatchObject({ code: 'STORE_FAILURE' })
  const { store: counted, calls } = faultyStore(store, {})
  const result = await rekeyed(counted, false)
  expect(result).toMatchObject({ way: 'copied', parts: 2 })
  expect(calls.copyPart).toBeUndefined()
  expect(calls.uploadPart).toHaveLength(1)
  expect(await reads(store, PLACE, them.carol, plaintexts.large)).toBe(true)
})

it('an upload for other readers is not gone on with', async () => {
  await begin(objects.large, false)
  const { at } = stoppedAt('completeMultipartUpload', 1, false)
  await expect(rekeyed(at, false)).rejects.toMatchObject({ code: 'STORE_FAILURE' })
  const { me, bob, carol, dave } = them
  const change = changeBy(me, { added: [carol.publicKey, dave.publicKey], removed: [bob.publicKey] })
  const records = { folder, endpoint: 'https://a3s.fi' }
  const options = { force: false, versioned: false, partSize: 5 * MIB, records }
  const { store: counted, calls } = faultyStore(store, {})
  await rekeyObject(counted, { source: PLACE, target: PLACE }, change, options)
  expect(calls.copyPart).toHaveLength(1)
  expect(await reads(store, PLACE, dave, plaintexts.large)).toBe(true)
  expect(await collect(store.listMultipartUploads(BUCKET))).toEqual([])
})
