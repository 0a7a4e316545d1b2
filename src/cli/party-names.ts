import { recipientsFolder } from './settings.ts'

/** Flags of commands that write a new header for an old file. */
interface PartyFlags {
  to?: string[] | undefined
  identity?: string[] | undefined
  'sender-key'?: string | undefined
}

/** Where the keys are, as the workflows want to be told. */
interface KeyNames {
  recipientsFolder: string
  identities: string[]
  senderKey: string | undefined
  passphrase: (file: string) => Promise<string>
}

/** Whose keys a new header takes. */
export function partyNames(
  flags: PartyFlags,
  passphrase: (file: string) => Promise<string>,
): KeyNames & { recipients: string[] } {
  return { recipients: flags.to ?? [], ...keyNames(flags, passphrase) }
}

/** Whose keys objects get and lose. */
export function readerChangeNames(
  flags: PartyFlags & { add?: string[] | undefined; remove?: string[] | undefined; 'drop-others': boolean },
  passphrase: (file: string) => Promise<string>,
): KeyNames & { added: string[]; removed: string[]; exactly: string[] | undefined; dropOthers: boolean } {
  return {
    added: flags.add ?? [],
    removed: flags.remove ?? [],
    exactly: flags.to,
    dropOthers: flags['drop-others'],
    ...keyNames(flags, passphrase),
  }
}

function keyNames(flags: PartyFlags, passphrase: (file: string) => Promise<string>): KeyNames {
  return {
    recipientsFolder: recipientsFolder(),
    identities: flags.identity ?? [],
    senderKey: flags['sender-key'],
    passphrase,
  }
}
