import { basename } from 'node:path'
import { fingerprint } from '../crypto/keys/fingerprint.ts'
import { parsePublicKeys, serializePublicKey } from '../crypto/keys/public-key-file.ts'
import { KEY_CARD_LIMIT, keyCardObjectKey, PUBLIC_KEY_FILE_LIMIT } from '../storage/access/key-card.ts'
import type { Store } from '../storage/store.ts'
import { AppError, hasCode } from '../util/errors.ts'
import { readSmallFile } from '../util/small-file.ts'
import { readSmallObject } from './bucket-keys.ts'

/** Public keys of one file, ready to be published. */
export interface KeyCard {
  objectKey: string
  fingerprints: string[]
  /** The keys alone, as Crypt4GH public key files: no comments, nothing else of the local file. */
  content: Uint8Array
}

export interface PublishKeyRequest {
  bucket: string
  /** A public key file. */
  file: string
  /** The name in the bucket; the file's when absent. */
  name?: string | undefined
}

/** What `key publish` did: the --json contract. */
export interface PublishKeyResult {
  bucket: string
  objectKey: string
  fingerprints: string[]
  /** `unchanged` when the same keys were there already. */
  state: 'published' | 'unchanged'
}

/**
 * Reads a local public key file. Throws INVALID_KEY, also for a secret key; FILE_NOT_FOUND, FILE_UNREADABLE;
 * USAGE for a name that can't be published.
 */
export async function readKeyCard(file: string, name: string = nameFromFile(file)): Promise<KeyCard> {
  const objectKey = keyCardObjectKey(name)
  const content = await readSmallFile(file, 'read the public key', PUBLIC_KEY_FILE_LIMIT)
  const keys = await parsePublicKeys(content, file)
  if (keys.length > KEY_CARD_LIMIT) {
    throw new AppError(
      'INVALID_KEY',
      `${file} holds ${keys.length} keys, at most ${KEY_CARD_LIMIT} can be published`,
    )
  }
  const text = keys.map(({ publicKey }) => serializePublicKey(publicKey)).join('')
  return {
    objectKey,
    fingerprints: keys.map(({ publicKey }) => fingerprint(publicKey)),
    content: Buffer.from(text),
  }
}

/** Publishes a public key file in a bucket's key card; see {@link putKeyCard}. */
export async function publishKey(
  store: Store,
  { bucket, file, name }: PublishKeyRequest,
  signal?: AbortSignal,
): Promise<PublishKeyResult> {
  return putKeyCard(store, bucket, await readKeyCard(file, name), signal)
}

/**
 * Stores a key card and reads it back. Throws OBJECT_EXISTS when other keys are published under the name: who pinned
 * them would be stopped. Throws INTEGRITY when the store gives back something else.
 */
export async function putKeyCard(
  store: Store,
  bucket: string,
  { objectKey, fingerprints, content }: KeyCard,
  signal?: AbortSignal,
): Promise<PublishKeyResult> {
  const before = await fingerprintsAt(store, bucket, objectKey, signal)
  const state = before === undefined ? 'published' : 'unchanged'
  if (before === undefined) {
    await store.putObject(bucket, objectKey, content, {
      ifAbsent: true,
      contentType: 'application/x-pem-file',
      signal,
    })
  } else if (before.join() !== fingerprints.join()) {
    throw new AppError(
      'OBJECT_EXISTS',
      `bucket ${bucket} has another key at ${objectKey}: ${before.join(', ')}`,
      {
        hints: [
          'publish the new key under a name of its own with --name, and tell those who use the old one',
        ],
      },
    )
  }
  const stored = await fingerprintsAt(store, bucket, objectKey, signal)
  if (stored?.join() !== fingerprints.join()) {
    throw new AppError(
      'INTEGRITY',
      `${objectKey} in bucket ${bucket} does not hold the key that was stored there`,
    )
  }
  return { bucket, objectKey, fingerprints, state }
}

async function fingerprintsAt(
  store: Store,
  bucket: string,
  objectKey: string,
  signal: AbortSignal | undefined,
): Promise<string[] | undefined> {
  try {
    const content = await readSmallObject(store, bucket, objectKey, { limit: PUBLIC_KEY_FILE_LIMIT, signal })
    const keys = await parsePublicKeys(content, `${bucket}/${objectKey}`)
    return keys.map(({ publicKey }) => fingerprint(publicKey))
  } catch (error) {
    if (hasCode(error, 'OBJECT_NOT_FOUND')) return undefined
    throw error
  }
}

/** `animine.pub`, `animine.pub.pem` and `animine_key.pub` are published as `animine`, `animine` and `animine_key`. */
function nameFromFile(file: string): string {
  return basename(file).replace(/(\.pub)?(\.pem|\.txt)?$/i, '')
}
