import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseHeader, type Header } from '../../../src/crypto/crypt4gh/header.ts'
import { openHeader } from '../../../src/crypto/crypt4gh/open-header.ts'
import { sealHeader } from '../../../src/crypto/crypt4gh/seal-header.ts'
import { newDataKey, sealSegments } from '../../../src/crypto/crypt4gh/segment.ts'
import { encryptedBodySize } from '../../../src/crypto/crypt4gh/sizes.ts'
import type { KeyPair } from '../../../src/crypto/keys/key-pair.ts'
import type { ObjectHeaders } from '../../../src/storage/object-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import { AppError } from '../../../src/util/errors.ts'
import { bytes, collect, expectCode, read } from '../../conformance/steps.ts'
import { fault, faultyStore } from '../../storage/faulty-store.ts'
import { BUCKET, ELSEWHERE, objectsScene, type ObjectsScene } from './objects-scene.ts'
import { objectFor } from './sealed-scene.ts'

const MIB = 1024 ** 2
const HEADERS: ObjectHeaders = { contentType: 'text/x-reads', metadata: { sample: '7' } }
const TAGS = { state: 'raw', of: 'run 12' }

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

const deep: ObjectsScene['rekey'] = (more, ...rest) =>
  scene.rekey({ deep: true, change: {}, ...more }, ...rest)
const records = () => ({ folder, endpoint: 'memory' })

/** The data keys of an object, and its body. */
async function opened(objectKey: string, reader: KeyPair, bucket = BUCKET) {
  const object = await read(store, bucket, objectKey)
  const header = parseHeader(object) as Header
  const { dataKeys } = await openHeader(header, [reader])
  return {
    dataKeys: dataKeys.map((key) => Buffer.from(key).toString('hex')),
    body: object.subarray(header.length),
  }
}

/** As other tools deliver: with headers, tags and parts. */
async function deliver(objectKey: string, object: Uint8Array) {
  const uploadId = await store.createMultipartUpload(BUCKET, objectKey, { headers: HEADERS })
  const upload = { bucket: BUCKET, objectKey, uploadId }
  await store.completeMultipartUpload(upload, [await store.uploadPart(upload, 1, object)])
  await store.putObjectTags(BUCKET, objectKey, TAGS)
}

