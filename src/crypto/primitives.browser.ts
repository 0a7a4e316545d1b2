/**
 * The twin of primitives.ts for browsers: WebCrypto, and code of our own where it has nothing. What a browser can't
 * do at all is refused with UNSUPPORTED (docs/library.md).
 */
import { concatBytes } from '../util/bytes.ts'
import { AppError } from '../util/errors.ts'
import { scrypt as scryptWith } from './browser/scrypt.ts'
import type { ScryptCost } from './primitives.ts'

export { sha256 } from './browser/sha256.ts'

/** Bytes that `getRandomValues` gives at once. */
const RANDOM_QUOTA = 65_536

const AES_BLOCK_SIZE = 16

export function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let start = 0; start < length; start += RANDOM_QUOTA) {
    crypto.getRandomValues(bytes.subarray(start, start + RANDOM_QUOTA))
  }
  return bytes
}

export function scrypt(
  passphrase: Uint8Array,
  salt: Uint8Array,
  length: number,
  cost: ScryptCost,
): Promise<Uint8Array> {
  return scryptWith(pbkdf2, passphrase, salt, length, cost)
}

export async function pbkdf2(
  passphrase: Uint8Array,
  salt: Uint8Array,
  rounds: number,
  length: number,
): Promise<Uint8Array> {
  const key = await webCrypto().importKey('raw', passphrase, 'PBKDF2', false, ['deriveBits'])
  const parameters = { name: 'PBKDF2', hash: 'SHA-256', salt, iterations: rounds }
  return new Uint8Array(await webCrypto().deriveBits(parameters, key, 8 * length))
}

/** @throws {@link AppError} UNSUPPORTED for 3DES, and for AES with 192 bits where the browser lacks it (Chromium does) */
export async function decryptBlocks(
  cipher: string,
  key: Uint8Array,
  iv: Uint8Array,
  stored: Uint8Array,
): Promise<Uint8Array> {
  if (cipher.endsWith('-ctr')) {
    const aesKey = await importAesKey(cipher, 'AES-CTR', key)
    return new Uint8Array(
      await webCrypto().decrypt({ name: 'AES-CTR', counter: iv, length: 128 }, aesKey, stored),
    )
  }
  const aesKey = await importAesKey(cipher, 'AES-CBC', key)
  // WebCrypto insists on taking padding off: give it a block of padding more, under the same key.
  const last = stored.length === 0 ? iv : stored.slice(-AES_BLOCK_SIZE)
  const padding = await webCrypto().encrypt({ name: 'AES-CBC', iv: last }, aesKey, new Uint8Array(0))
  const padded = concatBytes([stored, new Uint8Array(padding)])
  return new Uint8Array(await webCrypto().decrypt({ name: 'AES-CBC', iv }, aesKey, padded))
}

export async function decryptGcm(
  cipher: string,
  key: Uint8Array,
  iv: Uint8Array,
  stored: Uint8Array,
  tag: Uint8Array,
): Promise<Uint8Array | undefined> {
  const aesKey = await importAesKey(cipher, 'AES-GCM', key)
  try {
    const parameters = { name: 'AES-GCM', iv, tagLength: 128 }
    return new Uint8Array(await webCrypto().decrypt(parameters, aesKey, concatBytes([stored, tag])))
  } catch {
    return undefined
  }
}

async function importAesKey(cipher: string, algorithm: string, key: Uint8Array): Promise<AesKey> {
  if (!cipher.startsWith('aes-')) throw unsupportedCipher(cipher)
  try {
    return await webCrypto().importKey('raw', key, algorithm, false, ['encrypt', 'decrypt'])
  } catch (cause) {
    throw unsupportedCipher(cipher, cause)
  }
}

type WebCrypto = typeof crypto.subtle
type AesKey = Awaited<ReturnType<WebCrypto['importKey']>>

function webCrypto(): WebCrypto {
  // Typed as always there, but pages of plain http don't have it.
  const { subtle } = crypto as { subtle: WebCrypto | undefined }
  if (subtle !== undefined) return subtle
  throw new AppError('UNSUPPORTED', 'the browser gives this page no WebCrypto', {
    hints: ['serve the page over https, or from localhost'],
  })
}

function unsupportedCipher(cipher: string, cause?: unknown): AppError {
  return new AppError('UNSUPPORTED', `this browser can't decrypt ${cipher}`, {
    hints: ['change the passphrase of the key with: ssh-keygen -p -Z aes256-ctr -f KEY'],
    cause,
  })
}
