import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/storage/memory-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { withRetry } from '../../src/storage/with-retry.ts'
import { bytes, collect, read } from '../conformance/steps.ts'
import { fault, faultyStore } from './faulty-store.ts'

const AT_ONCE = { sleep: () => Promise.resolve() }
let memory: Store
beforeEach(async () => {
  memory = createMemoryStore({ minPartSize: 1 })
  await memory.createBucket('bucket')
})

/** Fails the first calls, then does as the memory store does. */
function failingFirst<Args extends unknown[], T>(
  times: number,
  operation: string,
  call: (...args: Args) => Promise<T>,
) {
  let left = times
  return (...args: Args): Promise<T> => (left-- > 0 ? Promise.reject(fault(operation)) : call(...args))
}

describe('a store that is busy now and then', () => {
  it('takes the object at the third attempt', async () => {
    const putObject = failingFirst(2, 'PutObject', memory.putObject.bind(memory))
    const { store, calls } = faultyStore(memory, { putObject })
    await withRetry(store, AT_ONCE).putObject('bucket', 'x', bytes('x'))
    expect(calls.putObject).toHaveLength(3)
    expect((await read(memory, 'bucket', 'x')).toString()).toBe('x')
  })

  it('tells who listens about each retry', async () => {
    const headObject = failingFirst(1, 'HeadObject', memory.headObject.bind(memory))
    const heard: [string, number][] = []
    const store = withRetry(faultyStore(memory, { headObject }).store, {
      ...AT_ONCE,
      onRetry: (error, attempt) => heard.push([error.operation, attempt]),
    })
    await expect(store.headObject('bucket', 'x')).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' })
    expect(heard).toEqual([['HeadObject', 1]])
  })

  it('goes on with a listing of versions within an object’s', async () => {
    await memory.enableVersioning('bucket')
    for (const objectKey of ['a', 'b', 'b', 'b', 'c']) await memory.putObject('bucket', objectKey, bytes('x'))
    let listings = 0
    const { store } = faultyStore(memory, {
      async *listVersions(...args) {
        listings += 1
        let given = 0
        for await (const entry of memory.listVersions(...args)) {
          if (listings < 3 && given === 2 + listings) throw fault('ListObjectVersions')
          given += 1
          yield entry
        }
      },
    })
    const listed = await collect(withRetry(store, AT_ONCE).listVersions('bucket'))
    expect(listed).toEqual(await collect(memory.listVersions('bucket')))
    expect(listings).toBe(3)
  })

  it('goes on with a listing where it broke, without a gap or a repeat', async () => {
    const keys = ['a', 'b', 'c', 'd', 'e']
    for (const objectKey of keys) await memory.putObject('bucket', objectKey, bytes('x'))
    let listings = 0
    const { store } = faultyStore(memory, {
      async *listObjects(...args) {
        listings += 1
        let given = 0
        for await (const entry of memory.listObjects(...args)) {
          if (listings < 3 && given === 2) throw fault('ListObjectsV2')
          given += 1
          yield entry
        }
      },
    })
    const listed = await collect(withRetry(store, AT_ONCE).listObjects('bucket', { limit: 5 }))
    expect(listed.map((entry) => entry.objectKey)).toEqual(keys)
    expect(listings).toBe(3)
  })

  it('lists each part once, too', async () => {
    const upload = {
      bucket: 'bucket',
      objectKey: 'x',
      uploadId: await memory.createMultipartUpload('bucket', 'x'),
    }
    for (const partNumber of [1, 2, 3]) await memory.uploadPart(upload, partNumber, bytes('x'))
    let listings = 0
    const { store } = faultyStore(memory, {
      async *listParts(...args) {
        listings += 1
        for await (const part of memory.listParts(...args)) {
          if (listings === 1 && part.partNumber === 3) throw fault('ListParts')
          yield part
        }
      },
    })
    const listed = await collect(withRetry(store, AT_ONCE).listParts(upload))
    expect(listed.map((part) => part.partNumber)).toEqual([1, 2, 3])
  })
})

