import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sealHeader } from '../../../src/crypto/crypt4gh/seal-header.ts'
import { newDataKey } from '../../../src/crypto/crypt4gh/segment.ts'
import { generateKeyPair, type KeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { failure } from '../../../src/storage/failure.ts'
import { createMemoryStore } from '../../../src/storage/memory-store.ts'
import { openHeaderCache } from '../../../src/workflows/listing/header-cache.ts'
import { listLong, type ListedObject } from '../../../src/workflows/listing/list-long.ts'
import { countingStore, type CountingStore } from '../../support/counting-store.ts'
import { sealedObject } from '../../support/sealed-object.ts'

const BUCKET = 'animine-data-import-1'
const HEADER = 124

let counting: CountingStore
let reader: KeyPair
let folder: string
let notices: string[]

beforeEach(async () => {
  counting = countingStore(createMemoryStore())
  await counting.store.createBucket(BUCKET)
  reader = await generateKeyPair()
  folder = await mkdtemp(join(tmpdir(), 'sealift-headers-'))
  notices = []
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

const put = (objectKey: string, bytes: Uint8Array | string) =>
  counting.store.putObject(BUCKET, objectKey, Buffer.from(bytes))

interface Looks {
  prefix?: string
  identities?: KeyPair[]
  cached?: boolean
  signal?: AbortSignal
}

async function* listing({ prefix = '', identities = [], cached = false, signal }: Looks = {}) {
  const { store } = counting
  const place = { folder, endpoint: 'http://store', bucket: BUCKET, prefix }
  const onNotice = (message: string): void => void notices.push(message)
  const cache = cached ? await openHeaderCache({ ...place, onNotice }) : undefined
  yield* listLong({ store, bucket: BUCKET, prefix, identities, cache, signal })
}

async function list(looks?: Looks): Promise<ListedObject[]> {
  const objects: ListedObject[] = []
  for await (const object of listing(looks)) objects.push(object)
  return objects
}

const ENTRY_FIELDS = new Set(['objectKey', 'size', 'etag', 'lastModified', 'ownerId'])

/** What is said of each object besides its entry. */
async function said(looks?: Looks): Promise<Record<string, unknown>> {
  const objects = await list(looks)
  return Object.fromEntries(
    objects.map((object) => [
      object.objectKey,
      Object.fromEntries(Object.entries(object).filter(([field]) => !ENTRY_FIELDS.has(field))),
    ]),
  )
}

describe('what headers say', () => {
  it('tells formats and sizes, and asks no more than it needs', async () => {
    const sealed = await sealedObject(Buffer.alloc(70_000), reader)
    await put('a/', '')
    await put('a/broken.c4gh', sealed.subarray(0, HEADER + 65_564 + 20))
    await put(
      'a/cut.c4gh',
      Buffer.concat([sealed.subarray(0, 12), Buffer.from([9, 0, 0, 0]), sealed.subarray(16, 200)]),
    )
    await put('a/notes.txt', 'x'.repeat(500))
    await put('a/reads.bam.c4gh', sealed)
    await put('apart.body', sealed.subarray(HEADER))
    await put('apart.header', sealed.subarray(0, HEADER))
    await put('keys/animine.pub', 'a public key')
    await put('short', 'x'.repeat(123))
    expect(await said()).toEqual({
      'a/': { format: 'folder' },
      'a/broken.c4gh': { format: 'broken', packets: 1, problem: 'it ends within a segment' },
      'a/cut.c4gh': { format: 'broken', problem: expect.stringMatching(/header/) as string },
      'a/notes.txt': { format: 'other' },
      'a/reads.bam.c4gh': { format: 'crypt4gh', packets: 1, plaintextSize: 70_000 },
      'apart.body': { format: 'headerless?', plaintextSize: 70_000 },
      'apart.header': { format: 'crypt4gh', packets: 1, plaintextSize: 0 },
      'keys/animine.pub': { format: 'key' },
      short: { format: 'other' },
    })
    const asked = counting.gets.map(({ objectKey }) => objectKey)
    expect(new Set(asked)).toEqual(
      new Set([
        'a/broken.c4gh',
        'a/cut.c4gh',
        'a/notes.txt',
        'a/reads.bam.c4gh',
        'apart.body',
        'apart.header',
      ]),
    )
    expect(counting.gets.find(({ objectKey }) => objectKey === 'a/reads.bam.c4gh')!.range).toEqual({
      offset: 0,
      length: 4096,
    })
    expect(counting.heads).toEqual([])
  })

  it('tells what an identity opens, and what an edit list leaves of it', async () => {
    const other = await generateKeyPair()
    await put('edited.c4gh', await sealedObject(Buffer.alloc(1000), reader, [100n, 50n]))
    await put('mine.c4gh', await sealedObject(Buffer.alloc(1000), reader))
    await put('theirs.c4gh', await sealedObject(Buffer.alloc(1000), other))
    const crypt4gh = { format: 'crypt4gh', packets: 1, plaintextSize: 1000 }
    expect(await said({ identities: [reader] })).toEqual({
      'edited.c4gh': { ...crypt4gh, packets: 2, plaintextSize: 50, canOpen: true },
      'mine.c4gh': { ...crypt4gh, canOpen: true },
      'theirs.c4gh': { ...crypt4gh, canOpen: false },
    })
    expect(await said({ identities: [other, reader] })).toMatchObject({ 'theirs.c4gh': { canOpen: true } })
    expect(await said()).toMatchObject({ 'edited.c4gh': { ...crypt4gh, packets: 2 } })
  })

  it('goes on where an object cannot be read, and ends where the store fails', async () => {
    for (const name of ['a', 'b', 'c']) await put(name, await sealedObject(Buffer.alloc(100), reader))
    counting.beforeGet = ({ objectKey }) => {
      const where = { operation: 'GetObject', bucket: BUCKET, objectKey }
      if (objectKey === 'a') throw failure('ACCESS_DENIED', where, undefined, { status: 403 })
      if (objectKey === 'b') throw failure('STORE_FAILURE', where, 'archived', { status: 403 })
    }
    expect(await said()).toMatchObject({
      a: { format: 'unreadable', problem: expect.stringContaining('denied') as string },
      b: { format: 'unreadable', problem: expect.stringContaining('archived') as string },
      c: { format: 'crypt4gh' },
    })
    counting.beforeGet = () => {
      throw failure('INVALID_CREDENTIALS', { operation: 'GetObject' }, undefined, { status: 403 })
    }
    await expect(list()).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' })
  })

  it('says of an object that was replaced or deleted meanwhile that it could not be read', async () => {
    for (const name of ['a', 'b', 'c']) await put(name, await sealedObject(Buffer.alloc(100), reader))
    counting.beforeGet = async ({ objectKey }) => {
      if (objectKey === 'a') await put('a', await sealedObject(Buffer.alloc(100), reader))
      if (objectKey === 'b') await counting.store.deleteObject(BUCKET, 'b')
    }
    expect(await said({ cached: true })).toMatchObject({
      a: { format: 'unreadable' },
      b: { format: 'unreadable' },
      c: { format: 'crypt4gh' },
    })
    counting.forget()
    expect(await said({ cached: true })).toMatchObject({ a: { format: 'crypt4gh' } })
    expect(counting.gets.map(({ objectKey }) => objectKey)).toEqual(['a'])
  })

  it('keeps the order of the listing, at most 32 requests at a time, and not far ahead of its reader', async () => {
    const sealed = await sealedObject(Buffer.alloc(100), reader)
    const names = Array.from({ length: 500 }, (_, index) => String(index).padStart(4, '0'))
    for (const name of names) await put(name, sealed)
    let running = 0
    let most = 0
    counting.beforeGet = async ({ objectKey }) => {
      running += 1
      most = Math.max(most, running)
      for (let turn = Number(objectKey) % 7; turn >= 0; turn--)
        await new Promise((resolve) => setImmediate(resolve))
      running -= 1
    }
    const read: string[] = []
    for await (const { objectKey } of listing()) {
      read.push(objectKey)
      expect(counting.gets.length - read.length).toBeLessThanOrEqual(128)
    }
    expect(read).toEqual(names)
    expect(most).toBe(32)
  })

  it('fails as a listing does where nothing is', async () => {
    await expect(list({ prefix: 'run_99/', cached: true })).rejects.toMatchObject({
      code: 'OBJECT_NOT_FOUND',
    })
    expect(await list()).toEqual([])
  })
})

describe('headers that were fetched before', () => {
  it('take no further request, with other identities neither, until an object changes', async () => {
    const other = await generateKeyPair()
    for (const name of ['a', 'b', 'c']) await put(name, await sealedObject(Buffer.alloc(100), reader))
    await put('d.txt', 'x'.repeat(500))
    const first = await list({ cached: true })
    expect(counting.gets).toHaveLength(4)
    counting.forget()
    expect(await list({ cached: true })).toEqual(first)
    expect(await said({ cached: true, identities: [reader] })).toMatchObject({ b: { canOpen: true } })
    expect(await said({ cached: true, identities: [other] })).toMatchObject({ b: { canOpen: false } })
    expect(counting.gets).toEqual([])

    await put('b', await sealedObject(Buffer.alloc(200), other))
    const changed = await said({ cached: true, identities: [reader] })
    expect(changed).toMatchObject({ a: { canOpen: true }, b: { canOpen: false, plaintextSize: 200 } })
    expect(counting.gets.map(({ objectKey }) => objectKey)).toEqual(['b'])
    expect(notices).toEqual([])
  })

  it('are kept as far as the listing came', async () => {
    for (const name of ['a', 'b', 'c']) await put(name, await sealedObject(Buffer.alloc(100), reader))
    for await (const { objectKey } of listing({ cached: true })) if (objectKey === 'b') break
    counting.forget()
    await list({ cached: true })
    expect(counting.gets.map(({ objectKey }) => objectKey)).not.toContain('a')
    counting.forget()
    const stop = new AbortController()
    const stopped = listing({ cached: true, signal: stop.signal })
    await stopped.next()
    stop.abort(new Error('enough'))
    await stopped.return(undefined)
    await list({ cached: true })
    expect(counting.gets).toEqual([])
  })

  it('stay known beyond where a listing was left', async () => {
    const sealed = await sealedObject(Buffer.alloc(100), reader)
    const names = Array.from({ length: 400 }, (_, index) => String(index).padStart(4, '0'))
    for (const name of names) await put(name, sealed)
    await list({ cached: true })
    await put('0000', await sealedObject(Buffer.alloc(200), reader))
    const left = listing({ cached: true })
    await left.next()
    await left.return(undefined)
    counting.forget()
    await list({ cached: true })
    // Neither those behind it, nor the many that it was ahead of its reader.
    expect(counting.gets).toEqual([])
  })

  it('stay known where an object could not be read meanwhile', async () => {
    const readers = await Promise.all(Array.from({ length: 70 }, () => generateKeyPair()))
    const header = await sealHeader(
      { dataKeys: [newDataKey()], editList: undefined },
      readers.map(({ publicKey }) => publicKey),
    )
    await put('a', Buffer.concat([header, Buffer.alloc(128)]))
    await list({ cached: true })
    // Something new, so that the kept headers are written anew.
    await put('b', await sealedObject(Buffer.alloc(100), reader))
    counting.beforeGet = ({ objectKey }) => {
      if (objectKey !== 'a') return
      throw failure('ACCESS_DENIED', { operation: 'GetObject', objectKey }, undefined, { status: 403 })
    }
    // Its header is too long to be kept: to try an identity it is fetched again.
    const identities = [readers[0]!]
    expect(await said({ cached: true, identities })).toMatchObject({ a: { format: 'unreadable' } })
    counting.forget()
    expect(await said({ cached: true })).toMatchObject({ a: { format: 'crypt4gh', packets: 70 } })
    expect(counting.gets).toEqual([])
  })

  it('are fetched again for an identity where they were too long to be kept', async () => {
    const readers = await Promise.all(Array.from({ length: 70 }, () => generateKeyPair()))
    const header = await sealHeader(
      { dataKeys: [newDataKey()], editList: undefined },
      readers.map(({ publicKey }) => publicKey),
    )
    await put('a', Buffer.concat([header, Buffer.alloc(128)]))
    const crypt4gh = { format: 'crypt4gh', packets: 70, plaintextSize: 100 }
    expect(await said({ cached: true })).toEqual({ a: crypt4gh })
    // A header longer than the first read.
    expect(counting.gets).toHaveLength(2)
    counting.forget()
    expect(await said({ cached: true })).toEqual({ a: crypt4gh })
    expect(counting.gets).toEqual([])
    const last = readers.at(-1)!
    expect(await said({ cached: true, identities: [last] })).toEqual({ a: { ...crypt4gh, canOpen: true } })
    expect(counting.gets).toHaveLength(2)
  })
})
