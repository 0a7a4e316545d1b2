import { findJournal, listJournals, type FoundJournal } from '../transfer/journal/list-journals.ts'
import { AppError } from '../util/errors.ts'

/** A command line that goes on with a transfer when it is run again. */
export interface RecordedCommand {
  /** Of the transfer. */
  id: string
  name: 'upload' | 'download'
  /** The words after the name. */
  words: string[]
  /** The folder to run it in. */
  folder: string
}

/**
 * The recorded commands of transfers: the ones named, or all that no process is at.
 *
 * @param ids - or their beginnings; all transfers when absent
 * @throws AppError TRANSFER_NOT_FOUND, USAGE for an id with several meanings, INVALID_JOURNAL, UNSUPPORTED for a
 * transfer that no command was recorded of
 */
export async function recordedCommands(
  stateFolder: string,
  ids: readonly string[] | undefined,
): Promise<RecordedCommand[]> {
  if (ids !== undefined) {
    const found = await Promise.all(ids.map((id) => findJournal(stateFolder, id)))
    return found.map(recordedCommand)
  }
  const journals = await listJournals(stateFolder)
  return journals.filter(({ holder }) => holder === undefined).map(recordedCommand)
}

/** Whatever the journal says, only transfers of the direction it is about are run. */
function recordedCommand({ id, state, damage }: FoundJournal): RecordedCommand {
  if (state === undefined) {
    throw damage ?? new AppError('INVALID_JOURNAL', `the journal of transfer ${id} can't be read`)
  }
  const { command, direction, folder } = state.transfer
  const [name, ...words] = command
  if (name === direction) return { id, name: direction, words, folder }
  throw new AppError('UNSUPPORTED', `no command is recorded that could go on with transfer ${id}`, {
    hints: ['run the command that began it again: it goes on by itself'],
  })
}
