import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../src/storage/store.ts'
import { copyObjects } from '../../src/workflows/copy-objects.ts'
import type { CopiedEntry, CopyRequest } from '../../src/workflows/many-objects/copy-run.ts'
import { bytes, expectCode, read } from '../conformance/steps.ts'
import { fault, faultyStore } from '../storage/faulty-store.ts'
import { A, B, copyRequest, deliver, HEADERS, keysIn, TAGS, twoBuckets } from './copies-scene.ts'

let store: Store
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-copies-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})
beforeEach(async () => {
  ;({ store } = await twoBuckets())
  await deliver(store, A, 'run/a.c4gh', bytes('crypt4gh and so on'))
  await deliver(store, A, 'run/lane 1/b%2B.c4gh', bytes('crypt4gh b'))
  await store.putObject(A, 'run/readme.txt', bytes('readable'))
  await store.putObject(A, 'run_10/c.c4gh', bytes('crypt4gh c'))
})

async function copy(source: string, target: string, more: Partial<CopyRequest> = {}, over: Store = store) {
  const entries: CopiedEntry[] = []
  const onObject = (entry: CopiedEntry) => entries.push(entry)
  const result = await copyObjects(over, copyRequest(source, target, { onObject, ...more }))
  return { ...result, entries }
}

describe('copies within a store', () => {
  it('bring bytes, metadata and tags along, of one object', async () => {
    const { entries, ...result } = await copy(`${A}/run/a.c4gh`, `${B}/kept/`)
    expect(result).toMatchObject({ objects: 1, bytes: 18, notEncrypted: 0, failed: [] })
    expect(entries).toMatchObject([
      { target: `s3://${B}/kept/a.c4gh`, state: 'copied', encrypted: true, comparedBy: 'etag' },
    ])
    expect((await read(store, B, 'kept/a.c4gh')).toString()).toBe('crypt4gh and so on')
    expect(await store.headObject(B, 'kept/a.c4gh')).toMatchObject({ headers: HEADERS, tagCount: 2 })
    expect(await store.objectTags(B, 'kept/a.c4gh')).toEqual(TAGS)
    expect(await keysIn(store, A)).toContain('run/a.c4gh')
  })

  it('of all below a prefix keep the names, count what is not encrypted, and leave the next prefix alone', async () => {
    const result = await copy(`${A}/run/`, `${B}/`)
    expect(result).toMatchObject({ objects: 3, notEncrypted: 1, alreadyThere: 0, failedCount: 0 })
    expect(await keysIn(store, B)).toEqual(['a.c4gh', 'lane 1/b%2B.c4gh', 'readme.txt'])
  })

  it('replace nothing without force, and go on with the others', async () => {
    await store.putObject(B, 'a.c4gh', bytes('something else'))
    const result = await copy(`${A}/run/`, `${B}/`)
    expect(result).toMatchObject({ objects: 2, failed: [{ name: 'run/a.c4gh', code: 'OBJECT_EXISTS' }] })
    expect((await read(store, B, 'a.c4gh')).toString()).toBe('something else')
    await expectCode(copy(`${A}/run/a.c4gh`, `${B}/a.c4gh`), 'OBJECT_EXISTS')
    const forced = await copy(`${A}/run/a.c4gh`, `${B}/a.c4gh`, { force: true })
    expect(forced).toMatchObject({ objects: 1 })
    expect((await read(store, B, 'a.c4gh')).toString()).toBe('crypt4gh and so on')
  })

  it('that are there are not made again; the same bytes with other headers are another object', async () => {
    await copy(`${A}/run/a.c4gh`, `${B}/run/a.c4gh`)
    const others = { ...HEADERS, metadata: { sample: '8' } }
    await deliver(store, B, 'run/lane 1/b%2B.c4gh', bytes('crypt4gh b'), TAGS, others)
    const { store: counting, calls } = faultyStore(store, {})
    const result = await copy(`${A}/run/`, `${B}/run/`, {}, counting)
    expect(result).toMatchObject({ objects: 1, alreadyThere: 1, failed: [{ code: 'OBJECT_EXISTS' }] })
    expect(calls.copyObject).toHaveLength(1)
  })

  it('stopped before their tags get them by the next run', async () => {
    await copy(`${A}/run/a.c4gh`, `${B}/a.c4gh`)
    await store.putObjectTags(B, 'a.c4gh', {})
    expect(await copy(`${A}/run/a.c4gh`, `${B}/a.c4gh`)).toMatchObject({ alreadyThere: 1 })
    expect(await store.objectTags(B, 'a.c4gh')).toEqual(TAGS)
    await store.putObjectTags(B, 'a.c4gh', { state: 'checked' })
    await expectCode(copy(`${A}/run/a.c4gh`, `${B}/a.c4gh`), 'OBJECT_EXISTS')
    expect(await store.objectTags(B, 'a.c4gh')).toEqual({ state: 'checked' })
  })

  it('over the limit of one request are made in parts, and known again by what was written down', async () => {
    const body = randomBytes(95)
    await deliver(store, A, 'big/x', body)
    await deliver(store, A, 'big/y', randomBytes(64))
    const records = { folder, endpoint: 'memory' }
    const large = { wholeCopyLimit: 30, partSize: 20, records }
    const { store: breaking } = faultyStore(store, {
      createMultipartUpload: async (...args) => {
        if (args[1] === 'big/y') throw fault('CreateMultipartUpload', 'ACCESS_DENIED', false)
        return store.createMultipartUpload(...args)
      },
    })
    const first = await copy(`${A}/big/`, `${B}/big/`, large, breaking)
    expect(first.entries).toMatchObject([
      { parts: 5, comparedBy: 'parts', state: 'copied', encrypted: false },
    ])
    expect(first.failed).toMatchObject([{ name: 'big/y' }])
    const { store: counting, calls } = faultyStore(store, {})
    const second = await copy(`${A}/big/`, `${B}/big/`, large, counting)
    expect(second).toMatchObject({ objects: 1, alreadyThere: 1, failed: [] })
    expect(calls.createMultipartUpload).toHaveLength(1)
    expect((await read(store, B, 'big/x')).equals(body)).toBe(true)
    expect(await store.objectTags(B, 'big/x')).toEqual(TAGS)
    expect(await readdir(folder)).toEqual([])
  })

  it('that were written down are known by their ETag, not by their name', async () => {
    await deliver(store, A, 'big', randomBytes(95))
    const records = { folder: join(folder, 'replaced'), endpoint: 'memory' }
    const large = { wholeCopyLimit: 30, partSize: 20, records }
    // A second object that fails keeps the record of the first.
    await store.putObject(B, 'run/a.c4gh', bytes('something else'))
    await copy(`${A}/`, `${B}/`, { ...large, include: ['big', 'a.c4gh'] })
    expect(await readdir(records.folder)).toHaveLength(1)
    await deliver(store, B, 'big', randomBytes(95))
    await expectCode(copy(`${A}/big`, `${B}/big`, large), 'OBJECT_EXISTS')
  })

  it('leave published keys out unless they are named, and what patterns say', async () => {
    await store.putObject(A, 'keys/group.pub', bytes('a public key'))
    const result = await copy(`${A}/`, `${B}/`, { exclude: ['*.txt', 'run_10'] })
    expect(result).toMatchObject({ objects: 2, leftOut: { publishedKeys: 1, byPattern: 2 } })
    expect(await copy(`${A}/keys/`, `${B}/keys/`)).toMatchObject({ objects: 1 })
    await expectCode(copy(`${A}/run/`, `${B}/`, { include: ['*.cram'] }), 'OBJECT_NOT_FOUND')
    await expectCode(copy(`${A}/run/a.c4gh`, `${B}/`, { include: ['*.bam'] }), 'USAGE')
    await expectCode(copy(`${A}/run`, `${B}/`), 'OBJECT_NOT_FOUND')
  })

  it('are only told of by a dry run', async () => {
    await copy(`${A}/run/a.c4gh`, `${B}/run/a.c4gh`)
    await store.putObject(B, 'run/readme.txt', bytes('another'))
    const { store: reading, calls } = faultyStore(store, {})
    const result = await copy(`${A}/run/`, `${B}/run/`, { dryRun: true }, reading)
    expect(result).toMatchObject({ dryRun: true, objects: 1, bytes: 10, alreadyThere: 1 })
    expect(Object.fromEntries(result.entries.map(({ objectKey, state }) => [objectKey, state]))).toEqual({
      'run/a.c4gh': 'there',
      'run/lane 1/b%2B.c4gh': 'new',
      'run/readme.txt': 'refused',
    })
    const forced = await copy(`${A}/run/readme.txt`, `${B}/run/`, { dryRun: true, force: true })
    expect(forced.entries).toMatchObject([{ state: 'replaced' }])
    expect(Object.keys(calls).sort()).not.toContain('copyObject')
  })

  it('count progress to the last byte', async () => {
    const states: { doneBytes: number; totalBytes: number; doneFiles: number; totalFiles: number }[] = []
    await copy(`${A}/run/`, `${B}/run/`, { onProgress: (state) => states.push(state) })
    expect(states.at(-1)).toMatchObject({ doneBytes: 36, totalBytes: 36, doneFiles: 3, totalFiles: 3 })
  })
})
