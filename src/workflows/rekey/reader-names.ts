import { AppError } from '../../util/errors.ts'
import { loadIdentities, loadSender } from '../identities.ts'
import { loadRecipients, namesOf, type Recipient } from '../recipients.ts'
import type { ReaderChange } from './reader-change.ts'
import type { ReaderNames } from './rekey-request.ts'

/** Whose keys objects get and lose, as they are named. */
export interface ReaderChangeNames {
  /** Public key files and names of recipients. */
  added: readonly string[]
  removed: readonly string[]
  /** Everybody who shall read the objects; instead of `added` and `removed`. */
  exactly?: readonly string[] | undefined
  recipientsFolder: string
  /** Secret key files that open the old headers. */
  identities: readonly string[]
  /** The secret key file to seal with. */
  senderKey: string | undefined
  /** Asked for a file only when that file is encrypted. */
  passphrase: (path: string) => Promise<string>
  dropOthers: boolean
}

/**
 * Reads the keys; what needs no passphrase first.
 *
 * @throws AppError USAGE for a key that is both added and removed, or no identity; as loadRecipients, loadIdentities and
 * loadSender
 */
export async function loadReaderChange(
  named: ReaderChangeNames,
): Promise<{ change: ReaderChange; names: ReaderNames }> {
  const { recipientsFolder, passphrase, dropOthers } = named
  const added = await loadRecipients(named.added, recipientsFolder)
  const removed = await loadRecipients(named.removed, recipientsFolder)
  const exactly =
    named.exactly === undefined ? undefined : await loadRecipients(named.exactly, recipientsFolder)
  refuseBoth(added, removed)
  const identities = await loadIdentities(named.identities, passphrase)
  const sender = await loadSender(named.senderKey, passphrase)
  return {
    change: {
      identities,
      added: added.map(({ publicKey }) => publicKey),
      removed: removed.map(({ publicKey }) => publicKey),
      exactly: exactly?.map(({ publicKey }) => publicKey),
      dropOthers,
      sender,
    },
    names: {
      added: namesOf(added),
      removed: namesOf(removed),
      exactly: exactly && namesOf(exactly),
    },
  }
}

function refuseBoth(added: readonly Recipient[], removed: readonly Recipient[]): void {
  const prints = new Set(removed.map(({ fingerprint }) => fingerprint))
  const both = added.find(({ fingerprint }) => prints.has(fingerprint))
  if (both === undefined) return
  throw new AppError('USAGE', `${both.name} is both to be added and to be removed`)
}
