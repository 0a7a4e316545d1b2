/** X25519 key pairs, the identities of Crypt4GH (crypt4gh.tex §2.2.1). */
import { AppError } from '../../util/errors.ts'
import { readySodium } from '../sodium.ts'

/** An X25519 key pair, 32 bytes each. Wipe `secretKey` (`fill(0)`) when it is no longer needed. */
export interface KeyPair {
  publicKey: Uint8Array
  secretKey: Uint8Array
}

/** A fresh random key pair. */
export async function generateKeyPair(): Promise<KeyPair> {
  const sodium = await readySodium()
  const { publicKey, privateKey } = sodium.crypto_kx_keypair()
  return { publicKey, secretKey: privateKey }
}

/**
 * The key pair of a secret key, which is copied: wiping the argument leaves the pair usable.
 *
 * @throws {@link AppError} INVALID_KEY unless it has 32 bytes
 */
export async function keyPairFromSecret(secretKey: Uint8Array): Promise<KeyPair> {
  const sodium = await readySodium()
  if (secretKey.length !== sodium.crypto_kx_SECRETKEYBYTES) {
    throw new AppError(
      'INVALID_KEY',
      `a secret key has ${sodium.crypto_kx_SECRETKEYBYTES} bytes, this one has ${secretKey.length}`,
    )
  }
  return { publicKey: sodium.crypto_scalarmult_base(secretKey), secretKey: Uint8Array.from(secretKey) }
}

/**
 * The X25519 key pair of an Ed25519 seed of 32 bytes, as OpenSSH and OpenSSL keep it (RFC 8032 §5.1.5).
 *
 * @throws {@link AppError} INVALID_KEY for another size
 */
export async function keyPairFromEd25519Seed(
  seed: Uint8Array,
): Promise<{ keyPair: KeyPair; ed25519PublicKey: Uint8Array }> {
  const sodium = await readySodium()
  if (seed.length !== sodium.crypto_sign_SEEDBYTES) {
    throw new AppError('INVALID_KEY', `an ed25519 secret key has ${sodium.crypto_sign_SEEDBYTES} bytes`)
  }
  const { publicKey, privateKey } = sodium.crypto_sign_seed_keypair(seed)
  const secretKey = sodium.crypto_sign_ed25519_sk_to_curve25519(privateKey)
  sodium.memzero(privateKey)
  const keyPair = { publicKey: sodium.crypto_scalarmult_base(secretKey), secretKey }
  return { keyPair, ed25519PublicKey: publicKey }
}
