import { fingerprint } from '../crypto/keys/fingerprint.ts'
import { NAMED_RECIPIENTS } from '../crypto/keys/named-recipients.ts'
import { parsePublicKeys } from '../crypto/keys/public-key-file.ts'
import { AppError } from '../util/errors.ts'
import { readSmallFile } from '../util/small-file.ts'

/** Someone who will be able to open what is sealed. */
export interface Recipient {
  /** As the person gave it: a file, `@name`, or the object key of a bucket key. */
  name: string
  publicKey: Uint8Array
  fingerprint: string
}

/**
 * Reads the recipients a person named: key files (one key or several) and built-in names such as `@csc-sd`.
 * The same key given twice counts once. One that can't be read is an error: nobody is left out silently.
 *
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, INVALID_KEY
 */
export async function loadRecipients(names: readonly string[]): Promise<Recipient[]> {
  const recipients: Recipient[] = []
  for (const name of names) {
    for (const publicKey of name.startsWith('@') ? [namedKey(name)] : await keysInFile(name)) {
      recipients.push({ name, publicKey, fingerprint: fingerprint(publicKey) })
    }
  }
  return withoutRepeats(recipients)
}

/** Keeps the first of several recipients with the same key. */
export function withoutRepeats(recipients: readonly Recipient[]): Recipient[] {
  const byFingerprint = new Map<string, Recipient>()
  for (const recipient of recipients) {
    if (!byFingerprint.has(recipient.fingerprint)) byFingerprint.set(recipient.fingerprint, recipient)
  }
  return [...byFingerprint.values()]
}

function namedKey(name: string): Uint8Array {
  const named = NAMED_RECIPIENTS.get(name)
  if (named) return named.publicKey
  throw new AppError('INVALID_KEY', `no recipient is built in under the name ${name}`, {
    hints: [`built in: ${[...NAMED_RECIPIENTS.keys()].join(', ')}`],
  })
}

async function keysInFile(path: string): Promise<Uint8Array[]> {
  const content = await readSmallFile(path, 'read the recipient')
  const keys = await parsePublicKeys(content, path)
  return keys.map(({ publicKey }) => publicKey)
}
