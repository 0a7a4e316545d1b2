import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../src/storage/store.ts'
import { withRetry } from '../../src/storage/with-retry.ts'
import { recordName } from '../../src/workflows/copies/copy-record.ts'
import { writeUnfinishedCopy } from '../../src/workflows/copies/unfinished-copy.ts'
import type { CopyRequest } from '../../src/workflows/many-objects/copy-run.ts'
import { moveObjects } from '../../src/workflows/move-objects.ts'
import { bytes, collect, expectCode, read } from '../conformance/steps.ts'
import { fault, faultyStore, type Calls } from '../storage/faulty-store.ts'
import { A, B, copyRequest, deliver, HEADERS, keysIn, TAGS, twoBuckets } from './copies-scene.ts'

let store: Store
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-moves-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})
beforeEach(async () => {
  ;({ store } = await twoBuckets())
  await deliver(store, A, 'run/a.c4gh', bytes('crypt4gh a'))
  await deliver(store, A, 'run/b.c4gh', bytes('crypt4gh bb'))
})

function move(source: string, target: string, more: Partial<CopyRequest> = {}, over: Store = store) {
  return moveObjects(over, copyRequest(source, target, more))
}

const bodies = async (objectKey: string): Promise<string[]> => {
  const of = async (bucket: string, key: string): Promise<string> =>
    (await read(store, bucket, key).catch(() => '')).toString()
  return [await of(A, objectKey), await of(B, objectKey)]
}

describe('a move', () => {
  it('leaves nothing at the source and everything at the target', async () => {
    const result = await move(`${A}/run/`, `${B}/run/`)
    expect(result).toMatchObject({ objects: 2, bytes: 21, olderVersions: 'none', failed: [] })
    expect(await keysIn(store, A)).toEqual([])
    expect(await store.headObject(B, 'run/a.c4gh')).toMatchObject({ headers: HEADERS, tagCount: 2 })
    expect(await store.objectTags(B, 'run/b.c4gh')).toEqual(TAGS)
  })

  it('renames within a bucket', async () => {
    await move(`${A}/run/a.c4gh`, `${A}/run/new.c4gh`)
    expect(await keysIn(store, A)).toEqual(['run/b.c4gh', 'run/new.c4gh'])
    await expectCode(move(`${A}/run/b.c4gh`, `${A}/run/new.c4gh`), 'OBJECT_EXISTS')
    expect(await keysIn(store, A)).toEqual(['run/b.c4gh', 'run/new.c4gh'])
  })

  it('upwards refuses what would be met again under its new name', async () => {
    await deliver(store, A, 'run/run/c.c4gh', bytes('crypt4gh c'))
    const result = await move(`${A}/run/`, `${A}/`)
    expect(result).toMatchObject({ objects: 2, failed: [{ name: 'run/run/c.c4gh', code: 'USAGE' }] })
    expect(await keysIn(store, A)).toEqual(['a.c4gh', 'b.c4gh', 'run/run/c.c4gh'])
  })

  it('leaves published keys where they are', async () => {
    await store.putObject(A, 'keys/group.pub', bytes('a public key'))
    const result = await move(`${A}/`, `${B}/all/`)
    expect(result).toMatchObject({ objects: 2, leftOut: { publishedKeys: 1 } })
    expect(await keysIn(store, A)).toEqual(['keys/group.pub'])
  })

  it('with a dry run changes nothing', async () => {
    const result = await move(`${A}/run/`, `${B}/run/`, { dryRun: true })
    expect(result).toMatchObject({ dryRun: true, objects: 2 })
    expect(await keysIn(store, A)).toHaveLength(2)
    expect(await keysIn(store, B)).toEqual([])
  })

  it('stopped at any request leaves the object at one place or both, and the next run ends it', async () => {
    const names = ['headObject', 'getObject', 'copyObject', 'putObjectTags', 'deleteObject'] as const
    for (const versioned of [false, true]) {
      for (const name of names) {
        for (let nth = 1; nth <= 5; nth++) {
          for (const isAfter of [false, true]) {
            ;({ store } = await twoBuckets())
            if (versioned) await store.enableVersioning(A)
            await deliver(store, A, 'k', bytes('crypt4gh a'))
            // What was stored at another time than its copy is told from it.
            await new Promise((resolve) => setTimeout(resolve, 2))
            let calls = 0
            const stopping = async (...args: never[]): Promise<unknown> => {
              calls += 1
              const operation = Reflect.get(store, name) as (...args: never[]) => Promise<unknown>
              const answer = calls === nth && !isAfter ? undefined : await operation.apply(store, args)
              if (calls === nth) throw fault(name, 'STORE_FAILURE', false)
              return answer
            }
            const { store: failing } = faultyStore(store, { [name]: stopping })
            await move(`${A}/k`, `${B}/k`, {}, failing).catch(() => undefined)
            const left = await bodies('k')
            expect(left.includes('crypt4gh a'), `${name} ${nth} ${isAfter}`).toBe(true)
            for (const body of left) expect(['', 'crypt4gh a']).toContain(body)
            await move(`${A}/k`, `${B}/k`).catch((error: unknown) => {
              // The first run came to its end after all.
              expect(error).toMatchObject({ code: 'OBJECT_NOT_FOUND' })
            })
            expect(await bodies('k')).toEqual(['', 'crypt4gh a'])
            expect(await store.objectTags(B, 'k')).toEqual(TAGS)
          }
        }
      }
    }
  })

  it('of an object in parts goes on by what was written down', async () => {
    const body = randomBytes(95)
    await deliver(store, A, 'big', body)
    const records = { folder, endpoint: 'memory' }
    const large = { wholeCopyLimit: 30, partSize: 20, records }
    const { store: failing } = faultyStore(store, {
      deleteObject: async () => {
        throw fault('DeleteObject', 'ACCESS_DENIED', false)
      },
    })
    await expectCode(move(`${A}/big`, `${B}/big`, large, failing), 'ACCESS_DENIED')
    expect(await readdir(folder)).toHaveLength(1)
    const { store: counting, calls } = faultyStore(store, {})
    expect(await move(`${A}/big`, `${B}/big`, large, counting)).toMatchObject({ objects: 0, alreadyThere: 1 })
    expect(calls.createMultipartUpload).toBeUndefined()
    expect(await readdir(folder)).toEqual([])
    expect((await read(store, B, 'big')).equals(body)).toBe(true)
    await expectCode(store.headObject(A, 'big'), 'OBJECT_NOT_FOUND')
  })

  it('does not take an object of the same size for a copy whose ETag could not be known', async () => {
    const records = { folder, endpoint: 'memory' }
    const name = { bucket: B, objectKey: 'run/a.c4gh' }
    const { size, etag } = await store.headObject(A, 'run/a.c4gh')
    await writeUnfinishedCopy(records, {
      ...name,
      source: { bucket: A, objectKey: 'run/a.c4gh', versionId: null, size, etag },
      copy: { size, etag: null },
      tags: TAGS,
      grants: [],
      request: recordName('copy', 'bucket-owner-full-control'),
      outcome: {},
    })
    await deliver(store, B, 'run/a.c4gh', bytes('crypt4gh c'))
    await expectCode(move(`${A}/run/a.c4gh`, `${B}/run/a.c4gh`, { records }), 'OBJECT_EXISTS')
    expect(await bodies('run/a.c4gh')).toEqual(['crypt4gh a', 'crypt4gh c'])
  })

  it('does not take another object for its copy', async () => {
    await deliver(store, B, 'run/a.c4gh', bytes('crypt4gh c'))
    const result = await move(`${A}/run/`, `${B}/run/`)
    expect(result).toMatchObject({ objects: 1, failed: [{ name: 'run/a.c4gh', code: 'OBJECT_EXISTS' }] })
    expect(await bodies('run/a.c4gh')).toEqual(['crypt4gh a', 'crypt4gh c'])
  })
})

