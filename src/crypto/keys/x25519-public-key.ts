/** Checks public keys and turns Ed25519 keys into their X25519 twins (RFC 7748 §4.1). */
import { AppError } from '../../util/errors.ts'
import { KEY_SIZE } from '../crypt4gh/format.ts'
import { readySodium } from '../sodium.ts'

/**
 * Gives the key back when something encrypted for it is secret.
 *
 * @throws {@link AppError} INVALID_KEY unless it has 32 bytes and isn't of low order
 */
export async function checkedPublicKey(publicKey: Uint8Array): Promise<Uint8Array> {
  const sodium = await readySodium()
  if (publicKey.length !== KEY_SIZE) {
    throw new AppError('INVALID_KEY', `a public key has ${KEY_SIZE} bytes, this one has ${publicKey.length}`)
  }
  try {
    sodium.crypto_scalarmult(sodium.randombytes_buf(KEY_SIZE), publicKey)
  } catch (cause) {
    throw new AppError('INVALID_KEY', 'it is a weak key of low order, which protects nothing', { cause })
  }
  return publicKey
}

/**
 * The X25519 twin of an Ed25519 public key.
 *
 * @throws {@link AppError} INVALID_KEY for a point off the curve or of low order
 */
export async function publicKeyFromEd25519(ed25519PublicKey: Uint8Array): Promise<Uint8Array> {
  const sodium = await readySodium()
  if (ed25519PublicKey.length !== KEY_SIZE) {
    throw new AppError('INVALID_KEY', `an ed25519 public key has ${KEY_SIZE} bytes`)
  }
  try {
    return sodium.crypto_sign_ed25519_pk_to_curve25519(ed25519PublicKey)
  } catch (cause) {
    throw new AppError('INVALID_KEY', 'its ed25519 public key is no usable point of the curve', { cause })
  }
}
