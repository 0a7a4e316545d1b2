/**
 * Keys from passphrases, for key files. Round counts stand in the file, so they are checked first:
 * a hostile file could otherwise keep us busy for days.
 */
import bcrypt from 'bcrypt-pbkdf'
import { AppError } from '../../util/errors.ts'
import { pbkdf2, scrypt } from '../primitives.ts'

/** Highest round counts we work through: one to two minutes of bcrypt, some seconds of PBKDF2. */
const KDF_LIMITS = { bcryptRounds: 10_000, pbkdf2Rounds: 10_000_000 } as const

/** Cost of the scrypt of Crypt4GH key files; fixed, whatever rounds the file claims. 16 MiB of memory. */
const SCRYPT = { N: 16_384, r: 8, p: 1 } as const

/** The key-derivation functions of Crypt4GH key files, by their names there. */
export type KeyDerivation = 'scrypt' | 'bcrypt' | 'pbkdf2_hmac_sha256'

export function isKeyDerivation(name: string): name is KeyDerivation {
  return name === 'scrypt' || name === 'bcrypt' || name === 'pbkdf2_hmac_sha256'
}

/**
 * Derives `length` bytes from a passphrase (its UTF-8 bytes). Wipe them when done.
 *
 * @throws {@link AppError} INVALID_KEY for rounds beyond what we do or no salt; WRONG_PASSPHRASE for an
 * empty passphrase
 */
export async function deriveKey(
  kdf: KeyDerivation,
  passphrase: string,
  salt: Uint8Array,
  rounds: number,
  length: number,
): Promise<Uint8Array> {
  const secret = new TextEncoder().encode(passphrase)
  if (secret.length === 0) throw new AppError('WRONG_PASSPHRASE', 'the passphrase is empty')
  if (salt.length === 0) throw new AppError('INVALID_KEY', 'it has no salt')
  try {
    switch (kdf) {
      case 'scrypt':
        return await scrypt(secret, salt, length, SCRYPT)
      case 'bcrypt':
        return bcryptKey(secret, salt, checkedRounds(rounds, KDF_LIMITS.bcryptRounds), length)
      case 'pbkdf2_hmac_sha256':
        return await pbkdf2(secret, salt, checkedRounds(rounds, KDF_LIMITS.pbkdf2Rounds), length)
    }
  } finally {
    secret.fill(0)
  }
}

function bcryptKey(secret: Uint8Array, salt: Uint8Array, rounds: number, length: number): Uint8Array {
  const key = new Uint8Array(length)
  if (bcrypt.pbkdf(secret, secret.length, salt, salt.length, key, length, rounds) !== 0) {
    throw new AppError('INVALID_KEY', 'its bcrypt salt or rounds are impossible')
  }
  return key
}

function checkedRounds(rounds: number, limit: number): number {
  if (rounds < 1 || rounds > limit) {
    throw new AppError(
      'INVALID_KEY',
      `it asks for ${rounds} rounds of key derivation, 1 to ${limit} are done`,
    )
  }
  return rounds
}
