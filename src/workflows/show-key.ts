import { fingerprint } from '../crypto/keys/fingerprint.ts'
import type { KeyKind } from '../crypto/keys/key-kind.ts'
import { NAMED_RECIPIENTS } from '../crypto/keys/named-recipients.ts'
import { parsePublicKeys } from '../crypto/keys/public-key-file.ts'
import { parseSecretKey } from '../crypto/keys/secret-key-file.ts'
import { AppError } from '../util/errors.ts'
import { readSmallFile } from '../util/small-file.ts'

export interface ShownKey {
  /** The file, or the well-known name, as it was given. */
  file: string
  type: 'public' | 'secret'
  kind: KeyKind
  fingerprint: string
  comment?: string | undefined
  /** Of secret keys: whether a passphrase protects it. */
  encrypted?: boolean | undefined
}

/**
 * What key files hold: public ones (one key or several each), secret ones, and well-known names such as `@csc-sd`.
 *
 * @param passphrase - asked for each secret key file that needs it
 *
 * Throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, INVALID_KEY, WRONG_PASSPHRASE.
 */
export async function showKeys(
  files: readonly string[],
  passphrase: (file: string) => Promise<string>,
): Promise<ShownKey[]> {
  const shown: ShownKey[] = []
  for (const file of files) {
    if (file.startsWith('@')) shown.push(namedKey(file))
    else shown.push(...(await keysInFile(file, passphrase)))
  }
  return shown
}

function namedKey(name: string): ShownKey {
  const named = NAMED_RECIPIENTS.get(name)
  if (named === undefined) {
    throw new AppError('INVALID_KEY', `no key is known as ${name}`, {
      hints: [`known are: ${[...NAMED_RECIPIENTS.keys()].join(', ')}`],
    })
  }
  return {
    file: name,
    type: 'public',
    kind: 'crypt4gh',
    fingerprint: fingerprint(named.publicKey),
    comment: named.description,
  }
}

async function keysInFile(file: string, passphrase: (file: string) => Promise<string>): Promise<ShownKey[]> {
  const content = await readSmallFile(file, 'read the key')
  if (looksSecret(content)) {
    const { keyPair, kind, comment, encrypted } = await parseSecretKey(content, file, () => passphrase(file))
    keyPair.secretKey.fill(0)
    return [{ file, type: 'secret', kind, fingerprint: fingerprint(keyPair.publicKey), comment, encrypted }]
  }
  const keys = await parsePublicKeys(content, file)
  return keys.map(({ publicKey, kind, comment }) => ({
    file,
    type: 'public',
    kind,
    fingerprint: fingerprint(publicKey),
    comment,
  }))
}

/** The label of PEM-like secret keys: Crypt4GH, OpenSSH and PKCS#8 all end theirs in PRIVATE KEY (RFC 7468 §10). */
function looksSecret(content: Uint8Array): boolean {
  return /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(Buffer.from(content).toString('latin1'))
}
