import { fingerprint } from '../crypto/keys/fingerprint.ts'
import { fingerprintWords } from '../crypto/keys/fingerprint-words.ts'
import { parseSecretKey } from '../crypto/keys/secret-key-file.ts'
import { KEY_CARD_PREFIX, keyCardName } from '../storage/access/key-card.ts'
import { AppError, hasCode, type ErrorCode } from '../util/errors.ts'
import { readSmallFile } from '../util/small-file.ts'
import { findBucketKeys } from './bucket-keys.ts'
import type { Connection } from './connect.ts'
import { loadRecipients } from './recipients.ts'
import { parseS3Url } from './s3-url.ts'

export interface CheckKeyRequest {
  /** A secret key file. */
  secretFile: string
  /** A public key file, `@NAME`, `s3://BUCKET` or `s3://BUCKET/keys/NAME.pub`. */
  published: string
  passphrase: (file: string) => Promise<string>
  /** The user's own named recipients. */
  recipientsFolder: string
  /** Called for s3:// addresses alone. */
  connect: () => Promise<Connection>
  signal?: AbortSignal | undefined
}

/** What `key check` found: the --json contract. */
export interface CheckKeyResult {
  secretFile: string
  published: string
  /** `same`: what is sealed for the published key, or for one of them, is opened by the secret one. */
  state: 'same' | 'different' | 'missing'
  /** Of the secret key's public half. */
  fingerprint: string
  words: string
  /** What was found in the other place. */
  found: { name: string; fingerprint: string; words: string }[]
}

/** Thrown when the keys differ or there is none to compare with; `result` says what was found. */
class KeyCheckError extends AppError {
  readonly result: CheckKeyResult

  constructor(code: ErrorCode, message: string, result: CheckKeyResult, cause?: unknown) {
    super(code, message, { cause })
    this.result = result
  }
}

/**
 * Compares a secret key with public ones: a file, or what a bucket's owner published in the key card. A bucket's keys
 * count only if they are its owner's, as for an upload.
 *
 * @throws AppError KEYS_DIFFER when none is the same; FILE_NOT_FOUND, NO_BUCKET_KEYS or OBJECT_NOT_FOUND, with a result,
 * when there is none; INVALID_KEY, WRONG_PASSPHRASE, KEY_NOT_TRUSTED, INVALID_S3_URL; StorageError
 */
export async function checkKey(request: CheckKeyRequest): Promise<CheckKeyResult> {
  const { secretFile, published, passphrase } = request
  const content = await readSmallFile(secretFile, 'read the secret key')
  const { keyPair } = await parseSecretKey(content, secretFile, () => passphrase(secretFile))
  keyPair.secretKey.fill(0)
  const own = fingerprint(keyPair.publicKey)
  const result = { secretFile, published, fingerprint: own, words: fingerprintWords(own) }
  const keys = await publicKeys(request).catch((error: unknown) => {
    if (!hasCode(error, 'FILE_NOT_FOUND', 'NO_BUCKET_KEYS', 'OBJECT_NOT_FOUND')) throw error
    throw new KeyCheckError(error.code, error.message, { ...result, state: 'missing', found: [] }, error)
  })
  const found = keys.map(({ name, fingerprint: print }) => ({
    name,
    fingerprint: print,
    words: fingerprintWords(print),
  }))
  if (found.some(({ fingerprint: print }) => print === own)) return { ...result, state: 'same', found }
  throw new KeyCheckError(
    'KEYS_DIFFER',
    `${secretFile} is ${own}, and ${published} has another key: ${found.map(({ fingerprint: print }) => print).join(', ')}`,
    { ...result, state: 'different', found },
  )
}

async function publicKeys(request: CheckKeyRequest): Promise<{ name: string; fingerprint: string }[]> {
  const { published, recipientsFolder, connect, signal } = request
  if (!published.startsWith('s3://')) return loadRecipients([published], recipientsFolder)
  const { bucket, objectKey } = parseS3Url(published)
  if (objectKey !== '' && keyCardName(objectKey) === undefined) {
    throw new AppError('INVALID_S3_URL', `${published} is no published key`, {
      hints: [`write s3://${bucket}, or s3://${bucket}/${KEY_CARD_PREFIX}NAME.pub`],
    })
  }
  const { store } = await connect()
  const keys = await findBucketKeys(store, bucket, signal)
  const named = keys.filter((key) => objectKey === '' || key.objectKey === objectKey)
  if (named.length === 0) {
    throw new AppError('OBJECT_NOT_FOUND', `bucket ${bucket} has no published key ${objectKey}`)
  }
  return named.map((key) => ({ name: key.objectKey, fingerprint: key.fingerprint }))
}
