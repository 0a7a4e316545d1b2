/**
 * The twin of segment-cipher.ts where there is no node:crypto: libsodium's WebAssembly. The functions are
 * synchronous, so the module itself waits until that is compiled.
 */
import { readySodium } from '../sodium.ts'
import { MAC_SIZE, NONCE_SIZE } from './format.ts'

const sodium = await readySodium()

export type CipherKey = Uint8Array

export function cipherKey(dataKey: Uint8Array): CipherKey {
  return Uint8Array.from(dataKey)
}

export function sealSegment(
  key: CipherKey,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  into: Uint8Array,
  offset: number,
): number {
  const sealed = sodium.crypto_aead_chacha20poly1305_ietf_encrypt(plaintext, null, null, nonce, key)
  into.set(nonce, offset)
  into.set(sealed, offset + NONCE_SIZE)
  return NONCE_SIZE + plaintext.length + MAC_SIZE
}

export function openSegment(
  key: CipherKey,
  segment: Uint8Array,
  into: Uint8Array,
  offset: number,
): number | undefined {
  const nonce = segment.subarray(0, NONCE_SIZE)
  let plaintext: Uint8Array
  try {
    plaintext = sodium.crypto_aead_chacha20poly1305_ietf_decrypt(
      null,
      segment.subarray(NONCE_SIZE),
      null,
      nonce,
      key,
    )
  } catch {
    return undefined
  }
  into.set(plaintext, offset)
  const { length } = plaintext
  plaintext.fill(0)
  return length
}
