/** A grant that somebody revokes while an object is copied, or before a stopped copy is gone on with, stays revoked. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../../src/storage/memory-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import { copyObject, type CopyObjectOptions } from '../../../src/workflows/copies/copy-object.ts'
import { expectCode } from '../../conformance/steps.ts'
import { fault, faultyStore } from '../../storage/faulty-store.ts'

const SOURCE = { bucket: 'animine-data-import-1', objectKey: 'run 12/a.c4gh' }
const TARGET = { bucket: 'animine-data-archive-1', objectKey: '2026/a.c4gh' }
const READING = { grantee: { type: 'canonical', id: 'project_2000333' }, permission: 'READ' } as const

let store: Store
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-copies-'))
  store = createMemoryStore({ ownerId: 'project_2000222', minPartSize: 10 })
  await store.createBucket(SOURCE.bucket)
  await store.createBucket(TARGET.bucket)
  await store.putObject(SOURCE.bucket, SOURCE.objectKey, randomBytes(1000))
  const acl = await store.objectAcl(SOURCE.bucket, SOURCE.objectKey)
  await store.putObjectAcl(SOURCE.bucket, SOURCE.objectKey, { ...acl, grants: [...acl.grants, READING] })
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

async function revoke(): Promise<void> {
  const acl = await store.objectAcl(SOURCE.bucket, SOURCE.objectKey)
  const grants = acl.grants.filter(({ permission }) => permission !== 'READ')
  await store.putObjectAcl(SOURCE.bucket, SOURCE.objectKey, { ...acl, grants })
}

const isReadable = async (): Promise<boolean> => {
  const { grants } = await store.objectAcl(TARGET.bucket, TARGET.objectKey)
  return grants.some(({ permission }) => permission === 'READ')
}

const copied = (options: Partial<CopyObjectOptions>, at = store) =>
  copyObject(at, SOURCE, TARGET, {
    force: false,
    partSize: 400,
    records: { folder, endpoint: 'memory' },
    ...options,
  })

describe.each([
  ['whole', {}, 'copyObject'],
  ['in parts', { wholeCopyLimit: 10 }, 'copyPart'],
  ['in parts', { wholeCopyLimit: 10 }, 'completeMultipartUpload'],
] as const)('an object that is copied %s', (_, options, operation) => {
  it(`does not bring a grant along that was revoked during ${operation}`, async () => {
    const { store: racing } = faultyStore(store, {
      [operation]: async (...args: never[]) => {
        const answer = await (store[operation] as (...given: never[]) => Promise<unknown>)(...args)
        await revoke()
        return answer
      },
    })
    await copied(options, racing)
    expect(await isReadable()).toBe(false)
  })
})

it.each([
  ['a grant that is still there', false],
  ['no grant that was revoked since', true],
])('a copy that was stopped before it had its grants gets %s', async (_, isRevoked) => {
  const { store: stopping } = faultyStore(store, {
    putObjectAcl: async () => {
      throw fault('PutObjectAcl', 'STORE_FAILURE', false)
    },
  })
  await expectCode(copied({}, stopping), 'STORE_FAILURE')
  if (isRevoked) await revoke()
  await copied({})
  expect(await isReadable()).toBe(!isRevoked)
  expect(await readdir(folder)).toEqual([])
})
