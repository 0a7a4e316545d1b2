import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failure } from '../../src/storage/failure.ts'
import type { ObjectHeaders } from '../../src/storage/object-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { adoptObjects } from '../../src/workflows/adopt-objects.ts'
import { bytes, collect, expectCode, read } from '../conformance/steps.ts'
import { faultyStore } from '../storage/faulty-store.ts'
import { adoptScene, BUCKET, MINE, OWNER, PRODUCER, type AdoptScene } from './adopt-scene.ts'

const HEADERS: ObjectHeaders = {
  contentType: 'text/x-reads',
  contentDisposition: 'attachment',
  expires: new Date('2030-01-01T00:00:00Z'),
  metadata: { sample: '7' },
}

let owner: Store
let producer: Store
let folder: string
let adopt: AdoptScene['adopt']
let ownerOf: AdoptScene['ownerOf']
let deliver: (objectKey: string, body: Uint8Array) => Promise<void>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-adopt-'))
  const scene = await adoptScene()
  ;({ owner, producer, adopt, ownerOf } = scene)
  deliver = (objectKey, body) => scene.deliver(objectKey, body, HEADERS)
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

describe('whole objects', () => {
  it('become the owner’s, with headers, tags and bytes as they were; its own are left alone', async () => {
    await owner.putObject(BUCKET, 'own', bytes('own'))
    await deliver('run/a', bytes('reads a'))
    await producer.putObject(BUCKET, 'run/empty', bytes(''), MINE)
    const before = await owner.headObject(BUCKET, 'run/a')
    const result = await adopt()
    expect(result).toMatchObject({ ownerId: OWNER, objects: 3, failed: [], dryRun: false })
    expect(result.foreign).toEqual([
      { objectKey: 'run/a', size: 7, ownerId: PRODUCER },
      { objectKey: 'run/empty', size: 0, ownerId: PRODUCER },
    ])
    expect(result.adopted).toContainEqual({
      objectKey: 'run/a',
      size: 7,
      previousOwner: PRODUCER,
      etag: before.etag,
      parts: 1,
      comparedBy: 'etag',
    })
    const after = await owner.headObject(BUCKET, 'run/a')
    expect(after).toMatchObject({ etag: before.etag, headers: HEADERS, tagCount: 2 })
    expect(await owner.objectTags(BUCKET, 'run/a')).toEqual({ state: 'raw', of: 'run 12' })
    expect(await ownerOf('run/a')).toBe(OWNER)
    expect((await read(owner, BUCKET, 'run/a')).toString()).toBe('reads a')
    await expectCode(producer.headObject(BUCKET, 'run/a'), 'ACCESS_DENIED')
    expect(await adopt()).toMatchObject({ foreign: [], adopted: [], failed: [] })
  })

  it('are only named with --dry-run, and only below a prefix', async () => {
    await deliver('run/a', bytes('a'))
    await deliver('other', bytes('b'))
    const dry = await adopt(owner, { dryRun: true, prefix: 'run/' })
    expect(dry).toMatchObject({ dryRun: true, objects: 1, adopted: [], failed: [] })
    expect(dry.foreign.map(({ objectKey }) => objectKey)).toEqual(['run/a'])
    expect(await ownerOf('run/a')).toBe(PRODUCER)
    await adopt(owner, { prefix: 'run/' })
    expect([await ownerOf('run/a'), await ownerOf('other')]).toEqual([OWNER, PRODUCER])
  })

  it('that the owner can’t read are named, and do not keep it from the others', async () => {
    await producer.putObject(BUCKET, 'private', bytes('private'))
    await expectCode(adopt(), 'ACCESS_DENIED')
    await deliver('readable', bytes('readable'))
    const { adopted, failed } = await adopt()
    expect(adopted.map(({ objectKey }) => objectKey)).toEqual(['readable'])
    expect(failed).toMatchObject([{ name: 'private', code: 'ACCESS_DENIED' }])
    expect(failed[0]?.hints.join()).toMatch(/SealiftOwner/)
    expect((await read(producer, BUCKET, 'private')).toString()).toBe('private')
  })

  it('that are published keys are refused: uploaders would trust them', async () => {
    await deliver('keys/planted.pub', bytes('-----BEGIN CRYPT4GH PUBLIC KEY-----'))
    await expectCode(adopt(), 'KEY_NOT_TRUSTED')
    await deliver('run/a', bytes('a'))
    expect((await adopt(owner, { dryRun: true })).failed).toMatchObject([{ name: 'keys/planted.pub' }])
    expect((await adopt()).failed).toMatchObject([{ name: 'keys/planted.pub', code: 'KEY_NOT_TRUSTED' }])
    expect(await ownerOf('keys/planted.pub')).toBe(PRODUCER)
  })

  it('are nobody else’s to take over: a writer’s copy would be the writer’s', async () => {
    await deliver('run/a', bytes('a'))
    await owner.putObject(BUCKET, 'own', bytes('own'), {})
    const acl = await owner.bucketAcl(BUCKET)
    const all = { grantee: { type: 'canonical', id: PRODUCER }, permission: 'FULL_CONTROL' } as const
    await owner.putBucketAcl(BUCKET, { ...acl, grants: [...acl.grants, all] })
    await owner.putBucketPolicy(BUCKET, {
      Statement: [
        { Effect: 'Allow', Principal: { AWS: `arn:aws:iam:::user/${PRODUCER}` }, Action: '*', Resource: '*' },
      ],
    })
    await expectCode(adopt(producer), 'USAGE')
    expect(await ownerOf('own')).toBe(OWNER)
  })
})

