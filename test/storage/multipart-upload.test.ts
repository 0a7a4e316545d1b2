import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/storage/memory-store.ts'
import { type SentPart, type UploadPlan, uploadObject } from '../../src/storage/multipart-upload.ts'
import type { Store } from '../../src/storage/store.ts'
import type { AppError } from '../../src/util/errors.ts'
import { withRetry } from '../../src/storage/with-retry.ts'
import { collect, read } from '../conformance/steps.ts'
import { fault, faultyStore } from './faulty-store.ts'

const target = { bucket: 'inbox', objectKey: 'run_12/reads.c4gh' }
let memory: Store
beforeEach(async () => {
  memory = createMemoryStore({ minPartSize: 1 })
  await memory.createBucket('inbox')
})

/** A plan over these bodies that counts the buffers in use. */
function planOf(bodies: readonly Uint8Array[]) {
  const buffers = { inUse: 0, most: 0, released: 0, prepared: 0 }
  const plan: UploadPlan = {
    size: bodies.reduce((sum, body) => sum + body.length, 0),
    partCount: bodies.length,
    prepare: async (partNumber) => {
      buffers.prepared += 1
      buffers.inUse += 1
      buffers.most = Math.max(buffers.most, buffers.inUse)
      const body = bodies[partNumber - 1]!
      const release = (): void => {
        buffers.inUse -= 1
        buffers.released += 1
      }
      return { body, md5: createHash('md5').update(body).digest('hex'), release }
    },
  }
  return { plan, buffers }
}
const TEN_PARTS = Array.from({ length: 10 }, (_, n) => Buffer.from(`part ${n + 1};`))
const unfinished = () => collect(memory.listMultipartUploads('inbox'))
const stored = () => collect(memory.listObjects('inbox'))

