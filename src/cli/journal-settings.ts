import { transfersFolder } from './settings.ts'

/** What transfers write their journals with. */
export interface JournalSettings {
  endpoint: string
  stateFolder: string
  command: readonly string[]
  folder: string
}

/**
 * Where the journal of this command goes, and how the command is given again.
 *
 * @param endpoint - the server that the command talks to
 * @param command - the words of the command line after `sealift`
 */
export function journalSettings(endpoint: string, command: readonly string[]): JournalSettings {
  return { endpoint, stateFolder: transfersFolder(), command: withoutSecrets(command), folder: process.cwd() }
}

/** Flags whose value may be a secret somebody wrote out; who resumes is asked for the passphrase instead. */
const NOT_WRITTEN_DOWN = '--passphrase-command'

/** The words of a command line that may be written to disk. */
export function withoutSecrets(words: readonly string[]): string[] {
  return words.filter(
    (word, index) =>
      word !== NOT_WRITTEN_DOWN &&
      !word.startsWith(`${NOT_WRITTEN_DOWN}=`) &&
      words[index - 1] !== NOT_WRITTEN_DOWN,
  )
}