describe('somebody else is writing', () => {
  it('without versions: an object that was replaced just before the copy is reported', async () => {
    await deliver('run/a', bytes('first'))
    const { store } = faultyStore(owner, {
      copyObject: async (...args) => {
        await producer.putObject(BUCKET, 'run/a', bytes('newer'), MINE)
        return owner.copyObject(...args)
      },
    })
    await expectCode(adopt(store), 'OBJECT_CHANGED')
    expect((await read(owner, BUCKET, 'run/a')).toString()).toBe('newer')
  })

  it('with versions: one that came before the copy is not hidden by it', async () => {
    await owner.enableVersioning(BUCKET)
    await deliver('run/a', bytes('first'))
    const { store } = faultyStore(owner, {
      copyObject: async (...args) => {
        await producer.putObject(BUCKET, 'run/a', bytes('newer'), MINE)
        return owner.copyObject(...args)
      },
    })
    await expectCode(adopt(store), 'OBJECT_CHANGED')
    expect((await read(owner, BUCKET, 'run/a')).toString()).toBe('newer')
    expect(await collect(owner.listVersions(BUCKET))).toHaveLength(2)
    expect((await adopt()).adopted).toHaveLength(1)
    expect((await read(owner, BUCKET, 'run/a')).toString()).toBe('newer')
  })

  it('with versions: one that came after the copy stays, and is taken over by the next run', async () => {
    await owner.enableVersioning(BUCKET)
    await deliver('run/a', bytes('first'))
    const { store } = faultyStore(owner, {
      copyObject: async (...args) => {
        const copied = await owner.copyObject(...args)
        await producer.putObject(BUCKET, 'run/a', bytes('newer'), MINE)
        return copied
      },
    })
    await expectCode(adopt(store), 'OBJECT_CHANGED')
    expect((await read(owner, BUCKET, 'run/a')).toString()).toBe('newer')
    expect((await adopt()).adopted).toHaveLength(1)
    expect(await ownerOf('run/a')).toBe(OWNER)
  })

  it('with versions: one that was deleted before the copy does not come back', async () => {
    await owner.enableVersioning(BUCKET)
    await deliver('run/a', bytes('first'))
    const { store } = faultyStore(owner, {
      copyObject: async (...args) => {
        await producer.deleteObject(BUCKET, 'run/a')
        return owner.copyObject(...args)
      },
    })
    await expectCode(adopt(store), 'OBJECT_CHANGED')
    await expectCode(owner.headObject(BUCKET, 'run/a'), 'OBJECT_NOT_FOUND')
  })

  it('in parts: an object that is replaced meanwhile is left, and the copy is gone', async () => {
    await deliver('big', randomBytes(100))
    const newer = randomBytes(100)
    const { store } = faultyStore(owner, {
      copyPart: async (...args) => {
        const part = await owner.copyPart(...args)
        if (args[1] === 3) await producer.putObject(BUCKET, 'big', newer, MINE)
        return part
      },
    })
    const records = { folder, endpoint: 'memory' }
    await expectCode(adopt(store, { wholeCopyLimit: 50, partSize: 30, records }), 'OBJECT_CHANGED')
    expect((await read(owner, BUCKET, 'big')).equals(newer)).toBe(true)
    expect(await collect(owner.listMultipartUploads(BUCKET))).toEqual([])
    expect(await readdir(folder)).toEqual([])
  })
})

