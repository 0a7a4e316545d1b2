import { beforeEach, describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/storage/memory-store.ts'
import { type UploadPlan, uploadObject } from '../../src/storage/multipart-upload.ts'
import type { Store } from '../../src/storage/store.ts'
import { withRetry } from '../../src/storage/with-retry.ts'
import { collect } from '../conformance/steps.ts'
import { fault, faultyStore } from './faulty-store.ts'

const target = { bucket: 'inbox', objectKey: 'run_12/reads.c4gh' }
const reason = new Error('the user left')

let memory: Store
let leaving: AbortController
beforeEach(async () => {
  memory = createMemoryStore({ minPartSize: 1 })
  await memory.createBucket('inbox')
  leaving = new AbortController()
})

const plan: UploadPlan = {
  size: 60,
  partCount: 10,
  prepare: async (partNumber) => ({ body: Buffer.from(`part ${partNumber - 1}`), release: () => undefined }),
}

const unfinished = () => collect(memory.listMultipartUploads('inbox'))

/** Left to be gone on with, as with a journal. */
const upload = (store: Store, kept = true) =>
  uploadObject(store, target, plan, { concurrency: 2, signal: leaving.signal, keepAfter: () => kept })

describe('somebody leaves while the store is away', () => {
  it('no part is tried again, and the upload stays', async () => {
    const { store, calls } = faultyStore(memory, { uploadPart: () => Promise.reject(fault('UploadPart')) })
    const retrying = withRetry(store, {
      sleep: () => Promise.resolve(),
      onRetry: () => {
        leaving.abort(reason)
      },
    })
    await expect(upload(retrying)).rejects.toBe(reason)
    // Those that were on the way when the first of them failed.
    expect(calls.uploadPart?.map(([, partNumber]) => partNumber).sort()).toEqual([1, 2])
    expect(await unfinished()).toHaveLength(1)
  })

  it('a part that waits to be tried again waits no longer', async () => {
    const { store } = faultyStore(memory, { uploadPart: () => Promise.reject(fault('UploadPart')) })
    const retrying = withRetry(store, {
      random: () => 1,
      policy: { baseDelay: 1000, maxDelay: 1000, totalTime: 1e6 },
      onRetry: () =>
        setImmediate(() => {
          leaving.abort(reason)
        }),
    })
    await expect(upload(retrying)).rejects.toBe(reason)
  })
})

describe('somebody leaves while parts are on their way', () => {
  it('these arrive and are told of, and no other is sent', async () => {
    const { store, calls } = faultyStore(memory, {
      uploadPart: async (...args) => {
        if (args[1] === 2) leaving.abort(reason)
        await new Promise(setImmediate)
        args[3]?.signal?.throwIfAborted()
        return memory.uploadPart(...args)
      },
    })
    await expect(upload(withRetry(store))).rejects.toBe(reason)
    expect(calls.uploadPart).toHaveLength(2)
    const [left] = await unfinished()
    const parts = await collect(memory.listParts(left!))
    expect(parts.map(({ partNumber }) => partNumber)).toEqual([1, 2])
  })
})

describe('a part that failed for good', () => {
  it('ends the waiting of the others, when the upload is thrown away', async () => {
    const denied = fault('UploadPart', 'ACCESS_DENIED', false)
    const waiting = Promise.withResolvers<undefined>()
    const { store } = faultyStore(memory, {
      uploadPart: async (...args) => {
        if (args[1] !== 1) throw fault('UploadPart')
        await waiting.promise
        throw denied
      },
    })
    const retrying = withRetry(store, {
      sleep: async (_seconds, signal) => {
        const woken = new Promise((_, reject) => {
          signal?.addEventListener(
            'abort',
            () => {
              reject(denied)
            },
            { once: true },
          )
        })
        waiting.resolve(undefined)
        await woken
      },
    })
    await expect(upload(retrying, false)).rejects.toBe(denied)
    expect(await unfinished()).toEqual([])
  })
})
