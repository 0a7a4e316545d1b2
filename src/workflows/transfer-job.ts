import { resolve } from 'node:path'
import type { JournalEntry, TransferBegun } from '../transfer/journal/journal-entry.ts'
import { removeLeftLocks } from '../transfer/journal/left-locks.ts'
import { openJournal, type OpenJournalOptions } from '../transfer/journal/open-journal.ts'
import type { TransferJournal } from '../transfer/journal/transfer-journal.ts'
import { transferId, type TransferRequest } from '../transfer/journal/transfer-id.ts'
import { AppError, hasCode } from '../util/errors.ts'

/** Where and how a transfer writes down how far it came, so that the same command goes on with it. */
export interface JournalSettings {
  /** The server, by which an interrupted transfer is found again. */
  endpoint: string
  /** Folder of the journals. */
  stateFolder: string
  /** Words of the command line after `sealift`, and the folder it runs in: what `transfer resume` runs again. */
  command: readonly string[]
  folder: string
}

/** The journal of one command's run; it knows whether there is anything to go on with. */
export interface TransferJob {
  journal: TransferJournal
  /** Gives the journal up: removed when everything is done, kept otherwise. */
  end(everythingDone: boolean): Promise<void>
  /** Why not everything could be written down, when that is so: an interrupted run would have begun again with that. */
  readonly incomplete: string | undefined
  /** The failure of a run, with what a person can do about it when something was saved. */
  explain(failure: unknown, interrupted: boolean, howFar: string): unknown
}

/**
 * Opens the journal of a transfer, whose name is what is asked for (transfer-id.ts).
 *
 * @param request - its paths count from the folder of the settings
 * @throws AppError as openJournal
 */
export async function openTransfer(
  request: Omit<TransferRequest, 'endpoint'>,
  settings: JournalSettings,
  options?: OpenJournalOptions,
): Promise<TransferJournal> {
  const { endpoint, stateFolder, command, folder } = settings
  const { direction, bucket, objectKey, readers } = request
  const paths = request.paths.map((path) => resolve(folder, path))
  const identity = { direction, endpoint, bucket, objectKey, paths }
  const transfer: TransferBegun = {
    type: 'transfer',
    version: 1,
    id: transferId({ ...identity, readers }),
    ...identity,
    command,
    folder,
    startedAt: new Date().toISOString(),
  }
  return openJournal(stateFolder, transfer, options)
}

/**
 * Opens the journal of an upload.
 *
 * @throws AppError TRANSFER_RUNNING, INVALID_JOURNAL, FILE_UNREADABLE, DISK_FULL
 */
export async function startJob(
  request: Omit<TransferRequest, 'endpoint'>,
  settings: JournalSettings,
): Promise<TransferJob> {
  try {
    const journal = await openTransfer(request, settings)
    await removeLeftLocks(settings.stateFolder)
    return jobOf(journal)
  } catch (error) {
    if (!hasCode(error, 'FILE_UNREADABLE', 'DISK_FULL', 'FILE_NOT_FOUND')) throw error
    throw new AppError(error.code, error.message, {
      hints: ['name another folder for unfinished transfers with SEALIFT_STATE_DIR, or give --no-resume'],
      cause: error,
    })
  }
}

function jobOf(opened: TransferJournal): TransferJob {
  const { uploads, objects, downloads, files, sending } = opened.earlier
  let entries = uploads.size + objects.size + downloads.size + files.size + sending.size
  let incomplete: string | undefined
  const journal: TransferJournal = {
    id: opened.id,
    earlier: opened.earlier,
    append: async (entry: Exclude<JournalEntry, TransferBegun>) => {
      entries += 1
      try {
        await opened.append(entry)
      } catch (error) {
        incomplete ??= error instanceof Error ? error.message : String(error)
        throw error
      }
    },
    close: () => opened.close(),
    remove: () => opened.remove(),
  }
  return {
    journal,
    get incomplete() {
      return incomplete
    },
    end: (everythingDone) => (everythingDone ? opened.remove() : opened.close()),
    explain: (failure, interrupted, howFar) => {
      if (entries === 0 || hasCode(failure, 'RESUMABLE')) return failure
      const hints = [`to go on, run the same command again, or: sealift transfer resume ${opened.id}`]
      if (interrupted) {
        const why = failure instanceof Error ? failure.message : 'the transfer was stopped'
        return new AppError('RESUMABLE', `${why}; ${howFar}`, { hints, cause: failure })
      }
      if (!(failure instanceof AppError)) return failure
      return new AppError(failure.code, failure.message, {
        hints: [...failure.hints, `what was done is kept; ${hints.join('')}`],
        cause: failure,
      })
    },
  }
}