describe('a source that is written to while it is moved', () => {
  it('stays, when it is noticed before it is deleted', async () => {
    const { store: busy } = faultyStore(store, {
      // The last that is read of the source: its first bytes.
      getObject: async (...args) => {
        const answer = await store.getObject(...args)
        await deliver(store, A, 'run/a.c4gh', bytes('crypt4gh newer'))
        return answer
      },
    })
    await expectCode(move(`${A}/run/a.c4gh`, `${B}/a.c4gh`, {}, busy), 'OBJECT_CHANGED')
    expect((await read(store, A, 'run/a.c4gh')).toString()).toBe('crypt4gh newer')
    expect((await read(store, B, 'a.c4gh')).toString()).toBe('crypt4gh a')
  })

  it('is brought back from below the delete marker where versions are kept', async () => {
    await store.enableVersioning(A)
    const { store: busy } = faultyStore(store, {
      deleteObject: async (...args) => {
        await deliver(store, A, 'run/a.c4gh', bytes('crypt4gh newer'))
        await store.deleteObject(...args)
      },
    })
    await expectCode(move(`${A}/run/a.c4gh`, `${B}/a.c4gh`, {}, busy), 'OBJECT_CHANGED')
    expect((await read(store, A, 'run/a.c4gh')).toString()).toBe('crypt4gh newer')
    const versions = await collect(store.listVersions(A, { prefix: 'run/a.c4gh' }))
    expect(versions.map(({ kind }) => kind)).toEqual(['object', 'object'])
  })
})

