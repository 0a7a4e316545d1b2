import { readdir, stat } from 'node:fs/promises'
import { AppError } from '../../util/errors.ts'
import { errnoOf, fileError } from '../../util/file-errors.ts'
import { lockHolder, type LockHolder } from './journal-lock.ts'
import type { JournalState } from './journal-state.ts'
import { journalPath, lockPath } from './open-journal.ts'
import { readJournal } from './read-journal.ts'

/** A journal as it lies in the folder. */
export interface FoundJournal {
  id: string
  path: string
  /** Undefined when it is damaged: `damage` says how. */
  state: JournalState | undefined
  damage: AppError | undefined
  /** The process that is at it now. */
  holder: LockHolder | undefined
  /** When something was last written into it. */
  changedAt: Date
}

/** Hex digits of an id that name it, at least. */
const MIN_PREFIX_LENGTH = 4

/** File names of journals: the id and `.jsonl`. */
const NAME = /^([0-9a-f]{16})\.jsonl$/

/**
 * All journals of a folder, the one written to last first; none when there is no folder.
 *
 * @throws AppError FILE_UNREADABLE for the folder; damaged journals are in the list
 */
export async function listJournals(folder: string): Promise<FoundJournal[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return []
    throw fileError(error, 'read', folder)
  })
  const found: FoundJournal[] = []
  for (const name of names) {
    const id = NAME.exec(name)?.[1]
    const journal = id === undefined ? undefined : await lookAt(folder, id)
    if (journal !== undefined) found.push(journal)
  }
  return found.sort((a, b) => b.changedAt.getTime() - a.changedAt.getTime())
}

/**
 * The journal whose id begins so.
 *
 * @throws AppError TRANSFER_NOT_FOUND, USAGE when several begin so; FILE_UNREADABLE
 */
export async function findJournal(folder: string, idPrefix: string): Promise<FoundJournal> {
  const journals = (await listJournals(folder)).filter(({ id }) => id.startsWith(idPrefix))
  const [journal, another] = journals
  if (journal === undefined || idPrefix.length < MIN_PREFIX_LENGTH) {
    throw new AppError('TRANSFER_NOT_FOUND', `there is no unfinished transfer ${idPrefix}`)
  }
  if (another !== undefined) {
    throw new AppError('USAGE', `several transfers begin with ${idPrefix}`, {
      hints: [`write more of the id: ${journals.map(({ id }) => id).join(', ')}`],
    })
  }
  return journal
}

/** Undefined for one that is gone by now, or has not one line yet. */
async function lookAt(folder: string, id: string): Promise<FoundJournal | undefined> {
  const path = journalPath(folder, id)
  const holder = await lockHolder(lockPath(folder, id))
  const changedAt = await stat(path).then(
    ({ mtime }) => mtime,
    () => undefined,
  )
  if (changedAt === undefined) return undefined
  const common = { id, path, holder, changedAt }
  try {
    const content = await readJournal(path, id)
    return content && { ...common, state: content.state, damage: undefined }
  } catch (error) {
    if (error instanceof AppError) return { ...common, state: undefined, damage: error }
    throw error
  }
}
