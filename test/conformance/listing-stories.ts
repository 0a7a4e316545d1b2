import { beforeAll, expect, it } from 'vitest'
import type { Store } from '../../src/storage/store.ts'
import { forEachPulled } from '../../src/util/pull-pool.ts'
import type { Stage } from './parties.ts'
import { bytes, collect, freshBucket } from './steps.ts'

/** In the order of their UTF-8 bytes, which is not JavaScript's (U+FF61 comes before U+1F9EC). */
const SORTED = ['A', 'a', 'b/b', 'b/c', 'run_12/1.c4gh', 'run_12/2.c4gh', 'run_9', 'ä', '｡', '🧬']

export function listingStories(stage: Stage): void {
  let store: Store
  let bucket: string
  const keys = async (options?: Parameters<Store['listObjects']>[1]): Promise<string[]> =>
    (await collect(store.listObjects(bucket, options))).map((entry) => entry.objectKey)

  beforeAll(async () => {
    store = stage().owner.store
    bucket = await freshBucket(store)
    for (const objectKey of SORTED.toReversed()) await store.putObject(bucket, objectKey, bytes(objectKey))
  })

  it('objects come in the order of their keys', async () => {
    expect(await keys()).toEqual(SORTED)
  })

  it('an entry has size, ETag, time and owner', async () => {
    const [entry] = await collect(store.listObjects(bucket, { prefix: 'run_12/1' }))
    const head = await store.headObject(bucket, 'run_12/1.c4gh')
    expect(entry).toMatchObject({ size: 13, etag: head.etag })
    if (stage().owner.canonicalId !== '') expect(entry?.ownerId).toBe(stage().owner.canonicalId)
    expect(entry?.lastModified).toBeInstanceOf(Date)
  })

  it('a prefix, a limit and a start narrow it', async () => {
    expect(await keys({ prefix: 'run_12/' })).toEqual(['run_12/1.c4gh', 'run_12/2.c4gh'])
    expect(await keys({ prefix: 'nothing' })).toEqual([])
    expect(await keys({ limit: 3 })).toEqual(SORTED.slice(0, 3))
    expect(await keys({ limit: 0 })).toEqual([])
    expect(await keys({ startAfter: 'b/c' })).toEqual(SORTED.slice(4))
    expect(await keys({ startAfter: 'run_12/1.c4gh', prefix: 'run_12/' })).toEqual(['run_12/2.c4gh'])
  })

  it('more objects than fit one page are all there, once', async () => {
    const large = await freshBucket(store)
    const wanted = Array.from({ length: 1100 }, (_, n) => `lane/${n.toString().padStart(5, '0')}.c4gh`)
    await forEachPulled(wanted, 16, async (objectKey) => {
      await store.putObject(large, objectKey, bytes('x'))
    })
    const listed = await collect(store.listObjects(large))
    expect(listed.map((entry) => entry.objectKey)).toEqual(wanted)
    expect((await collect(store.listObjects(large, { limit: 1050 }))).length).toBe(1050)
  })
}
