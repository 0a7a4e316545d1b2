import { beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../src/storage/store.ts'
import { withRetry } from '../../src/storage/with-retry.ts'
import type { KeptVersions } from '../../src/workflows/delete-versions.ts'
import {
  removeObjects,
  type RemovedEntry,
  type RemoveObjectsRequest,
} from '../../src/workflows/remove-objects.ts'
import { bytes, collect, expectCode, read } from '../conformance/steps.ts'
import { fault, faultyStore } from '../storage/faulty-store.ts'
import { A, keysIn, place, twoBuckets } from './copies-scene.ts'

/** Attempts without waits. */
const PATIENT = { sleep: async () => undefined }

let store: Store

beforeEach(async () => {
  ;({ store } = await twoBuckets())
  for (const objectKey of ['keys/group.pub', 'run_1/a', 'run_1/b/c', 'run_10/d']) {
    await store.putObject(A, objectKey, bytes(objectKey))
  }
})

async function remove(address: string, more: Partial<RemoveObjectsRequest> = {}, over: Store = store) {
  const entries: RemovedEntry[] = []
  const onRemoved = (entry: RemovedEntry) => entries.push(entry)
  const request = { place: place(address), recursive: address.endsWith('/'), onRemoved, ...more }
  return { ...(await removeObjects(over, request)), entries }
}

describe('deleting', () => {
  it('takes one object, and nothing that only begins so', async () => {
    await store.putObject(A, 'run_1', bytes('the object of that name'))
    expect(await remove(`${A}/run_1`)).toMatchObject({
      removed: { objects: 1, bytes: 23 },
      olderVersions: 'none',
    })
    expect(await keysIn(store, A)).toEqual(['keys/group.pub', 'run_1/a', 'run_1/b/c', 'run_10/d'])
  })

  it('takes all below a prefix, by name only with --recursive and a slash', async () => {
    await expectCode(remove(`${A}/run_1`, { recursive: true }), 'USAGE')
    await expectCode(remove(`${A}/run_1/`, { recursive: false }), 'USAGE')
    await expectCode(remove(`${A}/`, { recursive: false }), 'USAGE')
    expect(await keysIn(store, A)).toHaveLength(4)
    expect(await remove(`${A}/run_1/`)).toMatchObject({ removed: { objects: 2 } })
    expect(await keysIn(store, A)).toEqual(['keys/group.pub', 'run_10/d'])
  })

  it('of what does not exist fails', async () => {
    await expectCode(remove(`${A}/nothing`), 'OBJECT_NOT_FOUND')
    await expectCode(remove(`${A}/nothing/`), 'OBJECT_NOT_FOUND')
    await expectCode(remove(`${A}/nothing`, { versions: 'all' }), 'OBJECT_NOT_FOUND')
    await expectCode(remove(`${A}/run_1/`, { include: ['*.bam'] }), 'OBJECT_NOT_FOUND')
    await expectCode(remove(`${A}/run_1/`, { include: ['*.bam'], versions: 'all' }), 'OBJECT_NOT_FOUND')
  })

  it('keeps published keys, unless they are named', async () => {
    expect(await remove(`${A}/`)).toMatchObject({ removed: { objects: 3 }, leftOut: { publishedKeys: 1 } })
    expect(await remove(`${A}/`)).toMatchObject({ removed: { objects: 0 }, leftOut: { publishedKeys: 1 } })
    expect(await remove(`${A}/`, { versions: 'all' })).toMatchObject({ leftOut: { publishedKeys: 1 } })
    expect(await keysIn(store, A)).toEqual(['keys/group.pub'])
    expect(await remove(`${A}/keys/`)).toMatchObject({ removed: { objects: 1 } })
    await store.putObject(A, 'keys/group.pub', bytes('again'))
    expect(await remove(`${A}/`, { keys: true })).toMatchObject({ removed: { objects: 1 } })
  })

  it('takes what patterns choose', async () => {
    expect(await remove(`${A}/`, { include: ['run_1'], exclude: ['c'] })).toMatchObject({
      removed: { objects: 1 },
      leftOut: { byPattern: 2 },
    })
    expect(await keysIn(store, A)).not.toContain('run_1/a')
    await expectCode(remove(`${A}/run_10/d`, { exclude: ['d'] }), 'USAGE')
  })

  it('asks with what it counted, once, before anything is deleted', async () => {
    const asked: KeptVersions[] = []
    const confirm = async (counted: KeptVersions): Promise<void> => {
      asked.push(counted)
      throw fault('asked', 'INTERRUPTED', false)
    }
    await expectCode(remove(`${A}/run_1/`, { confirm }), 'INTERRUPTED')
    await expectCode(remove(`${A}/run_1/`, { confirm, versions: 'all' }), 'INTERRUPTED')
    expect(asked).toEqual(Array(2).fill({ objects: 2, olderVersions: 0, deleteMarkers: 0, bytes: 16 }))
    expect(await keysIn(store, A)).toHaveLength(4)
  })

  it('leaves what was delivered after it was counted', async () => {
    const confirm = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      await store.putObject(A, 'run_1/new', bytes('new'))
    }
    expect(await remove(`${A}/run_1/`, { confirm })).toMatchObject({ removed: { objects: 2 } })
    expect(await keysIn(store, A)).toContain('run_1/new')
    await store.enableVersioning(A)
    await remove(`${A}/run_1/`, {
      versions: 'all',
      confirm: async () => {
        await new Promise((resolve) => setTimeout(resolve, 5))
        await store.putObject(A, 'run_1/new', bytes('newer'))
      },
    })
    expect((await read(store, A, 'run_1/new')).toString()).toBe('newer')
    expect(await collect(store.listVersions(A, { prefix: 'run_1/' }))).toHaveLength(1)
  })

  it('leaves what was stored anew since it was listed, and says so', async () => {
    let hasAgreed = false
    const confirm = async (): Promise<void> => {
      hasAgreed = true
    }
    const { store: busy } = faultyStore(store, {
      async *listObjects(...args) {
        // A page is read whole, and its end is come to later.
        const page = await collect(store.listObjects(...args))
        for (const entry of page) {
          yield entry
          if (hasAgreed && entry.objectKey === 'run_1/a')
            await store.putObject(A, 'run_1/b/c', bytes('a newer c'))
        }
      },
    })
    const result = await remove(`${A}/run_1/`, { concurrency: 1, confirm }, busy)
    expect(result).toMatchObject({
      removed: { objects: 1 },
      failed: [{ name: 'run_1/b/c', code: 'OBJECT_CHANGED' }],
    })
    expect((await read(store, A, 'run_1/b/c')).toString()).toBe('a newer c')
  })

  it('does not repeat a request whose answer was lost on what was stored since', async () => {
    const { store: losing } = faultyStore(store, {
      deleteObject: async (...args) => {
        await store.deleteObject(...args)
        await store.putObject(A, 'run_10/d', bytes('a newer d'))
        throw fault('DeleteObject')
      },
    })
    await expectCode(remove(`${A}/run_10/d`, {}, withRetry(losing, PATIENT)), 'OBJECT_CHANGED')
    expect((await read(store, A, 'run_10/d')).toString()).toBe('a newer d')
  })

  it('by those who may delete and not look goes by the listing', async () => {
    const { store: blind } = faultyStore(store, {
      headObject: async () => {
        throw fault('HeadObject', 'ACCESS_DENIED', false)
      },
    })
    expect(await remove(`${A}/run_1/`, {}, blind)).toMatchObject({ removed: { objects: 2 }, failed: [] })
    expect(await keysIn(store, A)).toEqual(['keys/group.pub', 'run_10/d'])
  })

  it('with a dry run lists and deletes nothing', async () => {
    const { store: reading, calls } = faultyStore(store, {})
    const result = await remove(`${A}/run_1/`, { dryRun: true }, reading)
    expect(result).toMatchObject({ dryRun: true, removed: { objects: 2, bytes: 16 } })
    expect(result.entries).toEqual([
      { objectKey: 'run_1/a', size: 7 },
      { objectKey: 'run_1/b/c', size: 9 },
    ])
    await remove(`${A}/run_1/`, { dryRun: true, versions: 'all' }, reading)
    expect(calls.deleteObject ?? calls.deleteVersion).toBeUndefined()
  })

  it('goes on with the others when one has to stay', async () => {
    const { store: locked } = faultyStore(store, {
      deleteObject: async (...args) => {
        if (args[1] === 'run_1/a') throw fault('DeleteObject', 'ACCESS_DENIED', false)
        await store.deleteObject(...args)
      },
    })
    expect(await remove(`${A}/run_1/`, {}, locked)).toMatchObject({
      removed: { objects: 1 },
      failed: [{ name: 'run_1/a', code: 'ACCESS_DENIED' }],
      failedCount: 1,
    })
  })

  it('finds out a server that answers and deletes nothing', async () => {
    const { store: deaf } = faultyStore(store, { deleteObject: async () => undefined })
    await expectCode(remove(`${A}/run_1/`, {}, deaf), 'STORE_FAILURE')
    await expectCode(remove(`${A}/run_10/d`, {}, deaf), 'STORE_FAILURE')
    await expectCode(remove(`${A}/run_1/`, { versions: 'all' }, deaf), 'STORE_FAILURE')
  })
})

