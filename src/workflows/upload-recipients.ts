import { findBucketKeys, trustBucketKeys } from './bucket-keys.ts'
import type { Connection } from './connect.ts'
import type { PinnedKey } from './known-keys.ts'
import { loadRecipients, withoutRepeats, type Recipient } from './recipients.ts'

export interface UploadRecipientsRequest {
  /** Key files and well-known names. */
  names: readonly string[]
  bucket: string
  /** Seal for the keys that the bucket's owner published as well. */
  toBucketKeys: boolean
  /** Take bucket keys that differ from those seen before. */
  acceptChangedKey: boolean
  /** Where the keys seen before are kept. */
  knownKeysFile: string
  /** The user's own named recipients. */
  recipientsFolder: string
}

export interface UploadRecipients {
  /** Each key once, in the order given, bucket keys last. */
  recipients: Recipient[]
  /** The bucket keys among them, and whether they were seen before. */
  bucketKeys: PinnedKey[]
}

/**
 * Everybody an upload is sealed for. Local files are read first: a mistake there needs no network.
 *
 * Throws what loadRecipients, findBucketKeys and trustBucketKeys throw.
 */
export async function uploadRecipients(
  { store, endpoint }: Connection,
  request: UploadRecipientsRequest,
  signal?: AbortSignal,
): Promise<UploadRecipients> {
  const { bucket, knownKeysFile, acceptChangedKey: acceptChanged } = request
  const named = await loadRecipients(request.names, request.recipientsFolder)
  if (!request.toBucketKeys) return { recipients: named, bucketKeys: [] }
  const found = await findBucketKeys(store, bucket, signal)
  const bucketKeys = await trustBucketKeys(knownKeysFile, endpoint, bucket, found, { acceptChanged })
  const published = found.map(({ objectKey, publicKey, fingerprint }) => ({
    name: objectKey,
    publicKey,
    fingerprint,
  }))
  return { recipients: withoutRepeats([...named, ...published]), bucketKeys }
}