describe('an upload in parts', () => {
  it('stores the bytes of any plan, with never more parts in memory than asked for', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        async (bodies, concurrency) => {
          const { plan, buffers } = planOf(bodies)
          const told: number[] = []
          const onPartStored = ({ partNumber, size }: SentPart): void => {
            expect(size).toBe(bodies[partNumber - 1]?.length)
            told.push(partNumber)
          }
          const result = await uploadObject(memory, target, plan, { concurrency, onPartStored })
          expect((await read(memory, 'inbox', target.objectKey)).equals(Buffer.concat(bodies))).toBe(true)
          expect(result).toMatchObject({
            size: plan.size,
            partCount: bodies.length,
            sizeCheckedBy: bodies.length === 1 ? 'etag' : 'head',
          })
          expect(told.sort((a, b) => a - b)).toEqual(bodies.map((_, n) => n + 1))
          expect(buffers.most).toBeLessThanOrEqual(concurrency)
          expect(buffers.inUse).toBe(0)
        },
      ),
      { numRuns: 50 },
    )
  })

  it('goes on when a part fails and then succeeds', async () => {
    let failed = false
    const { store } = faultyStore(memory, {
      uploadPart: (...args) => {
        if (args[1] !== 4 || failed) return memory.uploadPart(...args)
        failed = true
        return Promise.reject(fault('UploadPart'))
      },
    })
    const retrying = withRetry(store, { sleep: () => Promise.resolve() })
    await uploadObject(retrying, target, planOf(TEN_PARTS).plan, { concurrency: 3 })
    expect(failed).toBe(true)
    expect((await read(memory, 'inbox', target.objectKey)).toString()).toBe(TEN_PARTS.join(''))
  })

  it('ends when a part fails for good: nothing is stored, nothing stays, nothing more is prepared', async () => {
    const denied = fault('UploadPart', 'ACCESS_DENIED', false)
    const { store } = faultyStore(memory, {
      uploadPart: (...args) => (args[1] === 4 ? Promise.reject(denied) : memory.uploadPart(...args)),
    })
    const { plan, buffers } = planOf(TEN_PARTS)
    await expect(uploadObject(store, target, plan, { concurrency: 2 })).rejects.toBe(denied)
    expect(await unfinished()).toEqual([])
    expect(await stored()).toEqual([])
    expect(buffers.prepared).toBeLessThanOrEqual(5)
    expect(buffers.inUse).toBe(0)
  })

  it('awaits what is in flight before it removes the upload', async () => {
    const events: string[] = []
    const { store } = faultyStore(memory, {
      uploadPart: async (...args) => {
        if (args[1] === 1) throw fault('UploadPart', 'ACCESS_DENIED', false)
        await new Promise((resolve) => setImmediate(resolve))
        events.push(`part ${args[1]} ended`)
        return memory.uploadPart(...args)
      },
      abortMultipartUpload: (...args) => {
        events.push('aborted')
        return memory.abortMultipartUpload(...args)
      },
    })
    const { plan } = planOf(TEN_PARTS)
    await expect(uploadObject(store, target, plan, { concurrency: 3 })).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    })
    expect(events).toEqual(['part 2 ended', 'part 3 ended', 'aborted'])
  })

  it('ends with the reason of an abort, and removes the upload', async () => {
    const abort = new AbortController()
    const reason = new Error('the user left')
    const { plan, buffers } = planOf(TEN_PARTS)
    const onPartStored = (): void => {
      abort.abort(reason)
    }
    const upload = uploadObject(memory, target, plan, { concurrency: 2, signal: abort.signal, onPartStored })
    await expect(upload).rejects.toBe(reason)
    expect(await unfinished()).toEqual([])
    expect(await stored()).toEqual([])
    expect(buffers.inUse).toBe(0)
  })

  it('an abort while it is being created leaves no upload that nobody knows of', async () => {
    const abort = new AbortController()
    const reason = new Error('the user left')
    const { store, calls } = faultyStore(memory, {
      createMultipartUpload: async (bucket, objectKey, options) => {
        const uploadId = await memory.createMultipartUpload(bucket, objectKey)
        abort.abort(reason)
        await new Promise((resolve) => setImmediate(resolve))
        options?.signal?.throwIfAborted()
        return uploadId
      },
    })
    const upload = uploadObject(store, target, planOf(TEN_PARTS).plan, {
      concurrency: 2,
      signal: abort.signal,
    })
    await expect(upload).rejects.toBe(reason)
    expect(await unfinished()).toEqual([])
    expect(calls.uploadPart).toBeUndefined()
  })

  it('says which upload stays behind when it can not be removed', async () => {
    const { store } = faultyStore(memory, {
      uploadPart: () => Promise.reject(fault('UploadPart', 'ACCESS_DENIED', false)),
      abortMultipartUpload: () => Promise.reject(fault('AbortMultipartUpload', 'ACCESS_DENIED', false)),
    })
    const upload = uploadObject(store, target, planOf(TEN_PARTS).plan, { concurrency: 2 })
    const failure: unknown = await upload.catch((error: unknown) => error)
    const [left] = await unfinished()
    expect(failure).toMatchObject({ code: 'ACCESS_DENIED' })
    expect((failure as AppError).hints.join()).toContain(left!.uploadId)
  })

  it('a part that arrives after the abort does not keep the upload alive', async () => {
    let aborts = 0
    const { store } = faultyStore(memory, {
      uploadPart: () => Promise.reject(fault('UploadPart', 'ACCESS_DENIED', false)),
      abortMultipartUpload: (...args) => {
        aborts += 1
        return aborts === 1 ? Promise.resolve() : memory.abortMultipartUpload(...args)
      },
    })
    const upload = uploadObject(store, target, planOf(TEN_PARTS).plan, { concurrency: 1 })
    await expect(upload).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    expect(aborts).toBe(2)
    expect(await unfinished()).toEqual([])
  })

  it('refuses a plan with no parts, or more than S3 takes', async () => {
    for (const partCount of [0, 10_001, 1.5]) {
      const { plan } = planOf(TEN_PARTS)
      const upload = uploadObject(memory, target, { ...plan, partCount }, { concurrency: 1 })
      await expect(upload).rejects.toBeInstanceOf(RangeError)
    }
  })
})