describe('the copy on Ceph, whose answer names no version', () => {
  /** Everybody's deeds between the copy and the listing of versions after it. */
  const unnamed = (around: { before?: () => Promise<unknown>; after?: () => Promise<unknown> }) =>
    faultyStore(owner, {
      copyObject: async (...args) => {
        await around.before?.()
        const { etag } = await owner.copyObject(...args)
        await around.after?.()
        return { etag, versionId: undefined }
      },
    })
  const versionsOf = async (objectKey: string) => {
    const versions = await collect(owner.listVersions(BUCKET, { prefix: objectKey }))
    return versions.map(({ ownerId, size }) => `${ownerId ?? ''} ${size}`)
  }

  beforeEach(async () => {
    await owner.enableVersioning(BUCKET)
    await deliver('run/a', bytes('first'))
  })

  it('is not taken for what the owner uploads meanwhile: that stays', async () => {
    const upload = () => owner.putObject(BUCKET, 'run/a', bytes('the owner’s own'))
    const { store, calls } = unnamed({ after: upload })
    await expectCode(adopt(store), 'OBJECT_CHANGED')
    expect((await read(owner, BUCKET, 'run/a')).toString()).toBe('the owner’s own')
    expect(calls.deleteVersion).toBeUndefined()
    expect(await versionsOf('run/a')).toHaveLength(3)
  })

  it('nor when that has the very same bytes', async () => {
    const { store, calls } = unnamed({
      after: async () =>
        owner.copyObject(
          { bucket: BUCKET, objectKey: 'run/a' },
          { bucket: BUCKET, objectKey: 'run/a' },
          { headers: HEADERS },
        ),
    })
    await expectCode(adopt(store), 'OBJECT_CHANGED')
    expect(calls.deleteVersion).toBeUndefined()
    expect(await versionsOf('run/a')).toHaveLength(3)
  })

  it('nor when somebody delivered before it as well', async () => {
    const { store, calls } = unnamed({
      before: () => producer.putObject(BUCKET, 'run/a', bytes('newer'), MINE),
      after: () => owner.putObject(BUCKET, 'run/a', bytes('own')),
    })
    await expectCode(adopt(store), 'OBJECT_CHANGED')
    expect(calls.deleteVersion).toBeUndefined()
    expect((await read(owner, BUCKET, 'run/a')).toString()).toBe('own')
    expect(await versionsOf('run/a')).toHaveLength(4)
  })

  it('is removed where it hides a newer delivery', async () => {
    const { store } = unnamed({ before: () => producer.putObject(BUCKET, 'run/a', bytes('newer'), MINE) })
    await expectCode(adopt(store), 'OBJECT_CHANGED')
    expect((await read(owner, BUCKET, 'run/a')).toString()).toBe('newer')
    expect(await versionsOf('run/a')).toEqual([`${PRODUCER} 5`, `${PRODUCER} 5`])
  })

  it('is kept where nothing else is left of the object', async () => {
    const { versionId = '' } = await owner.headObject(BUCKET, 'run/a')
    const { store } = unnamed({ after: () => owner.deleteVersion(BUCKET, 'run/a', versionId) })
    await expectCode(adopt(store), 'OBJECT_CHANGED')
    expect((await read(owner, BUCKET, 'run/a')).toString()).toBe('first')
  })
})

describe('the server', () => {
  it('that gives the copy to nobody else is found out', async () => {
    await deliver('run/a', bytes('a'))
    const { store } = faultyStore(owner, {
      copyObject: async () => ({ etag: undefined, versionId: undefined }),
    })
    await expectCode(adopt(store), 'STORE_FAILURE')
    expect(await ownerOf('run/a')).toBe(PRODUCER)
  })

  it('that keeps versions keeps the one before, closed to its uploader', async () => {
    await deliver('run/a', bytes('a'))
    await owner.enableVersioning(BUCKET)
    await deliver('run/b', bytes('b'))
    const { versionId } = await owner.headObject(BUCKET, 'run/b')
    const { adopted } = await adopt()
    expect(adopted.map(({ objectKey, olderVersion }) => [objectKey, olderVersion])).toEqual([
      ['run/a', { versionId: 'null', closed: true }],
      ['run/b', { versionId, closed: true }],
    ])
    expect(await owner.objectAcl(BUCKET, 'run/b', { versionId })).toMatchObject({
      ownerId: PRODUCER,
      grants: [{ grantee: { id: OWNER }, permission: 'FULL_CONTROL' }],
    })
  })
})

