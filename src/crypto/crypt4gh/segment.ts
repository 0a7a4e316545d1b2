/**
 * The segment cipher: ChaCha20-IETF-Poly1305 with a fresh random nonce per segment and no associated
 * data (crypt4gh.tex §2.4.1). This file alone decides that node:crypto does it: four to six times the
 * speed of libsodium's WebAssembly for the same bytes (test/crypto/crypt4gh/segment.test.ts compares
 * them). Everything here is synchronous and free of libsodium, so that worker threads can load it alone.
 */
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, randomFillSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { AppError } from '../../util/errors.ts'
import { releaseBuffer } from '../../util/release-buffer.ts'
import {
  ENCRYPTED_SEGMENT_SIZE,
  KEY_SIZE,
  MAC_SIZE,
  NONCE_SIZE,
  SEGMENT_OVERHEAD,
  SEGMENT_SIZE,
} from './format.ts'
import { encryptedBodySize, plaintextBodySize } from './sizes.ts'

const ALGORITHM = 'chacha20-poly1305'
const OPTIONS = { authTagLength: MAC_SIZE } as const

/** A fresh random data key of 32 bytes. Wipe it (`fill(0)`) when done. */
export function newDataKey(): Uint8Array {
  return randomFillSync(new Uint8Array(KEY_SIZE))
}

/**
 * Seals consecutive segments: `plaintext` of any length, cut every 65 536 bytes; only the last segment
 * is short, so all but the last call for a file must bring whole segments.
 *
 * @param into - receives the encrypted segments; at least `encryptedBodySize(plaintext.length)` bytes
 * @returns bytes written to `into`
 */
export function sealSegments(dataKey: Uint8Array, plaintext: Uint8Array, into: Uint8Array): number {
  const size = encryptedBodySize(plaintext.length)
  requireRoom(into, size)
  const keyObject = secretKeyObject(dataKey)
  const nonces = randomBytes(Math.ceil(plaintext.length / SEGMENT_SIZE) * NONCE_SIZE)
  let written = 0
  for (let start = 0, nonceAt = 0; start < plaintext.length; start += SEGMENT_SIZE, nonceAt += NONCE_SIZE) {
    const nonce = nonces.subarray(nonceAt, nonceAt + NONCE_SIZE)
    const cipher = createCipheriv(ALGORITHM, keyObject, nonce, OPTIONS)
    const ciphertext = cipher.update(plaintext.subarray(start, start + SEGMENT_SIZE))
    cipher.final()
    into.set(nonce, written)
    into.set(ciphertext, written + NONCE_SIZE)
    written += NONCE_SIZE + ciphertext.length
    into.set(cipher.getAuthTag(), written)
    written += MAC_SIZE
    releaseBuffer(ciphertext)
  }
  return written
}

/**
 * Opens consecutive segments, the last of which may be short. Every data key is tried on a segment, the
 * last successful one first. `into` receives a segment only after its tag was verified.
 *
 * @param firstSegment - number of the first segment in the file, from 0; used in errors
 * @returns plaintext bytes written to `into`
 * @throws {@link AppError} AUTHENTICATION_FAILED naming the segment that no data key opens, or an impossible size
 */
export function openSegments(
  dataKeys: readonly Uint8Array[],
  encrypted: Uint8Array,
  into: Uint8Array,
  firstSegment = 0,
): number {
  requireRoom(into, plaintextBodySize(encrypted.length))
  const openSegment = segmentOpener(dataKeys)
  let written = 0
  for (let start = 0, number = firstSegment; start < encrypted.length; number += 1) {
    const end = Math.min(start + ENCRYPTED_SEGMENT_SIZE, encrypted.length)
    written += openSegment(encrypted.subarray(start, end), into, written, number)
    start = end
  }
  return written
}

/** Opens one encrypted segment into `into` at `offset`; gives the plaintext bytes written there. */
export type OpenSegment = (
  segment: Uint8Array,
  into: Uint8Array,
  offset: number,
  segmentNumber: number,
) => number

/** {@link openSegments} one segment at a time, remembering which data key opened the last one. */
export function segmentOpener(dataKeys: readonly Uint8Array[]): OpenSegment {
  const keyObjects = dataKeys.map(secretKeyObject)
  return (segment, into, offset, segmentNumber) => {
    if (segment.length < SEGMENT_OVERHEAD || segment.length > ENCRYPTED_SEGMENT_SIZE) {
      throw damagedSegment(segmentNumber)
    }
    for (const [index, keyObject] of keyObjects.entries()) {
      const plaintext = decrypt(keyObject, segment)
      if (plaintext === undefined) continue
      if (index > 0) {
        keyObjects.splice(index, 1)
        keyObjects.unshift(keyObject)
      }
      into.set(plaintext, offset)
      const { length } = plaintext
      releaseBuffer(plaintext)
      return length
    }
    throw damagedSegment(segmentNumber)
  }
}

function decrypt(keyObject: KeyObject, segment: Uint8Array): Buffer | undefined {
  const macAt = segment.length - MAC_SIZE
  const decipher = createDecipheriv(ALGORITHM, keyObject, segment.subarray(0, NONCE_SIZE), OPTIONS)
  decipher.setAuthTag(segment.subarray(macAt))
  const plaintext = decipher.update(segment.subarray(NONCE_SIZE, macAt))
  try {
    decipher.final()
  } catch {
    // The tag is wrong for this key: these bytes are nobody's plaintext.
    plaintext.fill(0)
    return undefined
  }
  return plaintext
}

function damagedSegment(segmentNumber: number): AppError {
  return new AppError('AUTHENTICATION_FAILED', `segment ${segmentNumber} is damaged, forged or cut short`, {
    hints: ['nothing of this segment was given out; fetch the file again or ask its sender'],
  })
}

function secretKeyObject(dataKey: Uint8Array): KeyObject {
  if (dataKey.length !== KEY_SIZE) {
    throw new RangeError(`a data key has ${KEY_SIZE} bytes, got ${dataKey.length}`)
  }
  return createSecretKey(dataKey)
}

function requireRoom(into: Uint8Array, size: number): void {
  if (into.length < size) throw new RangeError(`into has ${into.length} bytes, ${size} are needed`)
}