describe('what the store has is compared with what was sent', () => {
  const failing = async (faults: Partial<Store>, bodies: readonly Uint8Array[] = TEN_PARTS) => {
    const { store } = faultyStore(memory, faults)
    const upload = uploadObject(store, target, planOf(bodies).plan, { concurrency: 2 })
    await expect(upload).rejects.toMatchObject({ code: 'INTEGRITY' })
    return upload.catch((error: unknown) => error)
  }

  it.each([
    ['in parts', TEN_PARTS],
    ['in one piece', TEN_PARTS.slice(0, 1)],
  ])('an object of another size must not be used (%s)', async (_how, bodies) => {
    const headObject: Store['headObject'] = async (...args) => {
      const head = await memory.headObject(...args)
      return { ...head, size: head.size - 1 }
    }
    // An object whose ETag is its MD5 needs no second look.
    const putObject: Store['putObject'] = async (...args) => ({
      ...(await memory.putObject(...args)),
      etag: undefined,
    })
    expect(await failing({ headObject, putObject }, bodies)).toMatchObject({
      hints: ['this object must not be used: delete it and upload again'],
    })
  })

  it('an object joined from fewer parts must not be used', async () => {
    await failing({
      headObject: async (...args) => ({ ...(await memory.headObject(...args)), etag: `${'0'.repeat(32)}-9` }),
    })
  })

  it('an object that is not there after it was stored is a failure', async () => {
    await failing({
      headObject: () => Promise.reject(fault('HeadObject', 'OBJECT_NOT_FOUND', false)),
    })
  })

  it('parts that never arrive as they were answered for end the upload before it is joined', async () => {
    await failing({
      uploadPart: async (...args) => ({ ...(await memory.uploadPart(...args)), etag: 'f'.repeat(32) }),
    })
    expect(await stored()).toEqual([])
    expect(await unfinished()).toEqual([])
  })

  it.each([
    ['a part is missing', (partNumber: number) => (partNumber === 10 ? undefined : {})],
    ['a part is shorter', (partNumber: number) => (partNumber === 3 ? { size: 1 } : {})],
    ['a part is another', (partNumber: number) => (partNumber === 3 ? { etag: 'f'.repeat(32) } : {})],
  ])('a list in which %s ends the upload before it is joined', async (_what, change) => {
    await failing({
      async *listParts(...args) {
        for await (const part of memory.listParts(...args)) {
          const changed = change(part.partNumber)
          if (changed !== undefined) yield { ...part, ...changed }
        }
      },
    })
    expect(await stored()).toEqual([])
  })

  it('parts that are not as long as planned end the upload before it is joined', async () => {
    for (const bodies of [TEN_PARTS, TEN_PARTS.slice(0, 1)]) {
      const { plan } = planOf(bodies)
      const upload = uploadObject(memory, target, { ...plan, size: plan.size + 1 }, { concurrency: 2 })
      await expect(upload).rejects.toMatchObject({ code: 'INTEGRITY' })
      expect(await stored()).toEqual([])
    }
  })
})

describe('a part whose answer was wrong', () => {
  it('is sent again, and the others are not', async () => {
    const sent: number[] = []
    const { store } = faultyStore(memory, {
      uploadPart: async (...args) => {
        sent.push(args[1])
        const answer = await memory.uploadPart(...args)
        return sent.length === 4 ? { ...answer, etag: 'f'.repeat(32) } : answer
      },
    })
    await uploadObject(store, target, planOf(TEN_PARTS).plan, { concurrency: 1 })
    expect(sent).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 4])
    expect((await read(memory, 'inbox', target.objectKey)).toString()).toBe(TEN_PARTS.join(''))
  })

  it('does not matter for an object in one piece, when the object itself is right', async () => {
    const { store } = faultyStore(memory, {
      putObject: async (...args) => ({ ...(await memory.putObject(...args)), etag: 'f'.repeat(32) }),
    })
    const result = await uploadObject(store, target, planOf(TEN_PARTS.slice(0, 1)).plan, { concurrency: 1 })
    expect(result).toMatchObject({ sizeCheckedBy: 'head' })
  })
})