describe('an object that is encrypted anew', () => {
  it.each([
    ['of no bytes', 0],
    ['of one byte', 1],
    ['of several segments', 200_000],
    ['of several parts', 15 * MIB + 5],
  ])('%s has another data key and another body, and the same plaintext', async (_, size) => {
    const plaintext = randomBytes(size)
    const { group, lost } = scene
    await deliver('run/a', await objectFor(plaintext, [group, lost]))
    const before = await opened('run/a', group)
    const result = await deep({ change: { removed: [lost.publicKey] } })
    expect(result).toMatchObject({
      deep: true,
      failed: [],
      rekeyed: [
        {
          way: 'encrypted anew',
          packetsBefore: 2,
          packetsAfter: 1,
          stillReadable: true,
          sha256: createHash('sha256').update(plaintext).digest('hex'),
        },
      ],
    })
    const after = await opened('run/a', group)
    expect(after.dataKeys).toHaveLength(1)
    expect(before.dataKeys).not.toContain(after.dataKeys[0])
    expect(after.body).toHaveLength(before.body.length)
    if (size > 0) expect(after.body.equals(before.body)).toBe(false)
    expect((await scene.opens('run/a', group))?.equals(plaintext)).toBe(true)
    expect(await scene.opens('run/a', lost)).toBeUndefined()
    const head = await store.headObject(BUCKET, 'run/a')
    expect(head).toMatchObject({ headers: HEADERS, tagCount: 2 })
    expect(head.etag).toBe(result.rekeyed[0]?.etag)
    expect(await store.objectTags(BUCKET, 'run/a')).toEqual(TAGS)
    expect(await collect(store.listMultipartUploads(BUCKET))).toEqual([])
  })

  it('loses what its edit list hid, and comes down to one data key', async () => {
    const { group } = scene
    const plaintext = randomBytes(3 * 65_536)
    const dataKeys = [newDataKey(), newDataKey()]
    const body = new Uint8Array(encryptedBodySize(plaintext.length))
    sealSegments(dataKeys[0]!, plaintext.subarray(0, 65_536), body.subarray(0, 65_564))
    sealSegments(dataKeys[1]!, plaintext.subarray(65_536), body.subarray(65_564))
    const header = await sealHeader({ dataKeys, editList: [10n, 100_000n] }, [group.publicKey])
    await store.putObject(BUCKET, 'run/a', Buffer.concat([header, body]))
    await deep()
    expect((await opened('run/a', group)).dataKeys).toHaveLength(1)
    expect((await scene.opens('run/a', group))?.equals(plaintext.subarray(10, 100_010))).toBe(true)
  })

  it('goes elsewhere with --into', async () => {
    const { group, anna } = scene
    await deliver('run/a', await objectFor(bytes('reads'), [group]))
    const into = { bucket: ELSEWHERE, objectKey: '' }
    const change = { exactly: [anna.publicKey] }
    const result = await deep({ into, change })
    expect(result).toMatchObject({ totals: { noLongerReadable: 1 } })
    expect((await scene.opens('a', anna, ELSEWHERE))?.toString()).toBe('reads')
    expect((await store.headObject(ELSEWHERE, 'a')).headers).toEqual(HEADERS)
    expect((await scene.opens('run/a', group))?.toString()).toBe('reads')
    await expectCode(deep({ into, change }), 'OBJECT_EXISTS')
  })

  it('keeps the readers who were named, and asks about the others', async () => {
    const { group, lost, anna, guest } = scene
    await scene.put('run/a', bytes('reads'), [group, lost, guest])
    await expectCode(deep(), 'UNNAMED_READERS')
    await expectCode(deep({ change: { removed: [lost.publicKey] } }), 'UNNAMED_READERS')
    expect(await scene.opens('run/a', lost)).toBeDefined()
    const named = { removed: [lost.publicKey], added: [guest.publicKey, anna.publicKey] }
    expect(await deep({ change: named })).toMatchObject({ totals: { packetsDropped: 2 } })
    for (const reader of [group, guest, anna]) expect(await scene.opens('run/a', reader)).toBeDefined()
    expect(await scene.opens('run/a', lost)).toBeUndefined()
    await deep({ change: { dropOthers: true } })
    expect(await scene.opens('run/a', anna)).toBeUndefined()
  })

  it('is told beforehand with --dry-run', async () => {
    const { group, lost } = scene
    await scene.put('run/a', randomBytes(100_000), [group, lost])
    const change = { removed: [lost.publicKey] }
    const dry = await deep({ change, dryRun: true })
    const { rekeyed } = await deep({ change })
    const { sentBytes, receivedBytes, packetsAfter, way } = rekeyed[0]!
    expect(dry.planned).toMatchObject([{ sentBytes, receivedBytes, packetsAfter, way, copiedBytes: 0 }])
  })

  it('of a bucket with versions takes the version before it along where that is asked for', async () => {
    await store.enableVersioning(BUCKET)
    await scene.put('run/a', bytes('reads'), [scene.group])
    expect(await deep()).toMatchObject({ totals: { olderVersions: 1 } })
    expect(await collect(store.listVersions(BUCKET))).toHaveLength(2)
    expect(await deep({ deleteReplaced: true })).toMatchObject({ totals: { olderVersions: 0 } })
    expect(await collect(store.listVersions(BUCKET))).toHaveLength(2)
  })
})

it.each([
  ['alone', {}],
  ['and no versions listed', { listVersions: () => denied('ListObjectVersions') }],
])('names the version before it, with the setting of the bucket denied %s', async (_, others) => {
  await store.enableVersioning(BUCKET)
  await scene.put('run/a', bytes('reads'), [scene.group])
  const { versionId } = await store.headObject(BUCKET, 'run/a')
  const { store: silent } = faultyStore(store, {
    bucketVersioning: () => Promise.reject(fault('GetBucketVersioning', 'ACCESS_DENIED', false)),
    ...others,
  })
  expect((await deep({}, silent)).rekeyed).toMatchObject([{ olderVersion: versionId }])
})

function denied(operation: string): never {
  throw fault(operation, 'ACCESS_DENIED', false)
}

