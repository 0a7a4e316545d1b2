import { fingerprint } from '../crypto/keys/fingerprint.ts'
import { fingerprintWords } from '../crypto/keys/fingerprint-words.ts'
import type { KeyKind } from '../crypto/keys/key-kind.ts'
import { parsePublicKeys } from '../crypto/keys/public-key-file.ts'
import { parseSecretKey } from '../crypto/keys/secret-key-file.ts'
import { readSmallFile } from '../util/small-file.ts'
import { namedKeys } from './named-recipients.ts'

export interface ShownKey {
  /** The file, or the well-known name, as it was given. */
  file: string
  type: 'public' | 'secret'
  kind: KeyKind
  fingerprint: string
  /** The first 80 bits of the fingerprint as words. */
  words: string
  comment?: string | undefined
  /** Of secret keys: whether a passphrase protects it. */
  encrypted?: boolean | undefined
}

/**
 * What key files hold: public ones (one key or several each), secret ones, and well-known names such as `@csc-sd`.
 *
 * @param passphrase - asked for each secret key file that needs it
 * @param folder - the user's own named recipients
 *
 * Throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, INVALID_KEY, WRONG_PASSPHRASE.
 */
export async function showKeys(
  files: readonly string[],
  passphrase: (file: string) => Promise<string>,
  folder?: string,
): Promise<ShownKey[]> {
  const shown: ShownKey[] = []
  for (const file of files) {
    if (file.startsWith('@')) shown.push(...(await namedRecipient(file, folder)))
    else shown.push(...(await keysInFile(file, passphrase)))
  }
  return shown
}

async function namedRecipient(name: string, folder: string | undefined): Promise<ShownKey[]> {
  const { keys, origin } = await namedKeys(name, folder)
  return keys.map(({ publicKey, kind }) => ({
    file: name,
    type: 'public',
    kind,
    ...shownPublicKey(publicKey),
    comment: origin,
  }))
}

async function keysInFile(file: string, passphrase: (file: string) => Promise<string>): Promise<ShownKey[]> {
  const content = await readSmallFile(file, 'read the key')
  if (looksSecret(content)) {
    const { keyPair, kind, comment, encrypted } = await parseSecretKey(content, file, () => passphrase(file))
    keyPair.secretKey.fill(0)
    return [{ file, type: 'secret', kind, ...shownPublicKey(keyPair.publicKey), comment, encrypted }]
  }
  const keys = await parsePublicKeys(content, file)
  return keys.map(({ publicKey, kind, comment }) => ({
    file,
    type: 'public',
    kind,
    ...shownPublicKey(publicKey),
    comment,
  }))
}

function shownPublicKey(publicKey: Uint8Array): Pick<ShownKey, 'fingerprint' | 'words'> {
  const print = fingerprint(publicKey)
  return { fingerprint: print, words: fingerprintWords(print) }
}

/** The label of PEM-like secret keys: Crypt4GH, OpenSSH and PKCS#8 all end theirs in PRIVATE KEY (RFC 7468 §10). */
function looksSecret(content: Uint8Array): boolean {
  return /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(Buffer.from(content).toString('latin1'))
}
