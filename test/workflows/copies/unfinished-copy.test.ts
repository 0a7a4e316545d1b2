import { beforeEach, describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../../src/storage/memory-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import {
  beginningOf,
  placedCopy,
  type UnfinishedCopy,
} from '../../../src/workflows/copies/unfinished-copy.ts'
import { bytes } from '../../conformance/steps.ts'

const NAME = { bucket: 'animine-data-import-1', objectKey: 'run/a' }
const OURS = 'our header and a body'

let store: Store
beforeEach(async () => {
  store = createMemoryStore()
  await store.createBucket(NAME.bucket)
})

function copyOf(copy: Partial<UnfinishedCopy['copy']>): UnfinishedCopy {
  const source = { ...NAME, versionId: null, size: 10, etag: 'before' }
  const rest = { tags: {}, grants: [], request: '', outcome: {} }
  return { ...NAME, source, copy: { size: OURS.length, etag: null, ...copy }, ...rest }
}

describe('a copy whose ETag could not be known', () => {
  const beginning = beginningOf(bytes('our header'))

  it('is known by its first bytes', async () => {
    await store.putObject(NAME.bucket, NAME.objectKey, bytes(OURS))
    expect(await placedCopy(store, copyOf({ beginning }), undefined)).toMatchObject({ size: OURS.length })
  })

  it('is not a newer delivery of the same length', async () => {
    await store.putObject(NAME.bucket, NAME.objectKey, bytes('a newer and other one'))
    expect(await placedCopy(store, copyOf({ beginning }), undefined)).toBeUndefined()
  })

  it('is not taken for placed when nothing tells', async () => {
    await store.putObject(NAME.bucket, NAME.objectKey, bytes(OURS))
    expect(await placedCopy(store, copyOf({}), undefined)).toBeUndefined()
  })
})

it('with an ETag that ETag tells alone', async () => {
  const { etag } = await store.putObject(NAME.bucket, NAME.objectKey, bytes(OURS))
  expect(await placedCopy(store, copyOf({ etag: etag! }), undefined)).toMatchObject({ etag })
  expect(await placedCopy(store, copyOf({ etag: 'other' }), undefined)).toBeUndefined()
  await store.deleteObject(NAME.bucket, NAME.objectKey)
  expect(await placedCopy(store, copyOf({ etag: etag! }), undefined)).toBeUndefined()
})
