/**
 * The cipher of a single segment, ChaCha20-IETF-Poly1305 without associated data (crypt4gh.tex §2.4.1). This file
 * alone decides that node:crypto does it: four to six times the speed of libsodium's WebAssembly for the same bytes.
 * Browsers get its twin, segment-cipher.browser.ts (package.json `browser`). Synchronous and free of libsodium,
 * so that worker threads can load it alone.
 */
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { releaseBuffer } from '../../util/release-buffer.ts'
import { MAC_SIZE, NONCE_SIZE } from './format.ts'

const ALGORITHM = 'chacha20-poly1305'
const OPTIONS = { authTagLength: MAC_SIZE } as const

/** A data key as the cipher wants it. */
export type CipherKey = KeyObject

/** Takes 32 bytes; made once per data key, not per segment. */
export function cipherKey(dataKey: Uint8Array): CipherKey {
  return createSecretKey(dataKey)
}

/**
 * Writes nonce, ciphertext and MAC of one segment to `into` at `offset`.
 *
 * @returns bytes written
 */
export function sealSegment(
  key: CipherKey,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  into: Uint8Array,
  offset: number,
): number {
  const cipher = createCipheriv(ALGORITHM, key, nonce, OPTIONS)
  const ciphertext = cipher.update(plaintext)
  cipher.final()
  const macAt = offset + NONCE_SIZE + ciphertext.length
  into.set(nonce, offset)
  into.set(ciphertext, offset + NONCE_SIZE)
  into.set(cipher.getAuthTag(), macAt)
  releaseBuffer(ciphertext)
  return macAt + MAC_SIZE - offset
}

/**
 * Writes the plaintext of one segment to `into` at `offset` once its MAC was verified. A segment has at least
 * SEGMENT_OVERHEAD bytes.
 *
 * @returns plaintext bytes written; undefined when the key is another one or the segment damaged: nothing was written then
 */
export function openSegment(
  key: CipherKey,
  segment: Uint8Array,
  into: Uint8Array,
  offset: number,
): number | undefined {
  const macAt = segment.length - MAC_SIZE
  const decipher = createDecipheriv(ALGORITHM, key, segment.subarray(0, NONCE_SIZE), OPTIONS)
  decipher.setAuthTag(segment.subarray(macAt))
  const plaintext = decipher.update(segment.subarray(NONCE_SIZE, macAt))
  try {
    decipher.final()
  } catch {
    // The MAC is wrong for this key: these bytes are nobody's plaintext.
    plaintext.fill(0)
    return undefined
  }
  into.set(plaintext, offset)
  const { length } = plaintext
  releaseBuffer(plaintext)
  return length
}
