import { isDeepStrictEqual } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { beforeEach, describe, expect, it } from 'vitest'
import { failure } from '../../src/storage/failure.ts'
import { createMemoryStore } from '../../src/storage/memory-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { closeBucket } from '../../src/workflows/close-bucket.ts'
import { countVersions, deleteVersions } from '../../src/workflows/delete-versions.ts'
import { bytes, collect, expectCode, read } from '../conformance/steps.ts'
import { faultyStore } from '../storage/faulty-store.ts'

const BUCKET = 'animine-data-import-1'
let store: Store

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** An object of three versions, one that was deleted, one from before versions were kept. */
beforeEach(async () => {
  store = createMemoryStore({ ownerId: 'project_2000222' })
  await store.createBucket(BUCKET)
  await store.putObject(BUCKET, 'early', bytes('early'))
  await store.enableVersioning(BUCKET)
  for (const text of ['1', '22', '333']) await store.putObject(BUCKET, 'thrice', bytes(text))
  await store.putObject(BUCKET, 'gone', bytes('gone'))
  await store.deleteObject(BUCKET, 'gone')
})

const ALL = { objects: 2, olderVersions: 3, deleteMarkers: 1, bytes: 15 }

it('counts what a bucket keeps, and deletes all of it', async () => {
  expect(await countVersions(store, BUCKET)).toEqual(ALL)
  expect(await deleteVersions(store, BUCKET)).toEqual({ deleted: ALL, failed: [], failedCount: 0 })
  expect(await collect(store.listVersions(BUCKET))).toEqual([])
  await store.deleteBucket(BUCKET)
})

it('brings nothing back when it is stopped half-way', async () => {
  for (let allowed = 0; allowed <= 5; allowed++) {
    let left = allowed
    const { store: stopping } = faultyStore(store, {
      deleteVersion: async (...args) => {
        if (left-- <= 0) throw new Error('stopped')
        await store.deleteVersion(...args)
      },
    })
    await deleteVersions(stopping, BUCKET).catch(() => undefined)
    await expectCode(store.headObject(BUCKET, 'gone'), 'OBJECT_NOT_FOUND')
    const newest = await read(store, BUCKET, 'thrice').catch(() => '333')
    expect(newest.toString()).toBe('333')
  }
})

it('leaves what the server keeps locked, with all that lies above it, and says so', async () => {
  const locked = (await collect(store.listVersions(BUCKET, { prefix: 'thrice' })))[1]
  const { store: locking } = faultyStore(store, {
    deleteVersion: async (...args) => {
      if (args[2] === locked?.versionId) throw failure('ACCESS_DENIED', { operation: 'DeleteObject' })
      await store.deleteVersion(...args)
    },
  })
  const request = { bucket: BUCKET, deleteBucket: true, versions: 'delete' } as const
  const result = await closeBucket(locking, request)
  expect(result.failed).toMatchObject([{ name: 'thrice', code: 'ACCESS_DENIED' }])
  expect(result).toMatchObject({ deleted: false, kept: { count: 1 } })
  expect((await collect(store.listVersions(BUCKET))).map(({ size }) => size)).toEqual([3, 2])
})

it('names a thousand that have to stay, and counts the others', async () => {
  const { store: locked } = faultyStore(store, {
    async *listVersions() {
      for (let n = 0; n < 1200; n++) {
        const objectKey = `${n}`.padStart(4, '0')
        yield {
          ...({ kind: 'object', objectKey, versionId: '1', isLatest: true, size: 1, etag: '' } as const),
          ...{ lastModified: undefined, ownerId: '' },
        }
      }
    },
    deleteVersion: async () => {
      throw failure('ACCESS_DENIED', { operation: 'DeleteObject' })
    },
  })
  const { failed, failedCount } = await deleteVersions(locked, BUCKET)
  expect([failed.length, failedCount]).toEqual([1000, 1200])
})

it('deletes the objects themselves where no versions are kept', async () => {
  const plain = createMemoryStore()
  await plain.createBucket(BUCKET)
  await plain.putObject(BUCKET, 'a', bytes('a'))
  const { store: without, calls } = faultyStore(plain, {
    // eslint-disable-next-line require-yield
    async *listVersions() {
      throw failure('UNSUPPORTED', { operation: 'ListObjectVersions' })
    },
    bucketVersioning: async () => 'unsupported',
  })
  expect(await deleteVersions(without, BUCKET)).toMatchObject({ deleted: { objects: 1, bytes: 1 } })
  expect(calls.deleteVersion).toBeUndefined()
  expect(await plain.hasAnyVersion(BUCKET)).toBe(false)
})

