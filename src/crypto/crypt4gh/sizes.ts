/** Size arithmetic of Crypt4GH bodies and headers; pure (crypt4gh.tex §2.4, §2.2). */
import { AppError } from '../../util/errors.ts'
import {
  DATA_KEY_PACKET_SIZE,
  ENCRYPTED_SEGMENT_SIZE,
  HEADER_PREFIX_SIZE,
  SEGMENT_OVERHEAD,
  SEGMENT_SIZE,
} from './format.ts'

/** Bytes of the encrypted body (all segments, no header) of a plaintext. An empty plaintext has no segment. */
export function encryptedBodySize(plaintextSize: number): number {
  requireSize(plaintextSize, 'plaintextSize')
  return plaintextSize + SEGMENT_OVERHEAD * Math.ceil(plaintextSize / SEGMENT_SIZE)
}

/**
 * Bytes of the plaintext stored in an encrypted body, before any edit list.
 * A last segment of no plaintext (28 bytes) is legal: some writers store an empty file so.
 *
 * @throws {@link AppError} AUTHENTICATION_FAILED when no plaintext has an encrypted body of that size (a tail of 1 to 27 bytes)
 */
export function plaintextBodySize(encryptedSize: number): number {
  requireSize(encryptedSize, 'encryptedSize')
  const tail = encryptedSize % ENCRYPTED_SEGMENT_SIZE
  if (tail > 0 && tail < SEGMENT_OVERHEAD) {
    throw new AppError(
      'AUTHENTICATION_FAILED',
      `no plaintext gives an encrypted body of ${encryptedSize} bytes, its last ${tail} bytes are not a segment`,
      { hints: ['the file was cut short or damaged, fetch it again'] },
    )
  }
  return encryptedSize - SEGMENT_OVERHEAD * Math.ceil(encryptedSize / ENCRYPTED_SEGMENT_SIZE)
}

/** Bytes of a header with one packet per recipient and data key, without edit lists. */
export function sealedHeaderSize(recipientCount: number, dataKeyCount = 1): number {
  return HEADER_PREFIX_SIZE + DATA_KEY_PACKET_SIZE * recipientCount * dataKeyCount
}

/** Sizes come from `stat`, listings and our own plans: anything else here is a bug of the caller. */
function requireSize(size: number, title: string): void {
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new RangeError(`${title} must be a safe integer from 0 up, got ${size}`)
  }
}
