import type { KeyPair } from '../crypto/keys/key-pair.ts'
import { parseSecretKey } from '../crypto/keys/secret-key-file.ts'
import { AppError } from '../util/errors.ts'
import { readSmallFile } from '../util/small-file.ts'

/**
 * Reads the secret keys that may open what is downloaded.
 *
 * @param passphrase - asked for a file only when that file is encrypted
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, INVALID_KEY, WRONG_PASSPHRASE
 */
export async function loadIdentities(
  paths: readonly string[],
  passphrase: (path: string) => Promise<string>,
): Promise<KeyPair[]> {
  if (paths.length === 0) {
    throw new AppError('USAGE', 'no identity was given to open the data with', {
      hints: ['name your secret key with --identity FILE'],
    })
  }
  const identities: KeyPair[] = []
  for (const path of paths) {
    const content = await readSmallFile(path, 'read the identity')
    const { keyPair } = await parseSecretKey(content, path, () => passphrase(path))
    identities.push(keyPair)
  }
  return identities
}

/**
 * Reads the secret key that shall seal something; nothing when none was named.
 *
 * @throws AppError as loadIdentities
 */
export async function loadSender(
  path: string | undefined,
  passphrase: (path: string) => Promise<string>,
): Promise<KeyPair | undefined> {
  if (path === undefined) return undefined
  const [sender] = await loadIdentities([path], passphrase)
  return sender
}
