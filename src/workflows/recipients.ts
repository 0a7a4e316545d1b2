import { fingerprint } from '../crypto/keys/fingerprint.ts'
import { parsePublicKeys, type PublicKeyFile } from '../crypto/keys/public-key-file.ts'
import { AppError } from '../util/errors.ts'
import { readSmallFile } from '../util/small-file.ts'
import { namedKeys } from './named-recipients.ts'

/** Bytes of a file of recipients: several thousand keys. */
const RECIPIENTS_FILE_LIMIT = 1024 ** 2

/** Someone who will be able to open what is sealed. */
export interface Recipient {
  /** As the person gave it: a file, `@name`, or the object key of a bucket key. */
  name: string
  publicKey: Uint8Array
  fingerprint: string
}

/** A recipient as results tell of it. */
export type RecipientName = Pick<Recipient, 'name' | 'fingerprint'>

/** What results tell of recipients. */
export function namesOf(recipients: readonly Recipient[]): RecipientName[] {
  return recipients.map(({ name, fingerprint }) => ({ name, fingerprint }))
}

/**
 * Gives them back when there is one.
 *
 * @throws AppError USAGE when there is none
 */
export function requireRecipients(recipients: readonly Recipient[]): readonly Recipient[] {
  if (recipients.length > 0) return recipients
  throw new AppError('USAGE', 'nobody was named who could open the data', {
    hints: ['name the recipients with --to FILE or --to @csc-sd'],
  })
}

/**
 * Reads the recipients a person named: key files (one key or several) and names such as `@csc-sd`.
 * The same key given twice counts once. One that can't be read is an error: nobody is left out silently.
 *
 * @param folder - the user's own named recipients, which count before the built-in ones
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, INVALID_KEY
 */
export async function loadRecipients(
  names: readonly string[],
  folder: string | undefined,
): Promise<Recipient[]> {
  const recipients: Recipient[] = []
  for (const name of names) {
    const { keys } = name.startsWith('@') ? await namedKeys(name, folder) : await keysInFile(name)
    for (const { publicKey } of keys) {
      recipients.push({ name, publicKey, fingerprint: fingerprint(publicKey) })
    }
  }
  return withoutRepeats(recipients)
}

/**
 * Reads the public keys of which one must have sealed something; undefined when none was named.
 *
 * @throws AppError as loadRecipients
 */
export async function loadSenders(
  names: readonly string[] | undefined,
  folder: string | undefined,
): Promise<Uint8Array[] | undefined> {
  if (names === undefined || names.length === 0) return undefined
  return (await loadRecipients(names, folder)).map(({ publicKey }) => publicKey)
}

/** Keeps the first of several recipients with the same key. */
export function withoutRepeats(recipients: readonly Recipient[]): Recipient[] {
  const byFingerprint = new Map<string, Recipient>()
  for (const recipient of recipients) {
    if (!byFingerprint.has(recipient.fingerprint)) byFingerprint.set(recipient.fingerprint, recipient)
  }
  return [...byFingerprint.values()]
}

async function keysInFile(path: string): Promise<{ keys: PublicKeyFile[] }> {
  const content = await readSmallFile(path, 'read the recipient', RECIPIENTS_FILE_LIMIT)
  return { keys: await parsePublicKeys(content, path) }
}
