import { fingerprint } from '../crypto/keys/fingerprint.ts'
import { parsePublicKeys } from '../crypto/keys/public-key-file.ts'
import {
  KEY_CARD_LIMIT,
  KEY_CARD_PREFIX,
  keyCardName,
  PUBLIC_KEY_FILE_LIMIT,
} from '../storage/access/key-card.ts'
import type { ObjectEntry } from '../storage/object-store.ts'
import type { Store } from '../storage/store.ts'
import { AppError, hasCode } from '../util/errors.ts'
import { pinKeys, type PinnedKey, type PinOptions } from './known-keys.ts'

/** A public key that a bucket's owner published in it. */
export interface BucketKey {
  /** `animine`; `animine#2` for the second key of a file. */
  name: string
  objectKey: string
  /** Canonical id of the owner, of the object as of the bucket. */
  ownerId: string
  /** `SHA256:…` */
  fingerprint: string
  publicKey: Uint8Array
}

/**
 * The keys in a bucket's key card, `keys/NAME.pub`. All or nothing: a key that is not the bucket owner's own, or can't
 * be read, is an error and not left out. Throws NO_BUCKET_KEYS, KEY_NOT_TRUSTED, INVALID_KEY.
 */
export async function findBucketKeys(
  store: Store,
  bucket: string,
  signal?: AbortSignal,
): Promise<BucketKey[]> {
  const entries: ObjectEntry[] = []
  for await (const entry of store.listObjects(bucket, {
    prefix: KEY_CARD_PREFIX,
    limit: LISTING_LIMIT,
    signal,
  })) {
    if (keyCardName(entry.objectKey) !== undefined) entries.push(entry)
  }
  if (entries.length === 0) {
    throw new AppError(
      'NO_BUCKET_KEYS',
      `bucket ${bucket} has no published key (${KEY_CARD_PREFIX}NAME.pub)`,
      {
        hints: [
          "ask its owner to run `sealift key publish`, or name the recipient's key file with --to FILE",
        ],
      },
    )
  }
  if (entries.length > KEY_CARD_LIMIT) {
    throw notTrusted(`bucket ${bucket} has more than ${KEY_CARD_LIMIT} published keys`)
  }
  const { ownerId } = await store.bucketAcl(bucket, { signal })
  if (ownerId === '') throw notTrusted(`the server does not tell who owns bucket ${bucket}`)
  const keys: BucketKey[] = []
  for (const entry of entries) keys.push(...(await readBucketKeys(store, bucket, entry, ownerId, signal)))
  return keys
}

/**
 * Pins what {@link findBucketKeys} found, by endpoint, bucket and name. Throws KEY_CHANGED when another key was
 * pinned before.
 */
export function trustBucketKeys(
  knownKeysFile: string,
  endpoint: string,
  bucket: string,
  keys: readonly BucketKey[],
  options?: PinOptions,
): Promise<PinnedKey[]> {
  return pinKeys(
    knownKeysFile,
    { endpoint, bucket },
    keys.map(({ name, fingerprint: print }) => ({ name, fingerprint: print })),
    options,
  )
}

/** Reads a whole object of at most `limit` bytes. Throws INVALID_KEY for a larger one, as only keys are read so. */
export async function readSmallObject(
  store: Store,
  bucket: string,
  objectKey: string,
  {
    limit,
    ifMatch,
    signal,
  }: { limit: number; ifMatch?: string | undefined; signal?: AbortSignal | undefined },
): Promise<Uint8Array> {
  const object = await store.getObject(bucket, objectKey, { ifMatch, signal })
  try {
    if (object.size > limit) throw tooLarge(objectKey, limit)
    const chunks: Uint8Array[] = []
    let length = 0
    for await (const chunk of object.body) {
      length += chunk.length
      if (length > limit) throw tooLarge(objectKey, limit)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  } finally {
    object.destroy()
  }
}

/** Objects below keys/ that are looked at, those that are no key files included. */
const LISTING_LIMIT = 1000

async function readBucketKeys(
  store: Store,
  bucket: string,
  { objectKey, etag, ownerId: listedOwner }: ObjectEntry,
  ownerId: string,
  signal: AbortSignal | undefined,
): Promise<BucketKey[]> {
  const objectOwner = listedOwner ?? (await objectOwnerId(store, bucket, objectKey, signal))
  if (objectOwner !== ownerId) {
    const whose = objectOwner ?? 'an unknown owner'
    throw notTrusted(
      `${objectKey} in bucket ${bucket} was put there by ${whose}, not by the bucket's owner ${ownerId}`,
    )
  }
  // The object whose owner was checked, not one that took its place meanwhile.
  const content = await readSmallObject(store, bucket, objectKey, {
    limit: PUBLIC_KEY_FILE_LIMIT,
    ifMatch: etag,
    signal,
  })
  const keys = await parsePublicKeys(content, `${bucket}/${objectKey}`)
  if (keys.length > KEY_CARD_LIMIT) throw notTrusted(`${objectKey} holds more than ${KEY_CARD_LIMIT} keys`)
  const name = keyCardName(objectKey) ?? objectKey
  return keys.map(({ publicKey }, index) => ({
    name: index === 0 ? name : `${name}#${index + 1}`,
    objectKey,
    ownerId,
    fingerprint: fingerprint(publicKey),
    publicKey,
  }))
}

async function objectOwnerId(
  store: Store,
  bucket: string,
  objectKey: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    const { ownerId } = await store.objectAcl(bucket, objectKey, { signal })
    return ownerId === '' ? undefined : ownerId
  } catch (error) {
    if (hasCode(error, 'ACCESS_DENIED', 'UNSUPPORTED')) return undefined
    throw error
  }
}

function notTrusted(message: string): AppError {
  return new AppError('KEY_NOT_TRUSTED', message, {
    hints: ["get the owner's public key by another way and name it with --to FILE"],
  })
}

function tooLarge(objectKey: string, limit: number): AppError {
  return new AppError('INVALID_KEY', `${objectKey} has more than ${limit} bytes and is no public key file`)
}
