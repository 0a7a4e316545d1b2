import { sealHeader } from '../../../src/crypto/crypt4gh/seal-header.ts'
import { newDataKey, sealSegments } from '../../../src/crypto/crypt4gh/segment.ts'
import { encryptedBodySize } from '../../../src/crypto/crypt4gh/sizes.ts'
import { generateKeyPair, type KeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { createMemoryStore } from '../../../src/storage/memory-store.ts'
import { MemoryWorld, type MemoryObject } from '../../../src/storage/memory-world.ts'
import type { Store } from '../../../src/storage/store.ts'
import type { VerifiedObject } from '../../../src/workflows/object-verify/verdict.ts'
import { verifyObjects } from '../../../src/workflows/object-verify/verify-objects.ts'
import type {
  VerifyObjectsRequest,
  VerifyObjectsResult,
} from '../../../src/workflows/object-verify/verify-request.ts'
import { AppError } from '../../../src/util/errors.ts'

export const BUCKET = 'animine-data-import-1'

/** A store whose bytes can be changed below it, as a disk does. */
export interface Scene {
  store: Store
  reader: KeyPair
  other: KeyPair
  /** The object as the server keeps it. */
  kept(objectKey: string): MemoryObject
  put(objectKey: string, object: Uint8Array): Promise<void>
  /** Stores it in parts of these sizes. */
  putInParts(objectKey: string, object: Uint8Array, sizes: readonly number[]): Promise<void>
}

export async function createScene(): Promise<Scene> {
  const world = new MemoryWorld()
  const store = createMemoryStore({ world, minPartSize: 1 })
  await store.createBucket(BUCKET)
  const [reader, other] = await Promise.all([generateKeyPair(), generateKeyPair()])
  return {
    store,
    reader,
    other,
    kept: (objectKey) => world.buckets.get(BUCKET)!.objects.get(objectKey)!,
    async put(objectKey, object) {
      await store.putObject(BUCKET, objectKey, object)
    },
    async putInParts(objectKey, object, sizes) {
      const uploadId = await store.createMultipartUpload(BUCKET, objectKey)
      const upload = { bucket: BUCKET, objectKey, uploadId }
      const parts = []
      let offset = 0
      for (const [index, size] of sizes.entries()) {
        parts.push(await store.uploadPart(upload, index + 1, object.subarray(offset, offset + size)))
        offset += size
      }
      if (offset !== object.length) throw new Error(`${offset} of ${object.length} bytes`)
      await store.completeMultipartUpload(upload, parts)
    },
  }
}

/** An object that both can read, with its header's length. */
export async function sealedForBoth(
  plaintext: Uint8Array,
  readers: readonly KeyPair[],
  editList?: readonly bigint[],
): Promise<{ object: Buffer; headerLength: number }> {
  const dataKey = newDataKey()
  const header = await sealHeader(
    { dataKeys: [dataKey], editList },
    readers.map(({ publicKey }) => publicKey),
  )
  const body = new Uint8Array(encryptedBodySize(plaintext.length))
  sealSegments(dataKey, plaintext, body)
  return { object: Buffer.concat([header, body]), headerLength: header.length }
}

/** The result, of a run that ends with an error as well; what else is thrown is thrown. */
export async function verify(
  { store }: Pick<Scene, 'store'>,
  objectKey: string,
  request: Partial<VerifyObjectsRequest> = {},
): Promise<VerifyObjectsResult & { failure?: AppError }> {
  try {
    return await verifyObjects(store, { place: { bucket: BUCKET, objectKey }, identities: [], ...request })
  } catch (error) {
    if (!(error instanceof AppError) || !('result' in error)) throw error
    return { ...(error.result as VerifyObjectsResult), failure: error }
  }
}

/** What is said of a single object. */
export async function verifyOne(
  scene: Pick<Scene, 'store'>,
  objectKey: string,
  request: Partial<VerifyObjectsRequest> = {},
): Promise<VerifiedObject> {
  const { objects } = await verify(scene, objectKey, request)
  if (objects.length !== 1) throw new Error(`${objects.length} objects were verified`)
  return objects[0]!
}