describe('objects over the limit of one request', () => {
  const inParts = { wholeCopyLimit: 50, partSize: 30 }

  it('are copied in parts, and the sum of the parts is compared', async () => {
    const body = randomBytes(100)
    await deliver('big', body)
    const { adopted } = await adopt(owner, inParts)
    expect(adopted).toMatchObject([{ objectKey: 'big', size: 100, parts: 4, comparedBy: 'parts' }])
    expect((await read(owner, BUCKET, 'big')).equals(body)).toBe(true)
    expect(await owner.headObject(BUCKET, 'big')).toMatchObject({ headers: HEADERS, tagCount: 2 })
    expect(await ownerOf('big')).toBe(OWNER)
    expect(await collect(owner.listMultipartUploads(BUCKET))).toEqual([])
  })

  it('stay whole while a copy is stopped, and the next run goes on with it', async () => {
    const body = randomBytes(100)
    await deliver('big', body)
    const records = { folder, endpoint: 'memory' }
    const stop = new AbortController()
    const stopping = faultyStore(owner, {
      copyPart: async (...args) => {
        if (args[1] === 3) stop.abort(new Error('stopped'))
        args[3]?.signal?.throwIfAborted()
        return owner.copyPart(...args)
      },
    })
    const request = { bucket: BUCKET, ...inParts, records }
    await expect(adoptObjects(stopping.store, request, stop.signal)).rejects.toThrow('stopped')
    expect((await read(producer, BUCKET, 'big')).equals(body)).toBe(true)
    const [begun] = await collect(owner.listMultipartUploads(BUCKET))
    const there = await collect(owner.listParts(begun!))
    expect(there.length).toBeGreaterThan(0)

    const going = faultyStore(owner, {})
    expect((await adopt(going.store, { ...inParts, records })).adopted).toMatchObject([{ parts: 4 }])
    expect(going.calls.copyPart).toHaveLength(4 - there.length)
    expect(going.calls.createMultipartUpload).toBeUndefined()
    expect((await read(owner, BUCKET, 'big')).equals(body)).toBe(true)
    expect(await readdir(folder)).toEqual([])
  })

  it('begin anew when the object became another one, or the copy is gone', async () => {
    const records = { folder, endpoint: 'memory' }
    const failing = (): Store =>
      faultyStore(owner, {
        copyPart: async (...args) => {
          if (args[1] === 4) throw new Error('killed')
          return owner.copyPart(...args)
        },
      }).store
    await deliver('big', randomBytes(100))
    await expect(adopt(failing(), { ...inParts, records })).rejects.toThrow('killed')
    const newer = randomBytes(101)
    await deliver('big', newer)
    expect((await adopt(owner, { ...inParts, records })).adopted).toHaveLength(1)
    expect((await read(owner, BUCKET, 'big')).equals(newer)).toBe(true)
    expect(await collect(owner.listMultipartUploads(BUCKET))).toEqual([])

    await deliver('big', newer)
    await expect(adopt(failing(), { ...inParts, records })).rejects.toThrow('killed')
    const [begun] = await collect(owner.listMultipartUploads(BUCKET))
    await owner.abortMultipartUpload(begun!)
    expect((await adopt(owner, { ...inParts, records })).adopted).toHaveLength(1)
    expect(await readdir(folder)).toEqual([])
  })

  it('leave an upload of the producer’s under the same key alone', async () => {
    await deliver('big', randomBytes(100))
    const uploadId = await producer.createMultipartUpload(BUCKET, 'big', MINE)
    const theirs = { bucket: BUCKET, objectKey: 'big', uploadId }
    const part = await producer.uploadPart(theirs, 1, randomBytes(30))
    await adopt(owner, { ...inParts, records: { folder, endpoint: 'memory' } })
    expect(await collect(producer.listParts(theirs))).toEqual([{ ...part, size: 30 }])
  })

  it('leave nothing behind after a failure when nothing is written down', async () => {
    await deliver('big', randomBytes(100))
    const { store } = faultyStore(owner, { copyPart: () => Promise.reject(new Error('killed')) })
    await expect(adopt(store, inParts)).rejects.toThrow('killed')
    expect(await collect(owner.listMultipartUploads(BUCKET))).toEqual([])
    expect(await ownerOf('big')).toBe(PRODUCER)
  })

  it('are tried whole on Ceph first, and copied in parts when the server says that it is too much', async () => {
    await deliver('big', randomBytes(100))
    const size = 6 * 1024 ** 3
    const large = (copyObject: Store['copyObject']) =>
      faultyStore(owner, {
        headObject: async (...args) => ({ ...(await owner.headObject(...args)), size }),
        copyObject,
      })
    const whole = large((...args) => owner.copyObject(...args))
    expect((await adopt(whole.store)).adopted).toMatchObject([{ size, parts: 1, comparedBy: 'etag' }])

    await deliver('big', randomBytes(100))
    const where = { operation: 'CopyObject' }
    const refused = large(() => Promise.reject(failure('STORE_FAILURE', where, '', { status: 400 })))
    // The object is not really that large.
    await expectCode(adopt(refused.store), 'OBJECT_CHANGED')
    expect(refused.calls.createMultipartUpload).toHaveLength(1)
    const denied = large(() => Promise.reject(failure('ACCESS_DENIED', where, '', { status: 403 })))
    await expectCode(adopt(denied.store), 'ACCESS_DENIED')
    expect(denied.calls.createMultipartUpload).toBeUndefined()
  })

  it('whose key a server may decode twice are refused before anything is copied', async () => {
    await deliver('big%2B', randomBytes(100))
    await expectCode(adopt(owner, inParts), 'UNSUPPORTED')
    expect(await collect(owner.listMultipartUploads(BUCKET))).toEqual([])
  })
})
