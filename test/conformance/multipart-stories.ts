import { createHash, randomBytes } from 'node:crypto'
import { beforeAll, expect, it } from 'vitest'
import { multipartEtag } from '../../src/storage/multipart-etag.ts'
import { uploadObject } from '../../src/storage/multipart-upload.ts'
import type { MultipartUpload } from '../../src/storage/object-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { forEachPulled } from '../../src/util/pull-pool.ts'
import type { Lacks, Stage } from './parties.ts'
import { bytes, collect, expectCode, freshBucket, read } from './steps.ts'

/** The least that every part but the last must have. */
const MIN_PART = 5 * 1024 ** 2

export function multipartStories(stage: Stage, lacks: Lacks): void {
  let store: Store
  let bucket: string
  beforeAll(async () => {
    store = stage().owner.store
    bucket = await freshBucket(store)
  })
  const open = async (objectKey: string): Promise<MultipartUpload> => {
    return { bucket, objectKey, uploadId: await store.createMultipartUpload(bucket, objectKey) }
  }

  it('parts sent in any order are joined by their numbers', async () => {
    const upload = await open('joined')
    const [head, tail] = [randomBytes(MIN_PART), randomBytes(1000)]
    const second = await store.uploadPart(upload, 2, tail)
    const first = await store.uploadPart(upload, 1, head)
    expect(first).toEqual({ partNumber: 1, etag: createHash('md5').update(head).digest('hex') })
    expect(await collect(store.listParts(upload))).toEqual([
      { ...first, size: MIN_PART },
      { ...second, size: 1000 },
    ])
    await store.completeMultipartUpload(upload, [first, second])
    const found = await store.headObject(bucket, 'joined')
    expect(found).toMatchObject({ size: MIN_PART + 1000, etag: multipartEtag([first, second]) })
    expect((await read(store, bucket, 'joined')).equals(Buffer.concat([head, tail]))).toBe(true)
    await expectCode(collect(store.listParts(upload)), 'UPLOAD_NOT_FOUND')
  })

  it('a part that is sent again replaces the first one', async () => {
    const upload = await open('replaced')
    await store.uploadPart(upload, 1, bytes('first'))
    const again = await store.uploadPart(upload, 1, bytes('second'))
    await store.completeMultipartUpload(upload, [again])
    expect((await read(store, bucket, 'replaced')).toString()).toBe('second')
  })

  it('a part that is not the one that was hashed is refused and not stored', async () => {
    const upload = await open('tampered')
    const sha256 = createHash('sha256').update('what was sealed').digest('hex')
    const sent = store.uploadPart(upload, 1, bytes('what arrived here'), { sha256 })
    await expect(sent).rejects.toMatchObject({ code: 'INTEGRITY', retryable: true, partNumber: 1 })
    expect(await collect(store.listParts(upload))).toEqual([])
    await store.abortMultipartUpload(upload)
  })

  it('a part in the middle that is too small is refused when the upload is completed', async () => {
    const upload = await open('too-small')
    const parts = [
      await store.uploadPart(upload, 1, bytes('small')),
      await store.uploadPart(upload, 2, bytes('x')),
    ]
    await expectCode(store.completeMultipartUpload(upload, parts), 'STORE_FAILURE')
    await expectCode(store.headObject(bucket, 'too-small'), 'OBJECT_NOT_FOUND')
    await store.abortMultipartUpload(upload)
  })

  it('parts that never arrived, or arrived otherwise, are refused', async () => {
    const upload = await open('wrong')
    const first = await store.uploadPart(upload, 1, randomBytes(MIN_PART))
    await store.uploadPart(upload, 2, bytes('tail'))
    const missing = { partNumber: 3, etag: first.etag }
    // Not behind the short one: versitygw would speak of that first.
    await expectCode(store.completeMultipartUpload(upload, [first, missing]), 'INTEGRITY')
    const stale = { partNumber: 2, etag: first.etag }
    await expectCode(store.completeMultipartUpload(upload, [first, stale]), 'INTEGRITY')
    await expectCode(store.headObject(bucket, 'wrong'), 'OBJECT_NOT_FOUND')
    await store.abortMultipartUpload(upload)
  })

  it('an aborted upload is gone, and aborting it again is no failure', async () => {
    const upload = await open('aborted')
    const part = await store.uploadPart(upload, 1, bytes('x'))
    await store.abortMultipartUpload(upload)
    await expectCode(store.uploadPart(upload, 1, bytes('x')), 'UPLOAD_NOT_FOUND')
    await expectCode(store.completeMultipartUpload(upload, [part]), 'UPLOAD_NOT_FOUND')
    await expectCode(collect(store.listParts(upload)), 'UPLOAD_NOT_FOUND')
    await expect(store.abortMultipartUpload(upload)).resolves.toBeUndefined()
  })

  const listsUploads = it.skipIf(lacks.uploadListing !== undefined)
  listsUploads('unfinished uploads are listed with object key, id and owner', async () => {
    const other = await freshBucket(store)
    const wanted: MultipartUpload[] = []
    for (const objectKey of ['run/a b+c', 'run/ä', 'other']) {
      wanted.push({ bucket: other, objectKey, uploadId: await store.createMultipartUpload(other, objectKey) })
    }
    const listed = await collect(store.listMultipartUploads(other, { prefix: 'run/' }))
    const found = listed.map(({ objectKey, uploadId }) => ({ bucket: other, objectKey, uploadId }))
    expect(found).toHaveLength(2)
    expect(found).toEqual(expect.arrayContaining(wanted.slice(0, 2)))
    if (lacks.uploadOwners === undefined) expect(listed[0]?.ownerId).toBe(stage().owner.canonicalId)
    expect(listed[0]?.initiatedAt).toBeInstanceOf(Date)
    for (const upload of wanted) await store.abortMultipartUpload(upload)
    expect(await collect(store.listMultipartUploads(other))).toEqual([])
  })

  it('more parts than fit one page are all listed, once', async () => {
    const upload = await open('many-parts')
    const numbers = Array.from({ length: 1005 }, (_, n) => n + 1)
    await forEachPulled(numbers, 16, async (partNumber) => {
      await store.uploadPart(upload, partNumber, bytes(`part ${partNumber}`))
    })
    expect((await collect(store.listParts(upload))).map((part) => part.partNumber)).toEqual(numbers)
    await store.abortMultipartUpload(upload)
  })

  it('the upload engine stores an object of several parts and checks it', async () => {
    const bodies = [randomBytes(MIN_PART), randomBytes(MIN_PART + 1), randomBytes(77)]
    const size = bodies.reduce((sum, body) => sum + body.length, 0)
    const plan = {
      size,
      partCount: 3,
      prepare: async (partNumber: number) => {
        const body = bodies[partNumber - 1]!
        const sha256 = createHash('sha256').update(body).digest('hex')
        const md5 = createHash('md5').update(body).digest('hex')
        return { body, sha256, md5, release: () => undefined }
      },
    }
    const target = { bucket, objectKey: 'engine' }
    const result = await uploadObject(store, target, plan, { concurrency: 2, ifAbsent: true })
    expect(result).toMatchObject({ size, partCount: 3, sizeCheckedBy: 'head', overwriteChecked: true })
    expect((await read(store, bucket, 'engine')).equals(Buffer.concat(bodies))).toBe(true)
    await expectCode(uploadObject(store, target, plan, { concurrency: 2, ifAbsent: true }), 'OBJECT_EXISTS')
  })
}
