/**
 * OpenSSH's `openssh-key-v1` container (PROTOCOL.key of OpenSSH) with an ed25519 key, whose X25519 twin we
 * use. Strings are u32 big-endian length and bytes:
 *
 *   "openssh-key-v1" NUL  cipher  kdf  kdf options  u32 number of keys  public key  private section  [tag]
 *   private section: u32 check, u32 the same check, type, public key, seed ‖ public key, comment, padding 1 2 3 …
 */
import { sameBytes } from '../../util/bytes.ts'
import { AppError } from '../../util/errors.ts'
import { ByteReader } from './byte-reader.ts'
import { deriveKey } from './key-derivation.ts'
import type { SecretKeyFile } from './key-kind.ts'
import { keyPairFromEd25519Seed } from './key-pair.ts'
import { decryptSection, opensshCipher } from './openssh-cipher.ts'
import { parseOpensshPublicKey } from './openssh-public-key.ts'

const MAGIC = new TextEncoder().encode('openssh-key-v1\0')
const SEED_SIZE = 32

export function isOpensshContainer(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, index) => bytes[index] === byte)
}

/** Opens a container; asks for the passphrase only when there is one. Throws INVALID_KEY, WRONG_PASSPHRASE. */
export async function openOpensshContainer(
  bytes: Uint8Array,
  passphrase: () => Promise<string>,
): Promise<SecretKeyFile> {
  const reader = new ByteReader(bytes.subarray(MAGIC.length), 4)
  const cipherName = reader.text('cipher name')
  const kdf = reader.text('key derivation name')
  const options = new ByteReader(reader.string('key derivation options'), 4)
  if (reader.uint32('number of keys') !== 1) throw new AppError('INVALID_KEY', 'it holds several keys')
  // Before the passphrase: an rsa key needs none to be refused.
  const publicKey = parseOpensshPublicKey(reader.string('public key'))
  const stored = reader.string('private section')
  const tag = reader.take(reader.remaining, 'tag')
  if (kdf === 'none' && cipherName === 'none') {
    return { ...(await parseSection(stored, publicKey, false)), encrypted: false }
  }
  if (kdf !== 'bcrypt')
    throw new AppError('INVALID_KEY', 'its key derivation is unknown, only bcrypt is known')
  const cipher = opensshCipher(cipherName)
  const salt = options.string('salt')
  const rounds = options.uint32('round count')
  const derived = await deriveKey('bcrypt', await passphrase(), salt, rounds, cipher.keySize + cipher.ivSize)
  const section = await decryptSection(cipher, derived, stored, tag)
  derived.fill(0)
  if (section === undefined) throw wrongPassphrase()
  try {
    return { ...(await parseSection(section, publicKey, true)), encrypted: true }
  } finally {
    section.fill(0)
  }
}

async function parseSection(
  section: Uint8Array,
  publicKey: Uint8Array,
  encrypted: boolean,
): Promise<Omit<SecretKeyFile, 'encrypted'>> {
  const reader = new ByteReader(section, 4)
  if (reader.uint32('check') !== reader.uint32('check')) {
    throw encrypted ? wrongPassphrase() : new AppError('INVALID_KEY', 'its check numbers differ')
  }
  if (reader.text('key type') !== 'ssh-ed25519') throw new AppError('INVALID_KEY', 'its two halves differ')
  reader.string('public key')
  const secret = reader.string('secret key')
  const comment = reader.text('comment')
  const { keyPair, ed25519PublicKey } = await keyPairFromEd25519Seed(secret.subarray(0, SEED_SIZE))
  if (!sameBytes(ed25519PublicKey, publicKey)) {
    throw new AppError('INVALID_KEY', 'its secret key does not belong to its public key')
  }
  return { keyPair, kind: 'openssh-ed25519', ...(comment === '' ? {} : { comment }) }
}

function wrongPassphrase(): AppError {
  return new AppError('WRONG_PASSPHRASE', 'the passphrase does not open the key')
}