describe('an object that stays as it is', () => {
  it('because a segment is not genuine', async () => {
    const object = await objectFor(randomBytes(10 * MIB), [scene.group])
    object[object.length - 70_000]! ^= 1
    await store.putObject(BUCKET, 'run/a', object)
    await expectCode(deep(), 'AUTHENTICATION_FAILED')
    expect((await read(store, BUCKET, 'run/a')).equals(object)).toBe(true)
    expect(await collect(store.listMultipartUploads(BUCKET))).toEqual([])
  })

  it.each([
    ['small', 1000],
    ['large', 14 * MIB],
  ])('because somebody wrote to it meanwhile (%s)', async (_, size) => {
    await scene.put('run/a', randomBytes(size), [scene.group])
    const newer = await objectFor(randomBytes(size), [scene.group])
    let reads = 0
    const { store: watched } = faultyStore(store, {
      headObject: async (...args) => {
        reads += 1
        // The second look is the last one before the new object would take its place.
        if (reads === 2) await store.putObject(BUCKET, 'run/a', newer)
        return store.headObject(...args)
      },
    })
    const place = { bucket: BUCKET, objectKey: 'run/' }
    await expectCode(deep({ place }, watched), 'OBJECT_CHANGED')
    expect((await read(store, BUCKET, 'run/a')).equals(newer)).toBe(true)
    expect(await collect(store.listMultipartUploads(BUCKET))).toEqual([])
  })

  it('because the run was stopped', async () => {
    const stop = new AbortController()
    await scene.put('run/a', randomBytes(20 * MIB), [scene.group])
    const before = await read(store, BUCKET, 'run/a')
    const { store: watched } = faultyStore(store, {
      uploadPart: async (...args) => {
        if (args[1] === 2) stop.abort(new AppError('INTERRUPTED', 'interrupted'))
        return store.uploadPart(...args)
      },
    })
    await expectCode(deep({ records: records() }, watched, stop.signal), 'INTERRUPTED')
    expect((await read(store, BUCKET, 'run/a')).equals(before)).toBe(true)
    expect(await collect(store.listMultipartUploads(BUCKET))).toEqual([])
  })
})

describe('a run that was killed', () => {
  it('in the middle of an object leaves an upload, which the next run removes', async () => {
    await scene.put('run/a', randomBytes(20 * MIB), [scene.group])
    // A killed process aborts nothing: here the store does not hear of it.
    const { store: deaf } = faultyStore(store, {
      uploadPart: async (...args) =>
        args[1] === 3
          ? Promise.reject(fault('UploadPart', 'ACCESS_DENIED', false))
          : store.uploadPart(...args),
      abortMultipartUpload: async () => Promise.reject(fault('AbortMultipartUpload', 'ACCESS_DENIED', false)),
    })
    await expectCode(deep({ records: records() }, deaf), 'ACCESS_DENIED')
    expect(await collect(store.listMultipartUploads(BUCKET))).toHaveLength(1)
    await deep({ records: records() })
    expect(await collect(store.listMultipartUploads(BUCKET))).toEqual([])
    expect(await readdir(folder)).toEqual([])
  })

  it('when the object was just placed is finished by the next one, and nothing is done twice', async () => {
    const plaintext = randomBytes(14 * MIB)
    await deliver('run/a', await objectFor(plaintext, [scene.group]))
    const { store: dying, calls } = faultyStore(store, {
      headObject: async (...args) => {
        if (calls.completeMultipartUpload !== undefined) throw fault('HeadObject', 'STORE_FAILURE', false)
        return store.headObject(...args)
      },
      createMultipartUpload: async (bucket, objectKey, options) =>
        store.createMultipartUpload(bucket, objectKey, options),
    })
    await expectCode(deep({ records: records() }, dying), 'STORE_FAILURE')
    const { etag, tagCount } = await store.headObject(BUCKET, 'run/a')
    expect(tagCount).not.toBe(2)
    const { store: watched, calls: again } = faultyStore(store, {})
    const result = await deep({ records: records() }, watched)
    expect(result).toMatchObject({ failed: [], rekeyed: [{ objectKey: 'run/a', etag }] })
    expect(again.createMultipartUpload).toBeUndefined()
    expect(await store.objectTags(BUCKET, 'run/a')).toEqual(TAGS)
    expect((await scene.opens('run/a', scene.group))?.equals(plaintext)).toBe(true)
    expect(await readdir(folder)).toEqual([])
  })
})
