/** Key files as the reference tools take them from flags and the environment. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { KeyPair } from '../crypto/keys/key-pair.ts'
import { parsePublicKeys } from '../crypto/keys/public-key-file.ts'
import { parseSecretKey } from '../crypto/keys/secret-key-file.ts'
import type { SecretKeyFile } from '../crypto/keys/secret-key-file.ts'
import { AppError } from '../util/errors.ts'
import { readSmallFile } from '../util/small-file.ts'
import { secretAtTerminal } from './terminal.ts'

/** The environment variables of the reference tools; an empty one counts as absent. */
export function setting(name: 'C4GH_SECRET_KEY' | 'C4GH_PUBLIC_KEY' | 'C4GH_PASSPHRASE'): string | undefined {
  const value = process.env[name]
  return value === '' ? undefined : value
}

/** `~` is the home folder here as well: in `--sk=~/key` no shell has replaced it. */
export function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path
}

/** Reads a secret key file of any kind. Throws as {@link parseSecretKey}, and FILE_NOT_FOUND, FILE_UNREADABLE. */
export async function readSecretKeyFile(
  path: string,
  passphrase: () => Promise<string> = () => passphraseFor(path),
): Promise<SecretKeyFile> {
  const content = await readSmallFile(expandHome(path), 'read the secret key')
  try {
    return await parseSecretKey(content, path, passphrase)
  } finally {
    content.fill(0)
  }
}

/** The key pair of `--sk`, else of C4GH_SECRET_KEY; undefined when there is neither. */
export async function readIdentity(sk: string | undefined): Promise<KeyPair | undefined> {
  const path = sk ?? setting('C4GH_SECRET_KEY')
  return path === undefined ? undefined : (await readSecretKeyFile(path)).keyPair
}

/** {@link readIdentity}, for what can't be done without. Throws USAGE. */
export async function requireIdentity(sk: string | undefined): Promise<KeyPair> {
  const identity = await readIdentity(sk)
  if (identity !== undefined) return identity
  throw new AppError('USAGE', 'no secret key given', {
    hints: ['give --sk PATH, or set C4GH_SECRET_KEY to its path'],
  })
}

/**
 * The public keys of all the files, in order. A file that is missing fails the run: going on would leave someone out.
 *
 * @throws {@link AppError} USAGE for no file at all, FILE_NOT_FOUND, FILE_UNREADABLE, INVALID_KEY
 */
export async function readRecipients(paths: readonly string[]): Promise<Uint8Array[]> {
  if (paths.length === 0)
    throw new AppError('USAGE', 'no recipient given', { hints: ['give --recipient_pk PATH'] })
  const recipients: Uint8Array[] = []
  for (const path of paths) recipients.push(...(await readPublicKeyFile(path)))
  return recipients
}

/** The public keys of one file, at least one. Throws as {@link readRecipients}. */
export async function readPublicKeyFile(path: string): Promise<Uint8Array[]> {
  const content = await readSmallFile(expandHome(path), 'read the public key')
  return (await parsePublicKeys(content, path)).map(({ publicKey }) => publicKey)
}

/** stdin carries the file, so only the terminal can be asked. */
async function passphraseFor(path: string): Promise<string> {
  const passphrase = setting('C4GH_PASSPHRASE') ?? (await secretAtTerminal(`Passphrase for ${path}: `))
  if (passphrase !== undefined) return passphrase
  throw new AppError('PASSPHRASE_NEEDED', `no passphrase for ${path}, and no terminal to ask for it`, {
    hints: ['set C4GH_PASSPHRASE'],
  })
}
