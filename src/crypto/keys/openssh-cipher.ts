/** The ciphers that `ssh-keygen -Z` offers for secret keys. */
import { AppError } from '../../util/errors.ts'
import { decryptBlocks, decryptGcm } from '../primitives.ts'
import { chacha20 } from './chacha20.ts'
import { poly1305 } from './poly1305.ts'

const TAG_SIZE = 16

export interface OpensshCipher {
  /** Bytes. */
  keySize: number
  ivSize: number
  blockSize: number
  /** OpenSSL's name of it; undefined for OpenSSH's own chacha20-poly1305. */
  algorithm: string | undefined
  authenticated: boolean
}

/** The cipher of that name; throws INVALID_KEY for one that OpenSSH doesn't have. */
export function opensshCipher(name: string): OpensshCipher {
  if (name === 'chacha20-poly1305@openssh.com') {
    return { keySize: 64, ivSize: 0, blockSize: 8, algorithm: undefined, authenticated: true }
  }
  if (name === '3des-cbc') {
    return { keySize: 24, ivSize: 8, blockSize: 8, algorithm: 'des-ede3-cbc', authenticated: false }
  }
  const [, bits, mode] = /^aes(128|192|256)-(ctr|cbc|gcm@openssh\.com)$/.exec(name) ?? []
  const gcm = mode === 'gcm@openssh.com'
  if (bits === undefined || mode === undefined || (gcm && bits === '192')) {
    throw new AppError('INVALID_KEY', 'its cipher is none of ssh-keygen')
  }
  return {
    keySize: Number(bits) / 8,
    ivSize: gcm ? 12 : 16,
    blockSize: 16,
    algorithm: `aes-${bits}-${gcm ? 'gcm' : mode}`,
    authenticated: gcm,
  }
}

/**
 * Decrypts a private section. `derived` is key and IV, one after the other.
 * Gives undefined when an authenticated cipher refuses, which means a wrong passphrase or damage.
 *
 * @throws {@link AppError} INVALID_KEY for lengths that the cipher can't have; UNSUPPORTED in a browser that lacks it
 */
export async function decryptSection(
  cipher: OpensshCipher,
  derived: Uint8Array,
  stored: Uint8Array,
  tag: Uint8Array,
): Promise<Uint8Array | undefined> {
  if (stored.length % cipher.blockSize !== 0 || tag.length !== (cipher.authenticated ? TAG_SIZE : 0)) {
    throw new AppError('INVALID_KEY', 'its private section has an impossible length')
  }
  const key = derived.subarray(0, cipher.keySize)
  const iv = derived.subarray(cipher.keySize)
  if (cipher.algorithm === undefined) return chacha20Poly1305(key, stored, tag)
  if (cipher.authenticated) return decryptGcm(cipher.algorithm, key, iv, stored, tag)
  return decryptBlocks(cipher.algorithm, key, iv, stored)
}

/**
 * OpenSSH's own construction (PROTOCOL.chacha20poly1305 of OpenSSH), which is not RFC 8439's: the first 32
 * key bytes, nonce 0, the Poly1305 key from block 0, the text from block 1 on, and the tag over the
 * ciphertext alone. The other 32 key bytes are for packet lengths, which key files don't have.
 */
function chacha20Poly1305(key: Uint8Array, stored: Uint8Array, tag: Uint8Array): Uint8Array | undefined {
  const mainKey = key.subarray(0, 32)
  const macKey = chacha20(mainKey, 0, new Uint8Array(32))
  if (!poly1305(macKey, stored, tag)) return undefined
  return chacha20(mainKey, 1, stored)
}
