import { editedSize } from '../crypto/crypt4gh/edit-list.ts'
import { plaintextBodySize } from '../crypto/crypt4gh/sizes.ts'
import { fingerprint } from '../crypto/keys/fingerprint.ts'
import type { KeyPair } from '../crypto/keys/key-pair.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { fetchObjectHeader, inObject } from '../transfer/object-header.ts'
import { streamPlaintext, streamStored, type StreamedObject } from '../transfer/stream-object.ts'
import { rangeWithin, type RequestedRange } from '../util/byte-range.ts'

export interface CatRequest {
  store: ObjectStore
  bucket: string
  objectKey: string
  /** Secret keys that may open the object; not needed when it stays encrypted. */
  identities: readonly KeyPair[]
  decrypt: boolean
  /** Public keys, one of which must have written what opens for us; anybody's may when absent. */
  senders?: readonly Uint8Array[] | undefined
  /** Bytes of the plaintext (of the object, when it is not decrypted), which must reach that far; all when absent. */
  range?: RequestedRange | undefined
  signal?: AbortSignal | undefined
}

/** An object that is ready to be read, once. */
export interface OpenedObject {
  /** Bytes that `content` gives. */
  size: number
  /** Fingerprints of the sender keys the header names; proof of origin only when you know the key. */
  senders: string[]
  /**
   * In order and as fast as it is taken; every byte of plaintext is authenticated. What it throws comes after bytes
   * that are good but not all: AUTHENTICATION_FAILED, OBJECT_CHANGED, and what the store throws.
   */
  content: AsyncIterable<Uint8Array>
}

/**
 * Opens an object to be read in order.
 *
 * @throws AppError OBJECT_NOT_FOUND, NOT_CRYPT4GH, INVALID_HEADER, NO_MATCHING_KEY, UNEXPECTED_SENDER,
 * AUTHENTICATION_FAILED (impossible size), INVALID_RANGE; StorageError
 */
export async function openObject(request: CatRequest): Promise<OpenedObject> {
  const { store, bucket, objectKey, identities, decrypt, senders, signal } = request
  const range = request.range ?? { offset: 0, length: undefined }
  const name = { bucket, objectKey }
  const version = await store.headObject(bucket, objectKey, { signal })
  const object: StreamedObject = { store, name, version, signal }
  if (!decrypt) {
    const wanted = rangeWithin(range, version.size)
    return { size: wanted.length, senders: [], content: streamStored(object, wanted) }
  }
  const { header, opened } = await fetchObjectHeader(name, version, identities, { store, senders, signal })
  const wipe = (): void => {
    for (const dataKey of opened.dataKeys) dataKey.fill(0)
  }
  try {
    const size = editedSize(plaintextBodySize(version.size - header.length), opened.editList)
    const wanted = rangeWithin(range, size)
    const content = named(streamPlaintext(object, header.length, opened, wanted), object, wipe)
    return { size: wanted.length, senders: opened.senders.map(fingerprint), content }
  } catch (error) {
    wipe()
    throw inObject(error, name)
  }
}

async function* named(
  content: AsyncIterable<Uint8Array>,
  { name }: StreamedObject,
  atEnd: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* content
  } catch (error) {
    throw inObject(error, name)
  } finally {
    atEnd()
  }
}
