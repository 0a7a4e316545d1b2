import { AppError } from '../../util/errors.ts'
import type { JournalEntry, TransferBegun } from './journal-entry.ts'
import type { JournalState } from './journal-state.ts'

/** The journal of one transfer, held by this process alone while it is open. */
export interface TransferJournal {
  readonly id: string
  /** What earlier runs of the same transfer left; not changed by what is appended now. */
  readonly earlier: JournalState
  /** Resolves when the entry is on disk; entries appended in the meantime share one sync. */
  append(entry: Exclude<JournalEntry, TransferBegun>): Promise<void>
  /** Waits for what was appended, gives up the lock; the file stays when there is something to go on with. */
  close(): Promise<void>
  /** Removes the journal: nothing is left to go on with. */
  remove(): Promise<void>
}

/** False when there is no journal, or it can't be written any more (whoever opened it remembers why). */
export async function writtenDown(
  journal: TransferJournal | undefined,
  entry: Parameters<TransferJournal['append']>[0],
): Promise<boolean> {
  if (journal === undefined) return false
  try {
    await journal.append(entry)
    return true
  } catch (error) {
    if (error instanceof AppError) return false
    throw error
  }
}
