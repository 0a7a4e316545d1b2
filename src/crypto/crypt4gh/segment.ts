/**
 * Segments: ChaCha20-IETF-Poly1305 with a fresh random nonce each and no associated data (crypt4gh.tex §2.4.1).
 * Everything here is synchronous; the cipher itself is segment-cipher.ts.
 */
import { AppError } from '../../util/errors.ts'
import { randomBytes } from '../primitives.ts'
import { ENCRYPTED_SEGMENT_SIZE, KEY_SIZE, NONCE_SIZE, SEGMENT_OVERHEAD, SEGMENT_SIZE } from './format.ts'
import { cipherKey, openSegment, sealSegment } from './segment-cipher.ts'
import type { CipherKey } from './segment-cipher.ts'
import { encryptedBodySize, plaintextBodySize } from './sizes.ts'

/** A fresh random data key of 32 bytes. Wipe it (`fill(0)`) when done. */
export function newDataKey(): Uint8Array {
  return randomBytes(KEY_SIZE)
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
  const key = checkedKey(dataKey)
  const nonces = randomBytes(Math.ceil(plaintext.length / SEGMENT_SIZE) * NONCE_SIZE)
  let written = 0
  for (let start = 0, nonceAt = 0; start < plaintext.length; start += SEGMENT_SIZE, nonceAt += NONCE_SIZE) {
    const nonce = nonces.subarray(nonceAt, nonceAt + NONCE_SIZE)
    written += sealSegment(key, nonce, plaintext.subarray(start, start + SEGMENT_SIZE), into, written)
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
  const open = segmentOpener(dataKeys)
  let written = 0
  for (let start = 0, number = firstSegment; start < encrypted.length; number += 1) {
    const end = Math.min(start + ENCRYPTED_SEGMENT_SIZE, encrypted.length)
    written += open(encrypted.subarray(start, end), into, written, number)
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

/**
 * {@link openSegments} one segment at a time, remembering which data key opened the last one.
 *
 * @param onOpened - told which data key opened a segment
 */
export function segmentOpener(
  dataKeys: readonly Uint8Array[],
  onOpened?: (dataKey: Uint8Array) => void,
): OpenSegment {
  const keys = dataKeys.map((dataKey) => ({ dataKey, cipher: checkedKey(dataKey) }))
  return (segment, into, offset, segmentNumber) => {
    if (segment.length < SEGMENT_OVERHEAD || segment.length > ENCRYPTED_SEGMENT_SIZE) {
      throw damagedSegment(segmentNumber)
    }
    for (const [index, key] of keys.entries()) {
      const length = openSegment(key.cipher, segment, into, offset)
      if (length === undefined) continue
      onOpened?.(key.dataKey)
      if (index > 0) {
        keys.splice(index, 1)
        keys.unshift(key)
      }
      return length
    }
    throw damagedSegment(segmentNumber)
  }
}

function damagedSegment(segmentNumber: number): AppError {
  return new AppError('AUTHENTICATION_FAILED', `segment ${segmentNumber} is damaged, forged or cut short`, {
    hints: ['nothing of this segment was given out; fetch the file again or ask its sender'],
  })
}

function checkedKey(dataKey: Uint8Array): CipherKey {
  if (dataKey.length !== KEY_SIZE) {
    throw new RangeError(`a data key has ${KEY_SIZE} bytes, got ${dataKey.length}`)
  }
  return cipherKey(dataKey)
}

function requireRoom(into: Uint8Array, size: number): void {
  if (into.length < size) throw new RangeError(`into has ${into.length} bytes, ${size} are needed`)
}