describe('a copy that is replaced or deleted before its source is', () => {
  const busyWith = (act: () => Promise<void>): Store =>
    faultyStore(store, {
      // The last that is read before the source shall go: its first bytes.
      getObject: async (...args) => {
        const answer = await store.getObject(...args)
        await act()
        return answer
      },
    }).store

  it('keeps the source', async () => {
    const replaced = busyWith(() => deliver(store, B, 'a.c4gh', bytes('crypt4gh z')))
    await expectCode(move(`${A}/run/a.c4gh`, `${B}/a.c4gh`, {}, replaced), 'OBJECT_CHANGED')
    const deleted = busyWith(() => store.deleteObject(B, 'b.c4gh'))
    await expectCode(move(`${A}/run/b.c4gh`, `${B}/b.c4gh`, {}, deleted), 'OBJECT_CHANGED')
    expect(await keysIn(store, A)).toEqual(['run/a.c4gh', 'run/b.c4gh'])
  })
})

describe('a delete request whose answer is lost', () => {
  /** Each of the first requests is done, and answered by a failure; then something happens. */
  const losing = (act: () => Promise<void>, lost = 1): { store: Store; calls: Calls } => {
    const { store: faulty, calls } = faultyStore(store, {
      deleteObject: async (...args) => {
        await store.deleteObject(...args)
        if ((calls.deleteObject ?? []).length > lost) return
        await act()
        throw fault('DeleteObject')
      },
    })
    return { store: withRetry(faulty, { sleep: async () => undefined }), calls }
  }
  const newer = (): Promise<void> => deliver(store, A, 'run/a.c4gh', bytes('crypt4gh newer'))

  it('is not sent again when it was done', async () => {
    for (const versioned of [false, true]) {
      if (versioned) await store.enableVersioning(A)
      const { store: over, calls } = losing(async () => undefined)
      const key = versioned ? 'run/a.c4gh' : 'run/b.c4gh'
      expect(await move(`${A}/${key}`, `${B}/${key}`, {}, over)).toMatchObject({ objects: 1, failed: [] })
      expect(calls.deleteObject).toHaveLength(1)
    }
  })

  it('does not take what was delivered since', async () => {
    for (const versioned of [false, true]) {
      if (versioned) await store.enableVersioning(A)
      const { store: over } = losing(newer)
      const to = `${B}/${versioned ? 'a' : 'b'}.c4gh`
      await expectCode(move(`${A}/run/a.c4gh`, to, {}, over), 'OBJECT_CHANGED')
      expect((await read(store, A, 'run/a.c4gh')).toString()).toBe('crypt4gh newer')
    }
  })

  it('leaves no marker of two on what was delivered', async () => {
    await store.enableVersioning(A)
    const { store: busy } = faultyStore(store, {
      deleteObject: async (...args) => {
        await newer()
        await store.deleteObject(...args)
        await store.deleteObject(...args)
      },
    })
    await expectCode(move(`${A}/run/a.c4gh`, `${B}/a.c4gh`, {}, busy), 'OBJECT_CHANGED')
    expect((await read(store, A, 'run/a.c4gh')).toString()).toBe('crypt4gh newer')
  })
})

describe('where versions are kept', () => {
  it('a delete marker hides the source, which stays readable as an older version', async () => {
    await store.enableVersioning(A)
    expect(await move(`${A}/run/`, `${B}/run/`)).toMatchObject({ objects: 2, olderVersions: 'kept' })
    const versions = await collect(store.listVersions(A))
    expect(versions.map(({ kind, isLatest }) => [kind, isLatest])).toEqual([
      ['delete-marker', true],
      ['object', false],
      ['delete-marker', true],
      ['object', false],
    ])
  })

  it('nothing that was deleted before comes back, though what was moved is deleted for good by others', async () => {
    await store.enableVersioning(A)
    await store.deleteObject(A, 'run/a.c4gh')
    await new Promise((resolve) => setTimeout(resolve, 5))
    await deliver(store, A, 'run/a.c4gh', bytes('crypt4gh again'))
    const { versionId = '' } = await store.headObject(A, 'run/a.c4gh')
    const { store: busy } = faultyStore(store, {
      deleteObject: async (...args) => {
        await store.deleteObject(...args)
        await store.deleteVersion(A, 'run/a.c4gh', versionId)
      },
    })
    await move(`${A}/run/a.c4gh`, `${B}/a.c4gh`, {}, busy)
    expect((await read(store, B, 'a.c4gh')).toString()).toBe('crypt4gh again')
    await expectCode(store.headObject(A, 'run/a.c4gh'), 'OBJECT_NOT_FOUND')
    const versions = await collect(store.listVersions(A, { prefix: 'run/a.c4gh' }))
    expect(versions.map(({ kind }) => kind)).toEqual(['delete-marker', 'delete-marker', 'object'])
  })

  it('a server that answers and deletes nothing is found out', async () => {
    const { store: deaf } = faultyStore(store, { deleteObject: async () => undefined })
    await expectCode(move(`${A}/run/a.c4gh`, `${B}/a.c4gh`, {}, deaf), 'STORE_FAILURE')
  })
})
