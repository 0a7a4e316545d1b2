import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failure } from '../../src/storage/failure.ts'
import type { Store } from '../../src/storage/store.ts'
import { adoptObjects, type AdoptRequest } from '../../src/workflows/adopt-objects.ts'
import { bytes, collect, expectCode } from '../conformance/steps.ts'
import { faultyStore } from '../storage/faulty-store.ts'
import { adoptScene, BUCKET, OWNER, PRODUCER, type AdoptScene } from './adopt-scene.ts'

let owner: Store
let folder: string
let adopt: AdoptScene['adopt']
let ownerOf: AdoptScene['ownerOf']
let deliver: (objectKey: string, body: Uint8Array) => Promise<void>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-adopt-'))
  const scene = await adoptScene()
  ;({ owner, adopt, ownerOf } = scene)
  deliver = (objectKey, body) => scene.deliver(objectKey, body)
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

describe('what follows the copy', () => {
  const OPERATIONS = [
    'listVersions',
    'headObject',
    'objectAcl',
    'objectTags',
    'putObjectTags',
    'putObjectAcl',
  ] as const
  const inOne = {}
  const inParts = { wholeCopyLimit: 50, partSize: 30 }
  let records: AdoptRequest['records']

  beforeEach(() => {
    records = { folder, endpoint: 'memory' }
  })

  /** From the copy on, one operation fails. */
  const failingAfterCopy = (
    operation: (typeof OPERATIONS)[number],
    code: 'ACCESS_DENIED' | 'STORE_FAILURE',
  ) => {
    const state = { isCopied: false }
    const copied = <T>(answer: T): T => {
      state.isCopied = true
      return answer
    }
    const real = owner[operation].bind(owner) as (...args: unknown[]) => unknown
    const faults: Partial<Store> = {
      copyObject: async (...args) => copied(await owner.copyObject(...args)),
      completeMultipartUpload: async (...args) => copied(await owner.completeMultipartUpload(...args)),
      [operation]: (...args: unknown[]) => {
        if (state.isCopied) throw failure(code, { operation })
        return real(...args)
      },
    }
    return faultyStore(owner, faults).store
  }
  const expectFinished = async (before: string | undefined) => {
    expect(await ownerOf('big')).toBe(OWNER)
    expect(await owner.objectTags(BUCKET, 'big')).toEqual({ state: 'raw', of: 'run 12' })
    if (before !== undefined) {
      const { grants } = await owner.objectAcl(BUCKET, 'big', { versionId: before })
      expect(grants).toEqual([{ grantee: { type: 'canonical', id: OWNER }, permission: 'FULL_CONTROL' }])
    }
    expect(await readdir(folder)).toEqual([])
    expect(await adopt(owner, { records })).toMatchObject({ foreign: [], adopted: [], failed: [] })
  }

  it.for(
    OPERATIONS.flatMap((operation) =>
      [inOne, inParts].flatMap((how) =>
        [true, false].map((versioned) => [operation, how, versioned] as const),
      ),
    ),
  )('is done by the next run when %s failed (%j, versions: %s)', async ([operation, how, versioned]) => {
    if (versioned) await owner.enableVersioning(BUCKET)
    await deliver('big', randomBytes(100))
    const { versionId } = await owner.headObject(BUCKET, 'big')
    const first = await adopt(failingAfterCopy(operation, 'STORE_FAILURE'), { ...how, records }).catch(
      () => undefined,
    )
    expect(await ownerOf('big')).toBe(OWNER)
    if (first === undefined) {
      expect(await readdir(folder)).not.toEqual([])
      const second = await adopt(owner, { ...how, records })
      expect(second.foreign).toEqual([{ objectKey: 'big', size: 100, ownerId: PRODUCER }])
      expect(second.adopted).toMatchObject([
        {
          objectKey: 'big',
          size: 100,
          previousOwner: PRODUCER,
          ...(versioned ? { olderVersion: { versionId, closed: true } } : {}),
        },
      ])
    }
    await expectFinished(versioned ? versionId : undefined)
  })

  it('is written down until it can be done', async () => {
    await deliver('big', randomBytes(100))
    const denied = () => adopt(failingAfterCopy('putObjectTags', 'ACCESS_DENIED'), { records })
    await expectCode(denied(), 'ACCESS_DENIED')
    const refusing = faultyStore(owner, {
      putObjectTags: () => Promise.reject(failure('ACCESS_DENIED', { operation: 'PutObjectTagging' })),
      headObject: () => Promise.reject(failure('ACCESS_DENIED', { operation: 'HeadObject' })),
    })
    await expectCode(adopt(refusing.store, { records }), 'ACCESS_DENIED')
    expect((await adopt(owner, { records, prefix: 'other' })).adopted).toEqual([])
    expect((await adopt(owner, { records, dryRun: true })).adopted).toEqual([])
    expect((await adopt(owner, { records: { folder, endpoint: 'another' } })).adopted).toEqual([])
    expect((await adopt(owner, { records })).adopted).toMatchObject([
      { objectKey: 'big', comparedBy: 'etag' },
    ])
    await expectFinished(undefined)
  })

  it('waits for no interrupt: what is copied is finished', async () => {
    await owner.enableVersioning(BUCKET)
    await deliver('big', randomBytes(100))
    const { versionId } = await owner.headObject(BUCKET, 'big')
    const stop = new AbortController()
    const { store } = faultyStore(owner, {
      copyObject: async (...args) => {
        const copied = await owner.copyObject(...args)
        stop.abort(new Error('stopped'))
        return copied
      },
    })
    await expect(adoptObjects(store, { bucket: BUCKET, records }, stop.signal)).rejects.toThrow('stopped')
    await expectFinished(versionId)
  })

  it('is done as well when the answer to the copy was lost', async () => {
    await owner.enableVersioning(BUCKET)
    await deliver('big', randomBytes(100))
    const { versionId } = await owner.headObject(BUCKET, 'big')
    const { store } = faultyStore(owner, {
      copyObject: async (...args) => {
        await owner.copyObject(...args)
        throw failure('STORE_FAILURE', { operation: 'CopyObject' }, '503', { status: 503 })
      },
    })
    await expectCode(adopt(store, { records }), 'STORE_FAILURE')
    expect((await adopt(owner, { records })).adopted).toHaveLength(1)
    await expectFinished(versionId)
  })

  it('is forgotten when there was no copy, and done below what was delivered since', async () => {
    await owner.enableVersioning(BUCKET)
    await deliver('big', randomBytes(100))
    const lost = faultyStore(owner, {
      copyObject: () =>
        Promise.reject(failure('STORE_FAILURE', { operation: 'CopyObject' }, '503', { status: 503 })),
    })
    await expectCode(adopt(lost.store, { records }), 'STORE_FAILURE')
    expect(await readdir(folder)).toHaveLength(1)
    const { versionId } = await owner.headObject(BUCKET, 'big')
    await expectCode(adopt(failingAfterCopy('putObjectTags', 'ACCESS_DENIED'), { records }), 'ACCESS_DENIED')
    const copy = await owner.headObject(BUCKET, 'big')
    await deliver('big', bytes('newer'))
    expect((await adopt(owner, { records })).adopted).toMatchObject([{ size: 100 }, { size: 5 }])
    const tags = await owner.objectTags(BUCKET, 'big', { versionId: copy.versionId })
    expect(tags).toEqual({ state: 'raw', of: 'run 12' })
    await expectFinished(versionId)
  })

  it('is left, and told, while the copy hides what was delivered before it', async () => {
    await owner.enableVersioning(BUCKET)
    await deliver('big', randomBytes(100))
    const { store } = faultyStore(owner, {
      copyObject: async (...args) => {
        await deliver('big', bytes('newer'))
        await owner.copyObject(...args)
        throw failure('STORE_FAILURE', { operation: 'CopyObject' }, '503', { status: 503 })
      },
    })
    await expectCode(adopt(store, { records }), 'STORE_FAILURE')
    await expectCode(adopt(owner, { records }), 'OBJECT_CHANGED')
    expect(await collect(owner.listVersions(BUCKET))).toHaveLength(3)
    const { versionId = '' } = await owner.headObject(BUCKET, 'big')
    await owner.deleteVersion(BUCKET, 'big', versionId)
    expect((await adopt(owner, { records })).adopted).toMatchObject([{ size: 5 }])
    await expectFinished(undefined)
  })

  it('gives the tags to the newest where the copy was made twice', async () => {
    await owner.enableVersioning(BUCKET)
    await deliver('big', randomBytes(100))
    const { versionId } = await owner.headObject(BUCKET, 'big')
    const { store } = faultyStore(owner, {
      // What a second attempt does after the first one's answer was lost.
      copyObject: async (...args) => {
        await owner.copyObject(...args)
        const { etag } = await owner.copyObject(...args)
        return { etag, versionId: undefined }
      },
    })
    await expectCode(adopt(store, { records }), 'OBJECT_CHANGED')
    expect((await adopt(owner, { records })).adopted).toHaveLength(1)
    await expectFinished(versionId)
  })

  it('leaves tags that the owner set meanwhile', async () => {
    await deliver('big', randomBytes(100))
    await expectCode(adopt(failingAfterCopy('putObjectTags', 'ACCESS_DENIED'), { records }), 'ACCESS_DENIED')
    await owner.putObjectTags(BUCKET, 'big', { state: 'checked' })
    expect((await adopt(owner, { records })).adopted).toHaveLength(1)
    expect(await owner.objectTags(BUCKET, 'big')).toEqual({ state: 'checked' })
    expect(await readdir(folder)).toEqual([])
  })
})
