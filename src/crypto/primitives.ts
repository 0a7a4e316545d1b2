/**
 * Random bytes, hashes, key derivation and block ciphers: what neither the language nor libsodium-wrappers has. Here
 * they are node:crypto's; browsers get primitives.browser.ts instead (package.json `browser`), with the same exports.
 */
import {
  createDecipheriv,
  createHash,
  pbkdf2 as nodePbkdf2,
  randomFillSync,
  scrypt as nodeScrypt,
} from 'node:crypto'
import type { CipherGCMTypes } from 'node:crypto'
import { promisify } from 'node:util'

/** Cost parameters of scrypt (RFC 7914 §2). */
export interface ScryptCost {
  N: number
  r: number
  p: number
}

/** Bytes of a GCM tag. */
const GCM_TAG_SIZE = 16

const scryptAsync = promisify<Uint8Array, Uint8Array, number, ScryptCost, Buffer>(nodeScrypt)
const pbkdf2Async = promisify(nodePbkdf2)

/** `length` bytes of the system's cryptographic generator. */
export function randomBytes(length: number): Uint8Array {
  return randomFillSync(new Uint8Array(length))
}

/** SHA-256, 32 bytes (FIPS 180-4). */
export function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest()
}

/** scrypt (RFC 7914); off the main thread. */
export function scrypt(
  passphrase: Uint8Array,
  salt: Uint8Array,
  length: number,
  cost: ScryptCost,
): Promise<Uint8Array> {
  return scryptAsync(passphrase, salt, length, cost)
}

/** PBKDF2 with HMAC-SHA-256 (RFC 8018 §5.2); off the main thread. */
export function pbkdf2(
  passphrase: Uint8Array,
  salt: Uint8Array,
  rounds: number,
  length: number,
): Promise<Uint8Array> {
  return pbkdf2Async(passphrase, salt, rounds, length, 'sha256')
}

/** Decrypts whole blocks without taking padding off. `cipher` is OpenSSL's name, aes-256-ctr for example. */
export async function decryptBlocks(
  cipher: string,
  key: Uint8Array,
  iv: Uint8Array,
  stored: Uint8Array,
): Promise<Uint8Array> {
  const decipher = createDecipheriv(cipher, key, iv).setAutoPadding(false)
  return Buffer.concat([decipher.update(stored), decipher.final()])
}

/** Decrypts AES-GCM (`cipher` is aes-128-gcm or aes-256-gcm); undefined when the tag is wrong. */
export async function decryptGcm(
  cipher: string,
  key: Uint8Array,
  iv: Uint8Array,
  stored: Uint8Array,
  tag: Uint8Array,
): Promise<Uint8Array | undefined> {
  const options = { authTagLength: GCM_TAG_SIZE }
  const decipher = createDecipheriv(cipher as CipherGCMTypes, key, iv, options).setAuthTag(tag)
  const plaintext = decipher.update(stored)
  try {
    decipher.final()
    return plaintext
  } catch {
    plaintext.fill(0)
    return undefined
  }
}
