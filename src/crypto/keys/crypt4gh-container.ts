/**
 * The `c4gh-v1` container of Crypt4GH secret keys. The standard leaves key files open; this is what the
 * EGA's reference implementation writes and all others read. Strings are u16 big-endian length and bytes:
 *
 *   "c4gh-v1"  kdf  [rounds u32 ‖ salt, unless kdf is "none"]  cipher  key  [comment]
 *
 * With the cipher chacha20_poly1305 the key is nonce (12) ‖ ciphertext (32) ‖ tag (16), without associated data.
 */
import { concatBytes } from '../../util/bytes.ts'
import { AppError } from '../../util/errors.ts'
import { KEY_SIZE, MAC_SIZE, NONCE_SIZE } from '../crypt4gh/format.ts'
import { randomBytes } from '../primitives.ts'
import { readySodium } from '../sodium.ts'
import { ByteReader } from './byte-reader.ts'
import { deriveKey, isKeyDerivation } from './key-derivation.ts'
import type { SecretKeyFile } from './key-kind.ts'
import { keyPairFromSecret } from './key-pair.ts'

const MAGIC = new TextEncoder().encode('c4gh-v1')
const CIPHER = 'chacha20_poly1305'
const SALT_SIZE = 16
const LONGEST_STRING = 65_535

export function isCrypt4ghContainer(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, index) => bytes[index] === byte)
}

/** Opens a container; asks for the passphrase only when there is one. Throws INVALID_KEY, WRONG_PASSPHRASE. */
export async function openCrypt4ghContainer(
  bytes: Uint8Array,
  passphrase: () => Promise<string>,
): Promise<SecretKeyFile> {
  const reader = new ByteReader(bytes.subarray(MAGIC.length), 2)
  const kdf = reader.text('key derivation name')
  const options = kdf === 'none' ? undefined : new ByteReader(reader.string('salt'), 2)
  const cipher = reader.text('cipher name')
  const stored = reader.string('secret key')
  const comment = reader.remaining > 0 ? reader.text('comment') : ''
  const outcome = { kind: 'crypt4gh', ...(comment === '' ? {} : { comment }) } as const
  if (options === undefined) {
    if (cipher !== 'none')
      throw new AppError('INVALID_KEY', `it has the cipher "${printable(cipher)}" but no key derivation`)
    return { ...outcome, keyPair: await keyPairFromSecret(stored), encrypted: false }
  }
  if (!isKeyDerivation(kdf)) throw unknown('key derivation', kdf)
  if (cipher !== CIPHER) throw unknown('cipher', cipher)
  if (stored.length !== NONCE_SIZE + KEY_SIZE + MAC_SIZE) {
    throw new AppError('INVALID_KEY', `its encrypted secret key has ${stored.length} bytes`)
  }
  const rounds = options.uint32('round count')
  const salt = options.take(options.remaining, 'salt')
  const key = await deriveKey(kdf, await passphrase(), salt, rounds, KEY_SIZE)
  const secretKey = await decrypt(key, stored)
  key.fill(0)
  if (secretKey === undefined) throw new AppError('WRONG_PASSPHRASE', 'the passphrase does not open the key')
  const keyPair = await keyPairFromSecret(secretKey)
  secretKey.fill(0)
  return { ...outcome, keyPair, encrypted: true }
}

/** Makes a container: scrypt and ChaCha20-Poly1305 with a passphrase, plain without. Throws USAGE. */
export async function sealCrypt4ghContainer(
  secretKey: Uint8Array,
  passphrase: string | undefined,
  comment: string | undefined,
): Promise<Uint8Array> {
  if (passphrase === '') {
    throw new AppError('USAGE', 'the passphrase is empty', {
      hints: ['choose one, or ask for a key without'],
    })
  }
  const protection =
    passphrase === undefined
      ? [string('none'), string('none'), string(secretKey)]
      : await encryptedStrings(secretKey, passphrase)
  return concatBytes([MAGIC, ...protection, ...(comment === undefined ? [] : [string(comment)])])
}

async function encryptedStrings(secretKey: Uint8Array, passphrase: string): Promise<Uint8Array[]> {
  const salt = randomBytes(SALT_SIZE)
  const key = await deriveKey('scrypt', passphrase, salt, 0, KEY_SIZE)
  const nonce = randomBytes(NONCE_SIZE)
  const sodium = await readySodium()
  const sealed = sodium.crypto_aead_chacha20poly1305_ietf_encrypt(secretKey, null, null, nonce, key)
  key.fill(0)
  // The rounds of scrypt are stored as 0: its cost is fixed.
  const options = concatBytes([new Uint8Array(4), salt])
  const stored = concatBytes([nonce, sealed])
  return [string('scrypt'), string(options), string(CIPHER), string(stored)]
}

async function decrypt(key: Uint8Array, stored: Uint8Array): Promise<Uint8Array | undefined> {
  const sodium = await readySodium()
  const nonce = stored.subarray(0, NONCE_SIZE)
  try {
    return sodium.crypto_aead_chacha20poly1305_ietf_decrypt(
      null,
      stored.subarray(NONCE_SIZE),
      null,
      nonce,
      key,
    )
  } catch {
    return undefined
  }
}

function unknown(what: string, name: string): AppError {
  return new AppError('INVALID_KEY', `its ${what} "${printable(name)}" is unknown`)
}

/** Names come from the file: nothing of them may steer a terminal. */
function printable(name: string): string {
  return name.slice(0, 40).replaceAll(/[^\x20-\x7e]/g, '?')
}

function string(content: Uint8Array | string): Uint8Array {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  if (bytes.length > LONGEST_STRING) throw new AppError('USAGE', 'the comment is too long for a key file')
  return concatBytes([Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes])
}