describe('an answer that was lost', () => {
  const lost = <Args extends unknown[], T>(operation: string, call: (...args: Args) => Promise<T>) => {
    let first = true
    return async (...args: Args): Promise<T> => {
      const result = await call(...args)
      if (!first) return result
      first = false
      throw fault(operation)
    }
  }

  it('an upload that was completed is found complete', async () => {
    const completeMultipartUpload = lost(
      'CompleteMultipartUpload',
      memory.completeMultipartUpload.bind(memory),
    )
    const store = withRetry(faultyStore(memory, { completeMultipartUpload }).store, AT_ONCE)
    const upload = {
      bucket: 'bucket',
      objectKey: 'x',
      uploadId: await store.createMultipartUpload('bucket', 'x'),
    }
    const parts = [
      await store.uploadPart(upload, 1, bytes('one')),
      await store.uploadPart(upload, 2, bytes('two')),
    ]
    const { etag } = await store.completeMultipartUpload(upload, parts, { ifAbsent: true })
    expect(etag).toBe((await memory.headObject('bucket', 'x')).etag)
  })

  it('an upload that was aborted meanwhile is not taken for complete, even where an older object stands', async () => {
    await memory.putObject('bucket', 'x', bytes('older'))
    const { store } = faultyStore(memory, {
      completeMultipartUpload: failingFirst(1, 'CompleteMultipartUpload', async (...args) => {
        await memory.abortMultipartUpload(args[0])
        return memory.completeMultipartUpload(...args)
      }),
    })
    const upload = {
      bucket: 'bucket',
      objectKey: 'x',
      uploadId: await memory.createMultipartUpload('bucket', 'x'),
    }
    const part = await memory.uploadPart(upload, 1, bytes('one'))
    const done = withRetry(store, AT_ONCE).completeMultipartUpload(upload, [part])
    await expect(done).rejects.toMatchObject({ code: 'UPLOAD_NOT_FOUND' })
  })

  it('an object that must be absent and was just stored is the one that was sent', async () => {
    const putObject = lost('PutObject', memory.putObject.bind(memory))
    const store = withRetry(faultyStore(memory, { putObject }).store, AT_ONCE)
    const { etag } = await store.putObject('bucket', 'x', bytes('mine'), { ifAbsent: true })
    expect(etag).toBe(createHash('md5').update('mine').digest('hex'))
  })

  it("another one's object is not", async () => {
    await memory.putObject('bucket', 'x', bytes('theirs'))
    const putObject = failingFirst(1, 'PutObject', memory.putObject.bind(memory))
    const store = withRetry(faultyStore(memory, { putObject }).store, AT_ONCE)
    const stored = store.putObject('bucket', 'x', bytes('mine'), { ifAbsent: true })
    await expect(stored).rejects.toMatchObject({ code: 'OBJECT_EXISTS' })
  })

  it('a bucket that was just created is ours', async () => {
    const createBucket = lost('CreateBucket', memory.createBucket.bind(memory))
    await withRetry(faultyStore(memory, { createBucket }).store, AT_ONCE).createBucket('fresh-bucket')
    expect(await memory.bucketState('fresh-bucket')).toBe('visible')
  })

  it('a bucket that was there before is not', async () => {
    const createBucket = failingFirst(1, 'HeadBucket', memory.createBucket.bind(memory))
    const created = withRetry(faultyStore(memory, { createBucket }).store, AT_ONCE).createBucket('bucket')
    await expect(created).rejects.toMatchObject({ code: 'BUCKET_EXISTS' })
  })
})

describe('an endpoint', () => {
  const down = (): Promise<never> => {
    const error = fault('ListBuckets', 'ENDPOINT_UNREACHABLE')
    return Promise.reject(Object.assign(error, { status: undefined }))
  }

  it('that never answered is not asked again: it is more likely misspelt', async () => {
    const { store, calls } = faultyStore(memory, { listBuckets: down })
    await expect(withRetry(store, AT_ONCE).listBuckets()).rejects.toMatchObject({
      code: 'ENDPOINT_UNREACHABLE',
    })
    expect(calls.listBuckets).toHaveLength(1)
  })

  it('that did answer is waited for', async () => {
    const { store, calls } = faultyStore(memory, { listBuckets: down })
    const retrying = withRetry(store, { ...AT_ONCE, policy: { attempts: 4 } })
    await retrying.bucketState('bucket')
    await expect(retrying.listBuckets()).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE' })
    expect(calls.listBuckets).toHaveLength(4)
  })
})