describe('where versions are kept', () => {
  beforeEach(async () => {
    await store.enableVersioning(A)
    await store.putObject(A, 'run_1/a', bytes('another a'))
    await store.putObject(A, 'run_1/a0', bytes('begins so'))
  })

  const versions = async () =>
    (await collect(store.listVersions(A, { prefix: 'run_1/' }))).map(
      ({ objectKey, kind, isLatest }) => `${objectKey} ${kind}${isLatest ? ' newest' : ''}`,
    )

  it('what is deleted stays readable, and how much that is is told', async () => {
    expect(await remove(`${A}/run_1/a`)).toMatchObject({
      removed: { objects: 1, bytes: 9 },
      olderVersions: 'kept',
      kept: { objects: 0, olderVersions: 2, deleteMarkers: 1, bytes: 16 },
    })
    const { store: blind } = faultyStore(store, {
      bucketVersioning: async () => {
        throw fault('GetBucketVersioning', 'ACCESS_DENIED', false)
      },
      // eslint-disable-next-line require-yield
      async *listVersions() {
        throw fault('ListObjectVersions', 'ACCESS_DENIED', false)
      },
    })
    const result = await remove(`${A}/run_1/a0`, {}, blind)
    expect(result).toMatchObject({ olderVersions: 'unknown' })
    expect(result.kept).toBeUndefined()
  })

  it('--versions deletes one object for good, and no other', async () => {
    const result = await remove(`${A}/run_1/a`, { versions: 'all' })
    expect(result).toMatchObject({ removed: { objects: 1, olderVersions: 1, bytes: 16 }, failed: [] })
    expect(result.entries).toMatchObject([{ versionId: 'null' }, { kind: 'object' }])
    expect(await versions()).toEqual(['run_1/a0 object newest', 'run_1/b/c object newest'])
  })

  it('--versions deletes what is deleted already', async () => {
    await remove(`${A}/run_1/`)
    expect(await keysIn(store, A)).not.toContain('run_1/a')
    expect(await remove(`${A}/run_1/`, { versions: 'all' })).toMatchObject({
      removed: { objects: 0, olderVersions: 4, deleteMarkers: 3 },
    })
    expect(await versions()).toEqual([])
  })

  it('--older-versions keeps what a listing shows, and clears what delete markers hide', async () => {
    await remove(`${A}/run_1/a0`)
    expect(await remove(`${A}/run_1/`, { versions: 'older' })).toMatchObject({
      removed: { objects: 0, olderVersions: 2, deleteMarkers: 1, bytes: 16 },
    })
    expect(await versions()).toEqual(['run_1/a object newest', 'run_1/b/c object newest'])
    expect(await remove(`${A}/run_1/`, { versions: 'older' })).toMatchObject({
      removed: { olderVersions: 0 },
    })
  })

  it('--older-versions keeps what was the newest when the user agreed', async () => {
    const older = {
      versions: 'older' as const,
      confirm: async () => {
        await new Promise((resolve) => setTimeout(resolve, 5))
        await store.putObject(A, 'run_1/a', bytes('a third a'))
        await store.deleteObject(A, 'run_1/a0')
      },
    }
    expect(await remove(`${A}/run_1/`, older)).toMatchObject({ removed: { olderVersions: 1, bytes: 7 } })
    const kept = await collect(store.listVersions(A, { prefix: 'run_1/a' }))
    expect(kept.map(({ kind, size }) => [kind, size])).toEqual([
      ['object', 9],
      ['object', 9],
      ['delete-marker', 0],
      ['object', 9],
    ])
  })

  it('--older-versions clears below a marker that something was stored on since', async () => {
    await remove(`${A}/run_1/a`)
    const confirm = async () => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      await store.putObject(A, 'run_1/a', bytes('a third a'))
    }
    expect(await remove(`${A}/run_1/a`, { versions: 'older', confirm })).toMatchObject({
      removed: { olderVersions: 2, deleteMarkers: 1 },
    })
    expect(await collect(store.listVersions(A, { prefix: 'run_1/a' }))).toMatchObject([
      { objectKey: 'run_1/a', size: 9, isLatest: true },
      { objectKey: 'run_1/a0' },
    ])
  })

  it('what has to stay is named; when all has to, that is the failure', async () => {
    const { store: locked } = faultyStore(store, {
      deleteVersion: async () => {
        throw fault('DeleteObject', 'ACCESS_DENIED', false)
      },
    })
    await expectCode(remove(`${A}/run_1/`, { versions: 'all' }, locked), 'ACCESS_DENIED')
    const { store: half } = faultyStore(store, {
      deleteVersion: async (...args) => {
        if (args[1] === 'run_1/a') throw fault('DeleteObject', 'ACCESS_DENIED', false)
        await store.deleteVersion(...args)
      },
    })
    const result = await remove(`${A}/run_1/`, { versions: 'all' }, half)
    expect(result).toMatchObject({ failed: [{ name: 'run_1/a' }], removed: { objects: 2 } })
  })
})
