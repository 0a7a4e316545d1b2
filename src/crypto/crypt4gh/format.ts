/**
 * Numbers of the Crypt4GH v1 format (samtools/hts-specs, crypt4gh.tex) and the limits we set ourselves.
 * All integers of the format are little-endian and packed without gaps.
 */

/** The first eight bytes of every Crypt4GH file, `crypt4gh` in ASCII (§2.2). */
export const MAGIC_NUMBER: Uint8Array = new TextEncoder().encode('crypt4gh')

/** The only version there is (§2.2). */
export const VERSION = 1

/** Magic number (8), version (4) and header packet count (4), in bytes (§2.2). */
export const HEADER_PREFIX_SIZE = 16

/** Packet length (4) and header encryption method (4), in bytes: the shortest header packet (§2.2). */
export const SMALLEST_PACKET = 8

/** `X25519_chacha20_ietf_poly1305`: the one header encryption method (§2.2.1). */
export const HEADER_METHOD_X25519_CHACHA20 = 0

/** `chacha20_ietf_poly1305`: the one data encryption method (§2.3.1). */
export const DATA_METHOD_CHACHA20 = 0

/** A packet that carries a data key (§2.3.1). */
export const PACKET_TYPE_DATA_KEY = 0

/** A packet that carries an edit list (§2.3.2). */
export const PACKET_TYPE_EDIT_LIST = 1

/** Bytes of an X25519 key, public or secret, and of a data key. */
export const KEY_SIZE = 32

/** Bytes of a ChaCha20-IETF-Poly1305 nonce (RFC 8439 §2.8). */
export const NONCE_SIZE = 12

/** Bytes of a Poly1305 tag, which the standard calls MAC (RFC 8439 §2.8). */
export const MAC_SIZE = 16

/** Plaintext bytes of a segment; only the last one of a file may be shorter (§2.4). */
export const SEGMENT_SIZE = 65_536

/** What encryption adds to a segment: nonce and MAC (§2.4.1). */
export const SEGMENT_OVERHEAD = NONCE_SIZE + MAC_SIZE

/** Bytes of a full encrypted segment: nonce, ciphertext, MAC (§2.4.1). */
export const ENCRYPTED_SEGMENT_SIZE = SEGMENT_SIZE + SEGMENT_OVERHEAD

/** Bytes of a packet that carries a data key and no padding. */
export const DATA_KEY_PACKET_SIZE = SMALLEST_PACKET + KEY_SIZE + NONCE_SIZE + 8 + KEY_SIZE + MAC_SIZE

/**
 * What a header may claim before we refuse it. The standard sets no limits; a hostile header could
 * otherwise make a reader buffer 4 GiB for a packet and try 2^32 of them.
 */
export const HEADER_LIMITS = {
  /** Bytes of one header packet, its length field included. */
  packetLength: 1_048_576,
  /** Header packets of a file. */
  packetCount: 4096,
  /** Distinct data keys that one reader is given: each may be tried on every segment, and takes memory of its own. */
  dataKeys: 256,
  /** Bytes of the whole header. */
  headerLength: 16_777_216,
} as const
