/**
 * Poly1305 by itself (RFC 8439 §2.5), which neither node:crypto nor libsodium-wrappers offers. For the 150
 * bytes of an OpenSSH key file only: big integers are slow and not constant-time, which matters little
 * for a tag that the file's owner checks on the owner's machine.
 */
import { sameBytes } from '../../util/bytes.ts'

const PRIME = 2n ** 130n - 5n
const CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffffn
const BLOCK_SIZE = 16
const TAG_MODULUS = 2n ** 128n

/** True when `tag` is the Poly1305 tag of `message` under a 32-byte one-time key. */
export function poly1305(oneTimeKey: Uint8Array, message: Uint8Array, tag: Uint8Array): boolean {
  const r = littleEndian(oneTimeKey.subarray(0, BLOCK_SIZE)) & CLAMP
  const s = littleEndian(oneTimeKey.subarray(BLOCK_SIZE, 2 * BLOCK_SIZE))
  let accumulator = 0n
  for (let start = 0; start < message.length; start += BLOCK_SIZE) {
    const block = message.subarray(start, start + BLOCK_SIZE)
    const marked = littleEndian(block) + 2n ** BigInt(8 * block.length)
    accumulator = ((accumulator + marked) * r) % PRIME
  }
  return sameBytes(tagBytes((accumulator + s) % TAG_MODULUS), tag)
}

function tagBytes(number: bigint): Uint8Array {
  return Uint8Array.from({ length: BLOCK_SIZE }, (_, index) => Number((number >> BigInt(8 * index)) & 0xffn))
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n)
}
