import { SEGMENT_SIZE } from '../../src/crypto/crypt4gh/format.ts'
import type { ErrorCode } from '../../src/util/errors.ts'

/** How each faulty vector is refused, and the plaintext bytes that were given out before. */
export const REFUSALS: Readonly<Record<string, readonly [code: ErrorCode, released: number]>> = {
  'short-segment-in-middle': ['AUTHENTICATION_FAILED', 0],
  'edit-count-too-big': ['INVALID_HEADER', 0],
  'not-for-me': ['NO_MATCHING_KEY', 0],
  'unknown-packet-type': ['INVALID_HEADER', 0],
  'unknown-data-method': ['INVALID_HEADER', 0],
  'only-edit-list': ['NO_MATCHING_KEY', 0],
  'zero-packets': ['NO_MATCHING_KEY', 0],
  'bad-magic': ['NOT_CRYPT4GH', 0],
  'bad-version': ['INVALID_HEADER', 0],
  'bad-packet-length-0': ['INVALID_HEADER', 0],
  'bad-packet-length-3': ['INVALID_HEADER', 0],
  'bad-packet-length-4': ['INVALID_HEADER', 0],
  'bad-packet-length-7': ['INVALID_HEADER', 0],
  'bad-packet-length-8': ['NO_MATCHING_KEY', 0],
  'bad-packet-length-huge': ['INVALID_HEADER', 0],
  'trunc-in-magic': ['NOT_CRYPT4GH', 0],
  'trunc-in-packet': ['INVALID_HEADER', 0],
  'trunc-in-segment': ['AUTHENTICATION_FAILED', SEGMENT_SIZE],
  'flip-data': ['AUTHENTICATION_FAILED', SEGMENT_SIZE],
  'flip-header-mac': ['NO_MATCHING_KEY', 0],
}
