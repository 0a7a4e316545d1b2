import type { KeyPair } from '../crypto/keys/key-pair.ts'
import { loadIdentities, loadSender } from './identities.ts'
import { loadRecipients, type Recipient } from './recipients.ts'

/** Whose keys a new header for an old file takes, as they are named. */
export interface PartyNames {
  /** Public key files and names of recipients; none where the workflow has another idea of who shall read. */
  recipients: readonly string[]
  recipientsFolder: string
  /** Secret key files that open the old header. */
  identities: readonly string[]
  /** The secret key file to seal with. */
  senderKey: string | undefined
  /** Asked for a file only when that file is encrypted. */
  passphrase: (path: string) => Promise<string>
}

export interface Parties {
  recipients: Recipient[]
  identities: KeyPair[]
  sender: KeyPair | undefined
}

/**
 * Reads the keys; what needs no passphrase first.
 *
 * @throws AppError as loadRecipients, loadIdentities and loadSender
 */
export async function loadParties(names: PartyNames): Promise<Parties> {
  const recipients = await loadRecipients(names.recipients, names.recipientsFolder)
  const identities = await loadIdentities(names.identities, names.passphrase)
  return { recipients, identities, sender: await loadSender(names.senderKey, names.passphrase) }
}
