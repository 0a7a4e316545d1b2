import { beforeEach, describe, expect, it } from 'vitest'
import { sealHeader } from '../../src/crypto/crypt4gh/seal-header.ts'
import { serializeHeader } from '../../src/crypto/crypt4gh/header.ts'
import { newDataKey } from '../../src/crypto/crypt4gh/segment.ts'
import { generateKeyPair } from '../../src/crypto/keys/key-pair.ts'
import { createMemoryStore } from '../../src/storage/memory-store.ts'
import { fetchHeader } from '../../src/transfer/object-header.ts'
import { countingStore, type CountingStore } from '../support/counting-store.ts'

const BUCKET = 'animine-data-import-1'

let counting: CountingStore
/** Of 200 packets, some 21 KiB. */
let long: Uint8Array

beforeEach(async () => {
  counting = countingStore(createMemoryStore())
  await counting.store.createBucket(BUCKET)
  const readers = await Promise.all(Array.from({ length: 200 }, () => generateKeyPair()))
  const publicKeys = readers.map(({ publicKey }) => publicKey)
  long = await sealHeader({ dataKeys: [newDataKey()], editList: undefined }, publicKeys)
})

async function fetchFrom(bytes: Uint8Array, more: { firstRead?: number; size?: number } = {}) {
  const { firstRead, size = bytes.length } = more
  await counting.store.putObject(BUCKET, 'reads', bytes)
  const { etag } = await counting.store.headObject(BUCKET, 'reads')
  const name = { bucket: BUCKET, objectKey: 'reads' }
  return fetchHeader(name, { size, etag }, { store: counting.store, firstRead })
}

describe('the header of an object', () => {
  it('is read whole in a few requests, without a key', async () => {
    const object = Buffer.concat([long, Buffer.alloc(100_000)])
    const header = await fetchFrom(object, { firstRead: 16 })
    expect(Buffer.from(serializeHeader(header.packets)).equals(long)).toBe(true)
    expect(header.length).toBe(long.length)
    const lengths = counting.gets.map(({ range }) => range!.length)
    expect(lengths.length).toBeLessThanOrEqual(6)
    expect(Math.max(...lengths)).toBeLessThan(2 * long.length + 16)
    counting.forget()
    await fetchFrom(object)
    expect(counting.gets).toHaveLength(1)
  })

  it('is asked for within the object alone', async () => {
    expect((await fetchFrom(long)).packets).toHaveLength(200)
    expect(counting.gets.map(({ range }) => range!.length)).toEqual([long.length])
  })

  it('is refused where it is none, or broken off', async () => {
    await expect(fetchFrom(Buffer.from('text'))).rejects.toMatchObject({ code: 'NOT_CRYPT4GH' })
    await expect(fetchFrom(Buffer.alloc(0))).rejects.toMatchObject({ code: 'NOT_CRYPT4GH' })
    await expect(fetchFrom(long.subarray(0, 5000))).rejects.toMatchObject({
      code: 'INVALID_HEADER',
      message: expect.stringContaining('s3://animine-data-import-1/reads') as string,
    })
  })

  it('is that of the version which was named', async () => {
    await expect(fetchFrom(long, { size: long.length + 1 })).rejects.toMatchObject({ code: 'OBJECT_CHANGED' })
  })
})