it('closing only counts, unless it shall delete; and deletes nothing while somebody can get in', async () => {
  const counted = await closeBucket(store, { bucket: BUCKET, deleteBucket: true, versions: 'count' })
  expect(counted).toMatchObject({ versions: { ...ALL, deleted: false }, deleted: false })
  expect(await countVersions(store, BUCKET)).toEqual(ALL)

  const { store: open } = faultyStore(store, {
    objectAcl: async (...args) => {
      const acl = await store.objectAcl(...args)
      const grantee = { type: 'group', uri: 'http://acs.amazonaws.com/groups/global/AllUsers' } as const
      return { ...acl, grants: [...acl.grants, { grantee, permission: 'READ' }] }
    },
  })
  await expectCode(closeBucket(open, { bucket: BUCKET, versions: 'delete' }), 'STILL_ACCESSIBLE')
  expect(await countVersions(store, BUCKET)).toEqual(ALL)

  const deleted = await closeBucket(store, { bucket: BUCKET, deleteBucket: true, versions: 'delete' })
  expect(deleted).toMatchObject({ versions: { ...ALL, deleted: true }, deleted: true })
  expect(await store.bucketState(BUCKET)).toBe('absent')
})

describe('an object of many versions', () => {
  const MANY = 50
  const MANY_AGAIN = { prefix: 'many', signal: undefined }

  beforeEach(async () => {
    for (let n = 0; n < MANY; n++) await store.putObject(BUCKET, 'many', bytes(`${n}`))
    await store.putObject(BUCKET, 'many more', bytes('another'))
  })

  it('is deleted oldest first, a few versions at a time', async () => {
    const ids = (await collect(store.listVersions(BUCKET, { prefix: 'many' })))
      .filter(({ objectKey }) => objectKey === 'many')
      .map(({ versionId }) => versionId)
    for (const atOnce of [1, 7, 10, 50, 1000]) {
      const { store: copied, calls, deleted } = recording()
      const result = await deleteVersions(copied, BUCKET, undefined, { versionsAtOnce: atOnce })
      expect(result).toMatchObject({
        deleted: { objects: 4, olderVersions: 52, deleteMarkers: 1 },
        failed: [],
      })
      expect(deleted.get('many')).toEqual(ids.toReversed())
      // What was not remembered is listed again.
      const again = (calls.listVersions ?? []).filter(([, options]) => isDeepStrictEqual(options, MANY_AGAIN))
      expect(again).toHaveLength(Math.ceil(MANY / atOnce) - 1)
    }
  })

  it('is counted entry by entry, and remembered in part', async () => {
    const entries = 2_000
    // A listed version that nobody remembers any more can be collected; one that is remembered can't.
    const listing = (seen: WeakRef<object>[], most: { alive: number }): Partial<Store> => ({
      async *listVersions() {
        for (let n = 0; n < entries; n++) {
          const shared = { kind: 'object', objectKey: 'many', etag: '', size: 1 } as const
          const entry = {
            ...shared,
            versionId: `${n}`,
            isLatest: n === 0,
            lastModified: undefined,
            ownerId: '',
          }
          seen.push(new WeakRef(entry))
          yield entry
          if (n % 500 === 499) {
            await new Promise((resolve) => setImmediate(resolve))
            collectGarbage()
            const alive = seen.filter((ref) => ref.deref() !== undefined).length
            most.alive = Math.max(most.alive, alive)
          }
        }
      },
    })
    const most = { alive: 0 }
    const { store: long } = faultyStore(store, listing([], most))
    const counted = { objects: 1, olderVersions: entries - 1, deleteMarkers: 0, bytes: entries }
    expect(await countVersions(long, BUCKET)).toEqual(counted)
    expect(most.alive).toBeLessThan(100)
  })

  it('ends where the server goes on listing what it said was deleted', async () => {
    const { store: lying } = faultyStore(store, { deleteVersion: async () => undefined })
    await expectCode(deleteVersions(lying, BUCKET, undefined, { versionsAtOnce: 7 }), 'STORE_FAILURE')
  })

  /** Deletes from a listing of its own: the store stays as it is. */
  function recording() {
    const deleted = new Map<string, string[]>()
    const isDeleted = (objectKey: string, versionId: string) =>
      deleted.get(objectKey)?.includes(versionId) === true
    const faults: Partial<Store> = {
      async *listVersions(...args) {
        for await (const entry of store.listVersions(...args)) {
          if (!isDeleted(entry.objectKey, entry.versionId)) yield entry
        }
      },
      deleteVersion: async (_bucket, objectKey, versionId) => {
        deleted.set(objectKey, [...(deleted.get(objectKey) ?? []), versionId])
      },
    }
    return { ...faultyStore(store, faults), deleted }
  }
})
