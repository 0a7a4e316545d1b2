import { createHash, randomBytes } from 'node:crypto'
import { beforeAll, expect, it } from 'vitest'
import type { Store } from '../../src/storage/store.ts'
import type { Lacks, Stage } from './parties.ts'
import { bytes, collect, expectCode, freshBucket, read } from './steps.ts'

/** Keys that S3 allows and that clients, servers or XML may mangle. */
const ODD_KEYS = [
  'with space',
  ' leading and trailing ',
  'plus+percent%20',
  'a&b<c>"d\'',
  'hash#question?.c4gh',
  'über/näyte-ä.fastq.gz',
  '样本/🧬.bam',
  '(paren)[bracket]{brace}',
  'tab\tinside',
  'colon:semi;comma,=@$!*~',
]

/** Keys that a server which keeps objects in files may refuse (MinIO). */
const PATH_KEYS = ['folder//double/', '../up', './here', 'back\\slash']

export function objectStories(stage: Stage, lacks: Lacks): void {
  let store: Store
  let bucket: string
  beforeAll(async () => {
    store = stage().owner.store
    bucket = await freshBucket(store)
  })

  it('an object comes back byte by byte, with its size and MD5', async () => {
    const body = randomBytes(300_000)
    const md5 = createHash('md5').update(body).digest('hex')
    const stored = await store.putObject(bucket, 'reads.c4gh', body, { contentType: 'application/x-test' })
    expect(stored.etag).toBe(md5)
    const head = await store.headObject(bucket, 'reads.c4gh')
    expect(head).toMatchObject({ size: 300_000, etag: md5 })
    expect(head.lastModified).toBeInstanceOf(Date)
    const answer = await store.getObject(bucket, 'reads.c4gh')
    expect(answer).toMatchObject({ length: 300_000, size: 300_000, etag: md5 })
    expect(Buffer.concat(await collect(answer.body)).equals(body)).toBe(true)
  })

  it('an empty object is an object', async () => {
    await store.putObject(bucket, 'empty', new Uint8Array())
    expect((await store.headObject(bucket, 'empty')).size).toBe(0)
    expect((await read(store, bucket, 'empty')).length).toBe(0)
  })

  it('a range is exactly the bytes that were asked for', async () => {
    const body = randomBytes(200_000)
    await store.putObject(bucket, 'ranged', body)
    const ranges = [
      [0, 1],
      [199_999, 1],
      [65_536, 65_564],
      [0, 200_000],
    ] as const
    for (const [offset, length] of ranges) {
      const answer = await store.getObject(bucket, 'ranged', { range: { offset, length } })
      expect(answer).toMatchObject({ length, size: 200_000 })
      const received = Buffer.concat(await collect(answer.body))
      expect(received.equals(body.subarray(offset, offset + length))).toBe(true)
    }
  })

  it('a range that the object does not have is refused, not shortened', async () => {
    await store.putObject(bucket, 'short', bytes('0123456789'))
    const get = (offset: number, length: number) =>
      store.getObject(bucket, 'short', { range: { offset, length } })
    await expectCode(get(5, 6), 'OBJECT_CHANGED')
    await expectCode(get(10, 1), 'OBJECT_CHANGED')
  })

  it('an object that was replaced meanwhile is not taken for the first one', async () => {
    const first = await store.putObject(bucket, 'replaced', bytes('first'))
    const answer = await store.getObject(bucket, 'replaced', { ifMatch: first.etag })
    expect(Buffer.concat(await collect(answer.body)).toString()).toBe('first')
    await store.putObject(bucket, 'replaced', bytes('other'))
    await expectCode(store.getObject(bucket, 'replaced', { ifMatch: first.etag }), 'OBJECT_CHANGED')
    const range = { offset: 1, length: 2 }
    await expectCode(store.getObject(bucket, 'replaced', { ifMatch: first.etag, range }), 'OBJECT_CHANGED')
  })

  it('an object is not overwritten when it must be absent', async () => {
    await store.putObject(bucket, 'once', bytes('first'), { ifAbsent: true })
    await expectCode(store.putObject(bucket, 'once', bytes('second'), { ifAbsent: true }), 'OBJECT_EXISTS')
    expect((await read(store, bucket, 'once')).toString()).toBe('first')
    await store.putObject(bucket, 'once', bytes('third'))
    expect((await read(store, bucket, 'once')).toString()).toBe('third')
  })

  it('a body that is not the one that was hashed is refused and not stored', async () => {
    const sha256 = createHash('sha256').update('what was sealed').digest('hex')
    const sent = store.putObject(bucket, 'tampered', bytes('what arrived here'), { sha256 })
    await expect(sent).rejects.toMatchObject({ code: 'INTEGRITY', retryable: true })
    await expectCode(store.headObject(bucket, 'tampered'), 'OBJECT_NOT_FOUND')
  })

  it('a body with the right hash is stored', async () => {
    const body = bytes('what was sealed')
    const sha256 = createHash('sha256').update(body).digest('hex')
    await store.putObject(bucket, 'hashed', body, { sha256 })
    expect((await read(store, bucket, 'hashed')).toString()).toBe('what was sealed')
  })

  it('a missing object is reported as missing, and deleting it is no failure', async () => {
    await expectCode(store.headObject(bucket, 'missing'), 'OBJECT_NOT_FOUND')
    await expectCode(store.getObject(bucket, 'missing'), 'OBJECT_NOT_FOUND')
    await expect(store.deleteObject(bucket, 'missing')).resolves.toBeUndefined()
  })

  it('a deleted object is gone', async () => {
    await store.putObject(bucket, 'short-lived', bytes('x'))
    await store.deleteObject(bucket, 'short-lived')
    await expectCode(store.headObject(bucket, 'short-lived'), 'OBJECT_NOT_FOUND')
  })

  const isKept = async (objectKey: string): Promise<void> => {
    const odd = await freshBucket(store)
    await store.putObject(odd, objectKey, bytes(objectKey))
    expect((await read(store, odd, objectKey)).toString()).toBe(objectKey)
    expect((await collect(store.listObjects(odd))).map((entry) => entry.objectKey)).toEqual([objectKey])
    await store.deleteObject(odd, objectKey)
    expect(await collect(store.listObjects(odd))).toEqual([])
  }
  it.each(ODD_KEYS)('an object called %j is found under exactly that name', isKept)
  it.skipIf(lacks.pathKeys !== undefined).each(PATH_KEYS)(
    'an object called %j, which looks like a path, is found under exactly that name',
    isKept,
  )
  it.skipIf(lacks.pathKeys !== undefined)('an object with the longest name that S3 allows is found', () =>
    isKept('k'.repeat(1024)),
  )

  it('a request that is aborted before it starts is not sent', async () => {
    const reason = new Error('the user left')
    const signal = AbortSignal.abort(reason)
    await expect(store.putObject(bucket, 'aborted', bytes('x'), { signal })).rejects.toBe(reason)
    await expect(store.getObject(bucket, 'once', { signal })).rejects.toBe(reason)
    await expectCode(store.headObject(bucket, 'aborted'), 'OBJECT_NOT_FOUND')
  })

  it('a body that is not wanted any more can be dropped, read or unread', async () => {
    await store.putObject(bucket, 'long', randomBytes(2_000_000))
    const unread = await store.getObject(bucket, 'long')
    unread.destroy()
    const partlyRead = await store.getObject(bucket, 'long')
    for await (const chunk of partlyRead.body) {
      expect(chunk.length).toBeGreaterThan(0)
      break
    }
    partlyRead.destroy()
    expect((await read(store, bucket, 'long', { offset: 0, length: 3 })).length).toBe(3)
  })
}
