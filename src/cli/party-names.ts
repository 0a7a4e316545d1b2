import { recipientsFolder } from './settings.ts'

/** Flags of commands that write a new header for an old file. */
interface PartyFlags {
  to?: string[] | undefined
  identity?: string[] | undefined
  'sender-key'?: string | undefined
}

/** Whose keys a new header takes, as the workflows want to be told. */
export function partyNames(
  flags: PartyFlags,
  passphrase: (file: string) => Promise<string>,
): {
  recipients: string[]
  recipientsFolder: string
  identities: string[]
  senderKey: string | undefined
  passphrase: (file: string) => Promise<string>
} {
  return {
    recipients: flags.to ?? [],
    recipientsFolder: recipientsFolder(),
    identities: flags.identity ?? [],
    senderKey: flags['sender-key'],
    passphrase,
  }
}
