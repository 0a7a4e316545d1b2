import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../src/storage/store.ts'
import { copyObjects } from '../../src/workflows/copy-objects.ts'
import type { CopyRequest } from '../../src/workflows/many-objects/copy-run.ts'
import { moveObjects } from '../../src/workflows/move-objects.ts'
import { bytes, collect, expectCode } from '../conformance/steps.ts'
import { fault, faultyStore } from '../storage/faulty-store.ts'
import { A, B, copyRequest, deliver, keysIn, twoBuckets } from './copies-scene.ts'

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

describe('one bucket under two names', () => {
  /** As Ceph: a bucket of the own tenant is `bucket` and `tenant:bucket`; elsewhere any name may stand for another. */
  const aliased = (alias = `mine:${A}`): Store => {
    const named = (bucket: unknown): unknown => (bucket === alias ? A : bucket)
    return new Proxy(store, {
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

  it('is recognised: nothing is moved onto itself and deleted as its own source', async () => {
    const over = aliased()
    expect((await over.headObject(`mine:${A}`, 'run/a.c4gh')).size).toBe(10)
    await expectCode(move(`${A}/run/`, `mine:${A}/run/`, { force: true }, over), 'USAGE')
    await expectCode(move(`mine:${A}/run/a.c4gh`, `${A}/run/a.c4gh`, { force: true }, over), 'USAGE')
    expect(await keysIn(store, A)).toEqual(['run/a.c4gh', 'run/b.c4gh'])
  })

  it('that the server does not tell is refused', async () => {
    const { store: silent } = faultyStore(aliased(), {
      bucketAcl: async () => {
        throw fault('GetBucketAcl', 'ACCESS_DENIED', false)
      },
    })
    await expectCode(move(`${A}/run/`, `mine:${A}/x/`, {}, silent), 'USAGE')
  })

  it('that nothing tells from another is not taken for a copy of itself', async () => {
    const records = { folder, endpoint: 'memory' }
    for (const more of [{}, { records }, { force: true }, { dryRun: true }]) {
      await expectCode(move(`${A}/run/`, 'other-name/run/', more, aliased('other-name')), 'OBJECT_EXISTS')
      expect(await keysIn(store, A)).toEqual(['run/a.c4gh', 'run/b.c4gh'])
    }
  })

  /** A server whose times tell nothing. */
  const sameTime = (over: Store): Store => {
    const lastModified = new Date()
    return faultyStore(over, {
      headObject: async (...args) => ({ ...(await store.headObject(...args)), lastModified }),
    }).store
  }

  it('a copy of the same moment is known by an upload that only its bucket knows', async () => {
    const objectKey = 'run/a.c4gh'
    await copyObjects(store, copyRequest(`${A}/${objectKey}`, `${B}/a`))
    const planned = move(`${A}/${objectKey}`, `${B}/a`, { dryRun: true }, sameTime(store))
    await expectCode(planned, 'OBJECT_EXISTS')
    expect(await move(`${A}/${objectKey}`, `${B}/a`, {}, sameTime(store))).toMatchObject({ alreadyThere: 1 })
    expect(await keysIn(store, A)).toEqual(['run/b.c4gh'])
    expect(await keysIn(store, B)).toEqual(['a'])
    expect(await collect(store.listMultipartUploads(B))).toEqual([])
  })

  it('a copy of the same moment is known by what was written down', async () => {
    const records = { folder, endpoint: 'memory' }
    const refused = (operation: string) => async () => {
      throw fault(operation, 'ACCESS_DENIED', false)
    }
    const secretive = (over: Store): Store =>
      faultyStore(sameTime(over), { createMultipartUpload: refused('CreateMultipartUpload') }).store
    const { store: locked } = faultyStore(sameTime(store), { deleteObject: refused('DeleteObject') })
    await expectCode(move(`${A}/run/a.c4gh`, `${B}/a`, { records }, locked), 'ACCESS_DENIED')
    await expectCode(move(`${A}/run/a.c4gh`, `${B}/a`, {}, secretive(store)), 'OBJECT_EXISTS')
    expect(await move(`${A}/run/a.c4gh`, `${B}/a`, { records }, secretive(store))).toMatchObject({
      alreadyThere: 1,
    })
    expect(await keysIn(store, A)).toEqual(['run/b.c4gh'])
    expect(await readdir(folder)).toEqual([])
  })
})