describe('an upload that an earlier run began', () => {
  /** Stores the given parts of the ten, and gives what a journal would know of them. */
  const begin = async (numbers: readonly number[]) => {
    const uploadId = await memory.createMultipartUpload('inbox', target.objectKey)
    const parts: SentPart[] = []
    for (const partNumber of numbers) {
      const body = TEN_PARTS[partNumber - 1]!
      const { etag } = await memory.uploadPart({ ...target, uploadId }, partNumber, body)
      parts.push({ partNumber, etag, size: body.length })
    }
    return { uploadId, parts }
  }

  it('is gone on with: only what is missing is sent, whatever is missing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: 10 }), { maxLength: 10 }),
        async (numbers) => {
          const earlier = await begin(numbers)
          const { plan, buffers } = planOf(TEN_PARTS)
          await uploadObject(memory, target, plan, { concurrency: 3, earlier })
          expect(buffers.prepared).toBe(10 - numbers.length)
          expect((await read(memory, 'inbox', target.objectKey)).toString()).toBe(TEN_PARTS.join(''))
          expect(await unfinished()).toEqual([])
        },
      ),
      { numRuns: 30 },
    )
  })

  it('sends again what the store has otherwise than it was written down, and what was not written down', async () => {
    const { uploadId, parts } = await begin([2, 5, 7])
    const known = parts.map((part) => (part.partNumber === 5 ? { ...part, etag: '0'.repeat(32) } : part))
    const { plan, buffers } = planOf(TEN_PARTS)
    const earlier = { uploadId, parts: known.filter(({ partNumber }) => partNumber !== 7) }
    await uploadObject(memory, target, plan, { concurrency: 2, earlier })
    expect(buffers.prepared).toBe(9)
    expect((await read(memory, 'inbox', target.objectKey)).toString()).toBe(TEN_PARTS.join(''))
  })

  it('that was joined before its process ended is recognised, and nothing is sent', async () => {
    const earlier = await begin([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    await memory.completeMultipartUpload({ ...target, uploadId: earlier.uploadId }, earlier.parts)
    const { plan, buffers } = planOf(TEN_PARTS)
    const options = { concurrency: 2, earlier, ifAbsent: true }
    expect(await uploadObject(memory, target, plan, options)).toMatchObject({ sizeCheckedBy: 'head' })
    expect(buffers.prepared).toBe(0)
  })

  it('that somebody aborted is said to be gone', async () => {
    const earlier = await begin([1, 2])
    await memory.abortMultipartUpload({ ...target, uploadId: earlier.uploadId })
    const upload = uploadObject(memory, target, planOf(TEN_PARTS).plan, { concurrency: 2, earlier })
    await expect(upload).rejects.toMatchObject({ code: 'UPLOAD_NOT_FOUND' })
  })

  it('stays in the store after a failure that a later run may get over', async () => {
    const { store } = faultyStore(memory, {
      uploadPart: (...args) =>
        args[1] === 6
          ? Promise.reject(fault('UploadPart', 'ENDPOINT_UNREACHABLE'))
          : memory.uploadPart(...args),
    })
    const created: string[] = []
    const upload = uploadObject(store, target, planOf(TEN_PARTS).plan, {
      concurrency: 1,
      onCreated: async (uploadId) => {
        created.push(uploadId)
      },
      keepAfter: () => true,
    })
    await expect(upload).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE' })
    expect(await unfinished()).toMatchObject([{ uploadId: created[0] }])
    expect(await collect(memory.listParts({ ...target, uploadId: created[0]! }))).toHaveLength(5)
  })
})

describe('an uploader that may not look', () => {
  const blind = { headObject: () => Promise.reject(fault('HeadObject', 'ACCESS_DENIED', false)) }
  const options = { concurrency: 2, ifAbsent: true }

  it('is told that the size is the one of the parts, and that overwriting was not checked', async () => {
    const { store } = faultyStore(memory, blind)
    const result = await uploadObject(store, target, planOf(TEN_PARTS).plan, options)
    expect(result).toMatchObject({ sizeCheckedBy: 'parts', overwriteChecked: false })
  })

  it('is told that a small object was checked by its ETag', async () => {
    const { store } = faultyStore(memory, blind)
    const result = await uploadObject(store, target, planOf(TEN_PARTS.slice(0, 1)).plan, options)
    expect(result).toMatchObject({ sizeCheckedBy: 'etag', overwriteChecked: false })
  })

  it('is told when nothing could be checked', async () => {
    const listParts: Store['listParts'] = () => {
      throw fault('ListParts', 'ACCESS_DENIED', false)
    }
    const { store } = faultyStore(memory, { ...blind, listParts })
    const result = await uploadObject(store, target, planOf(TEN_PARTS).plan, options)
    expect(result).toMatchObject({ sizeCheckedBy: 'none', overwriteChecked: false })
  })
})

describe('an object that is already there', () => {
  it('is not overwritten when it must be absent, and nothing is sent', async () => {
    await memory.putObject('inbox', target.objectKey, Buffer.from('older'))
    const { store, calls } = faultyStore(memory, {})
    for (const bodies of [TEN_PARTS, TEN_PARTS.slice(0, 1)]) {
      const upload = uploadObject(store, target, planOf(bodies).plan, { concurrency: 2, ifAbsent: true })
      await expect(upload).rejects.toMatchObject({ code: 'OBJECT_EXISTS' })
    }
    expect(calls).not.toHaveProperty('createMultipartUpload')
    expect(calls).not.toHaveProperty('putObject')
    expect((await read(memory, 'inbox', target.objectKey)).toString()).toBe('older')
  })
})
