import { createHash, randomBytes } from 'node:crypto'
import { beforeAll, expect, it } from 'vitest'
import { multipartEtag } from '../../src/storage/multipart-etag.ts'
import type { Store } from '../../src/storage/store.ts'
import { hasCode } from '../../src/util/errors.ts'
import { forEachPulled } from '../../src/util/pull-pool.ts'
import type { Lacks, Stage } from './parties.ts'
import { bytes, collect, expectCode, freshBucket, read } from './steps.ts'

/** The least that every part but the last must have. */
const MIN_PART = 5 * 1024 ** 2
const HEADERS = { contentType: 'text/x-reads', metadata: { sample: 'a b', run: '12' } }

/** Characters that are easily lost on the way through a header, a query and XML. */
const PARTS_KEY = 'run 12/ä+b?c=1&d#e.c4gh'
const KEY = `${PARTS_KEY}%2B`

export function copyStories(stage: Stage, lacks: Lacks): void {
  let store: Store
  let bucket: string
  beforeAll(async () => {
    store = stage().owner.store
    bucket = await freshBucket(store)
  })
  const versioned = it.skipIf(lacks.versioning !== undefined)
  const shared = it.skipIf(lacks.grants !== undefined)

  it('an object is copied whole, with what it says of itself', async () => {
    await store.putObject(bucket, KEY, bytes('reads'), { contentType: 'text/x-reads' })
    const before = await store.headObject(bucket, KEY)
    await store.copyObject({ bucket, objectKey: KEY }, { bucket, objectKey: `copy of ${KEY}` })
    const after = await store.headObject(bucket, `copy of ${KEY}`)
    expect(after).toMatchObject({ size: 5, etag: before.etag, headers: before.headers })
    expect(after.headers.contentType).toBe('text/x-reads')
    expect((await read(store, bucket, `copy of ${KEY}`)).toString()).toBe('reads')
  })

  it('an object is copied onto itself under other headers, and only so', async () => {
    await store.putObject(bucket, 'itself', bytes('reads'))
    const itself = { bucket, objectKey: 'itself' }
    const { etag } = await store.copyObject(itself, itself, { headers: HEADERS })
    const after = await store.headObject(bucket, 'itself')
    expect(after).toMatchObject({ size: 5, headers: HEADERS })
    expect([undefined, after.etag]).toContain(etag)
    expect(after.etag).toBe(createHash('md5').update('reads').digest('hex'))
    await expectCode(store.copyObject(itself, itself), 'STORE_FAILURE')
  })

  it('what is not there can not be copied, and nothing takes its place', async () => {
    const nothing = { bucket, objectKey: 'nothing' }
    await expectCode(store.copyObject(nothing, { bucket, objectKey: 'target' }), 'OBJECT_NOT_FOUND')
    await expectCode(store.headObject(bucket, 'target'), 'OBJECT_NOT_FOUND')
  })

  it('ranges of an object become the parts of another, or of itself', async () => {
    const body = randomBytes(MIN_PART + 1000)
    await store.putObject(bucket, PARTS_KEY, body)
    const source = { bucket, objectKey: PARTS_KEY }
    const uploadId = await store.createMultipartUpload(bucket, PARTS_KEY, { headers: HEADERS })
    const upload = { ...source, uploadId }
    const tail = await store.copyPart(upload, 2, { ...source, range: { offset: MIN_PART, length: 1000 } })
    const head = await store.copyPart(upload, 1, { ...source, range: { offset: 0, length: MIN_PART } })
    expect(head).toEqual({ partNumber: 1, etag: md5(body.subarray(0, MIN_PART)) })
    expect(tail).toEqual({ partNumber: 2, etag: md5(body.subarray(MIN_PART)) })
    expect((await read(store, bucket, PARTS_KEY)).equals(body)).toBe(true)
    await store.completeMultipartUpload(upload, [head, tail])
    const after = await store.headObject(bucket, PARTS_KEY)
    expect(after).toMatchObject({ size: body.length, etag: multipartEtag([head, tail]), headers: HEADERS })
    expect((await read(store, bucket, PARTS_KEY)).equals(body)).toBe(true)
  })

  it('an object is stored with what it says of itself, and with tags where the server takes them in the same step', async () => {
    await store.putObject(bucket, 'said', bytes('reads'), { headers: HEADERS })
    expect((await store.headObject(bucket, 'said')).headers).toEqual(
      (await store.getObject(bucket, 'said')).head.headers,
    )
    expect(await store.headObject(bucket, 'said')).toMatchObject({ headers: HEADERS })
    const tags = { state: 'raw & new', 'of+run': 'ä=12' }
    try {
      await store.putObject(bucket, 'said', bytes('reads'), { headers: HEADERS, tags })
    } catch (error) {
      if (hasCode(error, 'UNSUPPORTED')) return
      throw error
    }
    expect(await store.objectTags(bucket, 'said')).toEqual(tags)
    expect(await store.headObject(bucket, 'said')).toMatchObject({ headers: HEADERS, tagCount: 2 })
  })

  it('the beginning of an object comes by one request, however short it is', async () => {
    const body = randomBytes(1000)
    const { etag } = await store.putObject(bucket, 'begun', body)
    const beginning = async (length: number, offset = 0): Promise<Buffer> => {
      const answer = await store.getObject(bucket, 'begun', { range: { offset, length }, orLess: true })
      expect(answer).toMatchObject({ size: 1000, head: { size: 1000, etag } })
      const received = Buffer.concat(await collect(answer.body))
      expect(received.length).toBe(answer.length)
      return received
    }
    expect((await beginning(10)).equals(body.subarray(0, 10))).toBe(true)
    expect((await beginning(1000)).equals(body)).toBe(true)
    expect((await beginning(2000)).equals(body)).toBe(true)
    expect((await beginning(2000, 999)).equals(body.subarray(999))).toBe(true)
    await expectCode(beginning(1, 1000), 'OBJECT_CHANGED')
    await store.putObject(bucket, 'begun', new Uint8Array())
    const ofNothing = store.getObject(bucket, 'begun', { range: { offset: 0, length: 10 }, orLess: true })
    await expectCode(ofNothing, 'OBJECT_CHANGED')
  })

  it('a part is all of an object where no range is named', async () => {
    await store.putObject(bucket, 'whole', bytes('whole'))
    const uploadId = await store.createMultipartUpload(bucket, 'of-whole')
    const upload = { bucket, objectKey: 'of-whole', uploadId }
    const part = await store.copyPart(upload, 1, { bucket, objectKey: 'whole' })
    await store.completeMultipartUpload(upload, [part])
    expect((await read(store, bucket, 'of-whole')).toString()).toBe('whole')
  })

  it('a part beyond the end, of nothing or for no upload is refused', async () => {
    await store.putObject(bucket, 'short', bytes('short'))
    const uploadId = await store.createMultipartUpload(bucket, 'refused')
    const upload = { bucket, objectKey: 'refused', uploadId }
    const short = { bucket, objectKey: 'short' }
    const beyond = store.copyPart(upload, 1, { ...short, range: { offset: 0, length: 6 } })
    await expect(beyond).rejects.toMatchObject({ code: 'OBJECT_CHANGED', partNumber: 1 })
    await expectCode(store.copyPart(upload, 1, { bucket, objectKey: 'nothing' }), 'OBJECT_NOT_FOUND')
    expect(await collect(store.listParts(upload))).toEqual([])
    await store.abortMultipartUpload(upload)
    await expectCode(store.copyPart(upload, 1, short), 'UPLOAD_NOT_FOUND')
  })

  it('a part of an object whose key might be decoded twice is refused, instead of another object copied', async () => {
    await store.putObject(bucket, 'a+b', bytes('another'))
    const uploadId = await store.createMultipartUpload(bucket, 'decoded')
    const upload = { bucket, objectKey: 'decoded', uploadId }
    for (const objectKey of ['a%2Bb', 'a%zz', 'a?versionId=b']) {
      await store.putObject(bucket, objectKey, bytes(objectKey))
      await expectCode(store.copyPart(upload, 1, { bucket, objectKey }), 'UNSUPPORTED')
      // versitygw takes the escaped question mark for the beginning of the version's id.
      if (objectKey.includes('?') && lacks.grants !== undefined) continue
      await store.copyObject({ bucket, objectKey }, { bucket, objectKey: 'decoded' })
      expect((await read(store, bucket, 'decoded')).toString()).toBe(objectKey)
    }
    await store.abortMultipartUpload(upload)
  })

  shared('a copy belongs to who makes it, and the copy of what can not be read is refused', async () => {
    const { owner, grantee, address } = stage()
    const inbox = await freshBucket(owner.store)
    const acl = await owner.store.bucketAcl(inbox)
    const write = { grantee: { type: 'canonical', id: grantee.canonicalId }, permission: 'WRITE' } as const
    await owner.store.putBucketAcl(inbox, { ...acl, grants: [...acl.grants, write] })
    const theirs = address(inbox)
    await grantee.store.putObject(theirs, 'private', bytes('private'))
    await grantee.store.putObject(theirs, 'delivered', bytes('delivered'), {
      acl: 'bucket-owner-full-control',
    })
    const copied = async (objectKey: string) => {
      const itself = { bucket: inbox, objectKey }
      await owner.store.copyObject(itself, itself, { headers: HEADERS })
    }
    await expectCode(copied('private'), 'ACCESS_DENIED')
    expect((await read(grantee.store, theirs, 'private')).toString()).toBe('private')
    await copied('delivered')
    expect((await owner.store.objectAcl(inbox, 'delivered')).ownerId).toBe(owner.canonicalId)
    await expectCode(grantee.store.headObject(theirs, 'delivered'), 'ACCESS_DENIED')
  })

  versioned('versions are listed newest first, page by page, and each is deleted for itself', async () => {
    const kept = await freshBucket(store)
    await store.enableVersioning(kept)
    await store.putObject(kept, KEY, bytes('first of all'))
    await store.putObject(kept, KEY, bytes('second'))
    await store.putObject(kept, KEY, bytes('third'))
    await store.putObject(kept, 'gone', bytes('gone'))
    await store.deleteObject(kept, 'gone')
    const listed = await collect(store.listVersions(kept))
    expect(listed.map(({ objectKey, kind, isLatest, size }) => [objectKey, kind, isLatest, size])).toEqual([
      ['gone', 'delete-marker', true, 0],
      ['gone', 'object', false, 4],
      [KEY, 'object', true, 5],
      [KEY, 'object', false, 6],
      [KEY, 'object', false, 12],
    ])
    expect(listed[2]?.etag).toBe(md5(bytes('third')))
    if (lacks.grants === undefined) expect(listed[2]?.ownerId).toBe(stage().owner.canonicalId)
    expect(await collect(store.listVersions(kept, { prefix: 'run' }))).toEqual(listed.slice(2))

    const [marker, buried, newest, second, first] = listed
    expect(await store.headObject(kept, KEY, { versionId: second?.versionId })).toMatchObject({ size: 6 })
    await store.deleteVersion(kept, KEY, newest!.versionId)
    expect((await read(store, kept, KEY)).toString()).toBe('second')
    const gone = { versionId: newest!.versionId }
    await expectCode(store.headObject(kept, KEY, gone), 'OBJECT_NOT_FOUND')
    await store.deleteVersion(kept, 'gone', marker!.versionId)
    expect((await read(store, kept, 'gone')).toString()).toBe('gone')
    await store.deleteVersion(kept, 'gone', buried!.versionId)
    await expect(store.deleteVersion(kept, 'gone', buried!.versionId)).resolves.toBeUndefined()
    await store.deleteVersion(kept, KEY, second!.versionId)
    await store.deleteVersion(kept, KEY, first!.versionId)
    expect(await collect(store.listVersions(kept))).toEqual([])
    expect(await store.hasAnyVersion(kept)).toBe(false)
  })

  versioned('what was there before versions were kept is the version null', async () => {
    const kept = await freshBucket(store)
    await store.putObject(kept, KEY, bytes('before versions'))
    await store.enableVersioning(kept)
    expect(await collect(store.listVersions(kept))).toMatchObject([{ versionId: 'null', isLatest: true }])
    await store.putObject(kept, KEY, bytes('after'))
    const [newest, before] = await collect(store.listVersions(kept))
    expect([newest?.size, before?.size, before?.versionId]).toEqual([5, 15, 'null'])
    expect(await store.headObject(kept, KEY, { versionId: 'null' })).toMatchObject({ size: 15 })
    await store.deleteVersion(kept, KEY, 'null')
    expect(await collect(store.listVersions(kept))).toEqual([newest])
  })

  versioned('a version is copied onto its key, and its ACL is its own', async () => {
    const kept = await freshBucket(store)
    await store.enableVersioning(kept)
    await store.putObject(kept, KEY, bytes('first'))
    const { versionId } = await store.headObject(kept, KEY)
    await store.putObject(kept, KEY, bytes('second'))
    const target = { bucket: kept, objectKey: KEY }
    await store.copyObject({ ...target, versionId }, target, { headers: HEADERS })
    expect((await read(store, kept, KEY)).toString()).toBe('first')
    const newest = await store.headObject(kept, KEY)
    expect(newest.versionId).not.toBe(versionId)
    expect(await collect(store.listVersions(kept))).toHaveLength(3)
    if (lacks.grants !== undefined) return
    const acl = await store.objectAcl(kept, KEY, { versionId })
    const reading = {
      grantee: { type: 'canonical', id: stage().grantee.canonicalId },
      permission: 'READ',
    } as const
    await store.putObjectAcl(kept, KEY, { ...acl, grants: [...acl.grants, reading] }, { versionId })
    expect((await store.objectAcl(kept, KEY, { versionId })).grants).toContainEqual(reading)
    expect((await store.objectAcl(kept, KEY)).grants).not.toContainEqual(reading)
  })

  versioned('more versions than fit one page are all listed, once', async () => {
    const kept = await freshBucket(store)
    await store.enableVersioning(kept)
    const keys = ['a', 'b', KEY, 'ä+%2B c', 'ä+%2B d']
    await forEachPulled(keys, keys.length, async (objectKey) => {
      for (let n = 0; n < 201; n++) await store.putObject(kept, objectKey, bytes(String(n)))
    })
    const listed = await collect(store.listVersions(kept))
    expect(listed).toHaveLength(1005)
    const names = listed.map(({ objectKey, versionId }) => JSON.stringify([objectKey, versionId]))
    expect(new Set(names).size).toBe(1005)
    const latest = listed.filter(({ isLatest }) => isLatest)
    expect(latest.map(({ objectKey }) => objectKey)).toEqual(keys)
  })

  it('a bucket that keeps no versions lists its objects as such', async () => {
    const plain = await freshBucket(store)
    expect(await collect(store.listVersions(plain))).toEqual([])
    await store.putObject(plain, 'only', bytes('only'))
    const listed = await collect(store.listVersions(plain)).catch((error: unknown) => error)
    if (lacks.versioning !== undefined && listed instanceof Error) {
      expect(listed).toMatchObject({ code: 'UNSUPPORTED' })
      return
    }
    expect(listed).toMatchObject([{ objectKey: 'only', kind: 'object', isLatest: true, versionId: 'null' }])
  })
}

function md5(body: Uint8Array): string {
  return createHash('md5').update(body).digest('hex')
}
