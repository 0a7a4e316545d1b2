import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import type { Store } from '../../src/storage/store.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import type { ErrorCode } from '../../src/util/errors.ts'

/** A bucket of its own for one test. */
export async function freshBucket(store: Store): Promise<string> {
  const bucket = `sealift-test-${randomBytes(6).toString('hex')}`
  await store.createBucket(bucket)
  return bucket
}

export async function collect<T>(entries: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const entry of entries) all.push(entry)
  return all
}

/** The object's bytes, or those of a range. */
export async function read(
  store: ObjectStore,
  bucket: string,
  objectKey: string,
  range?: { offset: number; length: number },
): Promise<Buffer> {
  const answer = await store.getObject(bucket, objectKey, { range })
  return Buffer.concat(await collect(answer.body))
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** The request fails with this code. */
export async function expectCode(request: Promise<unknown>, code: ErrorCode): Promise<void> {
  await expect(request).rejects.toMatchObject({ code })
}
