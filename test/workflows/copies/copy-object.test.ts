import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../../src/storage/memory-store.ts'
import type { ObjectHeaders } from '../../../src/storage/object-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import {
  copyObject,
  type CopiedObject,
  type CopyObjectOptions,
} from '../../../src/workflows/copies/copy-object.ts'
import { bytes, collect, expectCode, read } from '../../conformance/steps.ts'
import { fault, faultyStore } from '../../storage/faulty-store.ts'

const OWNER = 'project_2000222'
const SOURCE = { bucket: 'animine-data-import-1', objectKey: 'run 12/a+ä.c4gh' }
const TARGET = { bucket: 'animine-data-archive-1', objectKey: '2026/a.c4gh' }
const HEADERS: ObjectHeaders = { contentType: 'application/x-reads', metadata: { sample: '7' } }
const TAGS = { state: 'raw', of: 'run 12' }
const READING = { grantee: { type: 'canonical', id: 'project_2000333' }, permission: 'READ' } as const
const body = randomBytes(1000)

let store: Store
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-copies-'))
  store = createMemoryStore({ ownerId: OWNER, minPartSize: 10 })
  await store.createBucket(SOURCE.bucket)
  await store.createBucket(TARGET.bucket)
  await stored(SOURCE)
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

async function stored({ bucket, objectKey }: typeof SOURCE): Promise<void> {
  await store.putObject(bucket, objectKey, body, { headers: HEADERS, tags: TAGS })
  const acl = await store.objectAcl(bucket, objectKey)
  await store.putObjectAcl(bucket, objectKey, { ...acl, grants: [...acl.grants, READING] })
}

/** In parts of 400 bytes, with `wholeCopyLimit` 10. */
function copied(
  options: Partial<CopyObjectOptions> = {},
  at = store,
  source = SOURCE,
): Promise<CopiedObject> {
  return copyObject(at, source, TARGET, { force: false, partSize: 400, ...options })
}

async function expectCopied(): Promise<void> {
  expect((await read(store, TARGET.bucket, TARGET.objectKey)).equals(body)).toBe(true)
  const head = await store.headObject(TARGET.bucket, TARGET.objectKey)
  expect(head).toMatchObject({ size: 1000, headers: HEADERS })
  expect(await store.objectTags(TARGET.bucket, TARGET.objectKey)).toEqual(TAGS)
  const { grants } = await store.objectAcl(TARGET.bucket, TARGET.objectKey)
  expect(grants).toContainEqual(READING)
  expect(grants).toContainEqual({ grantee: { type: 'canonical', id: OWNER }, permission: 'FULL_CONTROL' })
  expect(await collect(store.listMultipartUploads(TARGET.bucket))).toEqual([])
  expect(await readdir(folder)).toEqual([])
}

describe.each([
  ['whole', {}, 1, 'etag'],
  ['in parts', { wholeCopyLimit: 10 }, 3, 'parts'],
] as const)('an object that is copied %s', (_, options, parts, comparedBy) => {
  it('comes with its headers, tags and grants, and is compared', async () => {
    let count = 0
    const result = await copied({ ...options, onBytes: (more) => (count += more) })
    const { etag } = await store.headObject(TARGET.bucket, TARGET.objectKey)
    expect(result).toEqual({ target: TARGET, size: 1000, etag, parts, comparedBy })
    expect(count).toBe(1000)
    await expectCopied()
  })

  it('never takes the place of another one unasked', async () => {
    await store.putObject(TARGET.bucket, TARGET.objectKey, bytes('there'))
    await expectCode(copied(options), 'OBJECT_EXISTS')
    expect((await read(store, TARGET.bucket, TARGET.objectKey)).toString()).toBe('there')
    await copied({ ...options, force: true })
    await expectCopied()
  })

  it('and was stopped at any request is gone on with', async () => {
    const records = { folder, endpoint: 'https://a3s.fi' }
    const operations = [
      'headObject',
      'objectTags',
      'objectAcl',
      'copyObject',
      'createMultipartUpload',
      'copyPart',
      'completeMultipartUpload',
      'putObjectAcl',
    ] as const
    for (const operation of operations) {
      for (let nth = 1; nth < 20; nth += 1) {
        await store.deleteObject(TARGET.bucket, TARGET.objectKey)
        let calls = 0
        const call = (...args: unknown[]): Promise<unknown> =>
          (store[operation] as (...given: unknown[]) => Promise<unknown>)(...args)
        const { store: stopping } = faultyStore(store, {
          [operation]: async (...args: unknown[]) => {
            calls += 1
            const isHit = calls === nth
            if (isHit && /^(copy|complete|put)/.test(operation)) await call(...args)
            if (isHit) throw fault(operation, 'STORE_FAILURE', false)
            return call(...args)
          },
        })
        const stopped = await copied({ ...options, records }, stopping).catch((error: unknown) => error)
        if (calls < nth) break
        expect(stopped, `${operation} ${nth}`).toMatchObject({ code: 'STORE_FAILURE' })
        await copied({ ...options, records })
        await expectCopied()
      }
    }
  })

  it('and was written to meanwhile is no copy', async () => {
    const operation = parts === 1 ? 'copyObject' : 'objectAcl'
    const { store: racing } = faultyStore(store, {
      [operation]: async (...args: never[]) => {
        await store.putObject(SOURCE.bucket, SOURCE.objectKey, randomBytes(1001))
        return (store[operation] as (...given: never[]) => unknown)(...args)
      },
    })
    await expect(copied(options, racing)).rejects.toMatchObject({
      code: expect.stringMatching(/^(OBJECT_CHANGED|INTEGRITY)$/) as string,
    })
  })
})

it('lets the bucket’s owner read the copy where that is asked for', async () => {
  const world = createMemoryStore({ ownerId: OWNER, minPartSize: 10 })
  await world.createBucket(SOURCE.bucket)
  await world.createBucket(TARGET.bucket)
  await world.putObject(SOURCE.bucket, SOURCE.objectKey, body)
  const { store: seen, calls } = faultyStore(world, {})
  await copied({ acl: 'bucket-owner-full-control' }, seen)
  expect(calls.copyObject?.[0]?.[2]).toMatchObject({ acl: 'bucket-owner-full-control' })
  await copied({ acl: 'bucket-owner-full-control', wholeCopyLimit: 10, force: true }, seen)
  expect(calls.createMultipartUpload?.[0]?.[2]).toMatchObject({ acl: 'bucket-owner-full-control' })
})

it('passes through this machine where the server copies no parts of it', async () => {
  const odd = { ...SOURCE, objectKey: 'a%2Bb' }
  await stored(odd)
  await copied({ wholeCopyLimit: 10 }, store, odd)
  await expectCopied()
})

it('is refused onto itself, and of nothing', async () => {
  await expectCode(copyObject(store, SOURCE, SOURCE, { force: true }), 'USAGE')
  await expectCode(copied({}, store, { ...SOURCE, objectKey: 'nothing' }), 'OBJECT_NOT_FOUND')
})

it('an empty object is copied', async () => {
  await store.putObject(SOURCE.bucket, SOURCE.objectKey, new Uint8Array())
  expect(await copied()).toMatchObject({ size: 0, parts: 1, comparedBy: 'etag' })
})
