import { beforeEach, expect, it } from 'vitest'
import { createMemoryStore } from '../../../src/storage/memory-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import { replacedVersion, type Replacement } from '../../../src/workflows/copies/replaced-version.ts'
import { bytes, collect, expectCode, read } from '../../conformance/steps.ts'

const BUCKET = 'animine-data-import-1'
const PLACE = { bucket: BUCKET, objectKey: 'run/a' }

let store: Store
beforeEach(async () => {
  store = createMemoryStore()
  await store.createBucket(BUCKET)
})

/** Stores something, also beside it under a longer key. */
async function put(content: string): Promise<Replacement & { id: string }> {
  await store.putObject(BUCKET, `${PLACE.objectKey}.more`, bytes('beside'))
  const { etag, versionId } = await store.putObject(BUCKET, PLACE.objectKey, bytes(content))
  return { versionId, size: content.length, etag: etag ?? '', id: versionId ?? 'null' }
}

async function contents(): Promise<number> {
  const versions = await collect(store.listVersions(BUCKET, { prefix: PLACE.objectKey }))
  return versions.filter(({ objectKey }) => objectKey === PLACE.objectKey).length
}

it('is the one right below', async () => {
  const first = await put('without versions')
  await store.enableVersioning(BUCKET)
  const second = await put('second')
  expect(await replacedVersion(store, PLACE, first.id, second)).toBe('null')
  const third = await put('third')
  expect(await replacedVersion(store, PLACE, second.id, third)).toBe(second.id)
  expect(await replacedVersion(store, PLACE, second.id, { ...third, versionId: undefined })).toBe(second.id)
})

it('is found below a replacement whose request was repeated', async () => {
  await store.enableVersioning(BUCKET)
  const source = await put('source')
  await put('new')
  const again = await put('new')
  expect(await replacedVersion(store, PLACE, source.id, again)).toBe(source.id)
  expect(await contents()).toBe(3)
})

it('is none where it was deleted since, or has no version of its own', async () => {
  const first = await put('first')
  const second = await put('second')
  expect(await replacedVersion(store, PLACE, first.id, second)).toBeUndefined()
  await store.enableVersioning(BUCKET)
  const source = await put('source')
  const copy = await put('copy')
  await store.deleteVersion(BUCKET, PLACE.objectKey, source.id)
  expect(await replacedVersion(store, PLACE, source.id, copy)).toBeUndefined()
  expect((await read(store, BUCKET, PLACE.objectKey)).toString()).toBe('copy')
})

it('hides nothing: what came in between is brought back', async () => {
  await store.enableVersioning(BUCKET)
  const source = await put('source')
  await put('delivered meanwhile')
  const copy = await put('copy')
  await expectCode(replacedVersion(store, PLACE, source.id, copy), 'OBJECT_CHANGED')
  expect((await read(store, BUCKET, PLACE.objectKey)).toString()).toBe('delivered meanwhile')
  expect(await contents()).toBe(2)
})

it('is not looked for below what somebody else stored on top, and nothing is deleted', async () => {
  await store.enableVersioning(BUCKET)
  const source = await put('source')
  const copy = await put('copy')
  await put('delivered after')
  await expectCode(replacedVersion(store, PLACE, source.id, copy), 'OBJECT_CHANGED')
  expect(await contents()).toBe(3)
})
