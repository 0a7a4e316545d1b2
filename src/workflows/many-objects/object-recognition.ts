import { MAGIC_NUMBER } from '../../crypto/crypt4gh/format.ts'
import { looksLikeCrypt4gh } from '../../crypto/crypt4gh/header.ts'
import type { ObjectName, ObjectStore } from '../../storage/object-store.ts'

/**
 * Whether an object begins as Crypt4GH does, by its first eight bytes; undefined for an empty one, which hides nothing.
 *
 * @throws StorageError OBJECT_CHANGED when its ETag is another one
 */
export async function beginsAsCrypt4gh(
  store: ObjectStore,
  { bucket, objectKey }: ObjectName,
  { size, etag }: { size: number; etag: string },
  signal?: AbortSignal,
): Promise<boolean | undefined> {
  if (size === 0) return undefined
  if (size < MAGIC_NUMBER.length) return false
  const range = { offset: 0, length: MAGIC_NUMBER.length }
  const answer = await store.getObject(bucket, objectKey, { range, ifMatch: etag, signal })
  try {
    const chunks: Uint8Array[] = []
    for await (const chunk of answer.body) chunks.push(chunk)
    return looksLikeCrypt4gh(Buffer.concat(chunks))
  } finally {
    answer.destroy()
  }
}
