import { AppError } from '../../util/errors.ts'
import { KEY_SIZE } from '../crypt4gh/format.ts'
import { ByteReader } from './byte-reader.ts'

/**
 * The Ed25519 public key of OpenSSH's encoding: type and key, each a string (RFC 8709 §4).
 *
 * @throws {@link AppError} INVALID_KEY for another type
 */
export function parseOpensshPublicKey(bytes: Uint8Array): Uint8Array {
  const reader = new ByteReader(bytes, 4)
  const keyType = reader.text('key type')
  if (keyType !== 'ssh-ed25519') {
    throw new AppError('INVALID_KEY', 'it is an ssh key of another type, only ed25519 can be used', {
      hints: ['make one with ssh-keygen -t ed25519, or a Crypt4GH key'],
    })
  }
  const publicKey = reader.string('public key')
  if (publicKey.length !== KEY_SIZE || reader.remaining > 0) {
    throw new AppError('INVALID_KEY', 'its ed25519 public key is damaged')
  }
  return publicKey
}
