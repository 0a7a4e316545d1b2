import { lstat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { JournalEntry, TransferBegun } from '../transfer/journal/journal-entry.ts'
import type { JournalState } from '../transfer/journal/journal-state.ts'
import { removeLeftLocks } from '../transfer/journal/left-locks.ts'
import type { TransferJournal } from '../transfer/journal/transfer-journal.ts'
import { identityOf, isSameFile } from '../transfer/source-file.ts'
import { hex } from '../util/bytes.ts'
import { AppError } from '../util/errors.ts'
import { formatByteSize } from '../util/byte-size.ts'
import type { DownloadRequest } from './download-request.ts'
import type { DownloadTarget } from './find-downloads.ts'
import { openTransfer } from './transfer-job.ts'
import type { TransferProgress } from './transfer-progress.ts'

/** The journal of a download, and whether it holds anything to go on with. */
export class DownloadJournal implements TransferJournal {
  readonly id: string
  readonly earlier: JournalState
  readonly #journal: TransferJournal
  readonly #begun: Set<string>
  #filesWritten: number

  constructor(journal: TransferJournal) {
    this.id = journal.id
    this.earlier = journal.earlier
    this.#journal = journal
    this.#begun = new Set(journal.earlier.downloads.keys())
    this.#filesWritten = journal.earlier.files.size
  }

  /** Something in it spares work to the next run. */
  get isOfUse(): boolean {
    return this.#begun.size > 0 || this.#filesWritten > 0
  }

  /** There is a partial file of the object to go on with. */
  hasBegun(objectKey: string): boolean {
    return this.#begun.has(objectKey)
  }

  async append(entry: Exclude<JournalEntry, TransferBegun>): Promise<void> {
    await this.#journal.append(entry)
    if (entry.type === 'download') this.#begun.add(entry.objectKey)
    if (entry.type === 'dropped' || entry.type === 'file') this.#begun.delete(entry.objectKey)
    if (entry.type === 'file') this.#filesWritten += 1
  }

  /** Closes it, and removes it when nothing in it is of use. */
  async close(): Promise<void> {
    await (this.isOfUse ? this.#journal.close() : this.#journal.remove())
  }

  async remove(): Promise<void> {
    await this.#journal.remove()
  }
}

/**
 * Opens the journal of a download; undefined when there is no folder for journals.
 *
 * @throws AppError TRANSFER_RUNNING when another process is at the same download, INVALID_JOURNAL
 */
export async function openDownloadJournal(request: DownloadRequest): Promise<DownloadJournal | undefined> {
  const { journal: settings, bucket, source, destination = '.' } = request
  if (settings === undefined) return undefined
  const identity = { direction: 'download' as const, bucket, objectKey: source, paths: [destination] }
  const transfer = { ...identity, readers: whatBecomesOfIt(request) }
  const readOnly = request.dryRun === true
  const journal = await openTransfer(transfer, settings, { readOnly })
  if (!readOnly) await removeLeftLocks(settings.stateFolder)
  return new DownloadJournal(journal)
}

/** Files that were not checked for a sender do not count as checked when the next run asks for it. */
function whatBecomesOfIt({ decrypt, senders }: DownloadRequest): readonly string[] | 'decrypt' | 'as-is' {
  if (!decrypt) return 'as-is'
  return senders === undefined ? 'decrypt' : ['decrypt', ...senders.map(hex)]
}

/**
 * True when an earlier run finished the object and its file is still what that run wrote. Its name proves nothing.
 *
 * @returns bytes of the file
 */
export async function alreadyHere(
  journal: TransferJournal | undefined,
  { objectKey, etag }: DownloadTarget,
  path: string,
): Promise<number | undefined> {
  const record = journal?.earlier.files.get(objectKey)
  if (record?.etag !== etag || record.path !== resolve(path)) return undefined
  const stats = await lstat(path, { bigint: true }).catch(() => undefined)
  const same = stats?.isFile() === true && isSameFile(identityOf(stats), record.file)
  return same ? record.file.size : undefined
}

/** What a stopped run ends with: how far it came, and how to go on. */
export function stopped(
  journal: DownloadJournal,
  progress: TransferProgress | undefined,
  reason: unknown,
): AppError {
  return new AppError('RESUMABLE', `stopped ${howFar(progress)}`, {
    hints: goOnHints(journal),
    cause: reason,
  })
}

function howFar(progress: TransferProgress | undefined): string {
  if (progress === undefined) return 'before anything was fetched'
  const { doneFiles, totalFiles, doneBytes, totalBytes } = progress
  const files = totalFiles > 1 ? `${doneFiles} of ${totalFiles} files, ` : ''
  return `after ${files}${formatByteSize(doneBytes)} of ${formatByteSize(totalBytes)}`
}

/** The same failure, with how to go on where there is something to go on with. */
export function withGoOnHints(
  journal: DownloadJournal | undefined,
  objectKey: string,
  error: unknown,
): unknown {
  if (!(error instanceof AppError) || journal?.hasBegun(objectKey) !== true) return error
  return new AppError(error.code, error.message, {
    hints: [...error.hints, ...goOnHints(journal)],
    cause: error,
  })
}

function goOnHints(journal: DownloadJournal): string[] {
  return [
    'run the same command again: it goes on where it stopped',
    ...(journal.isOfUse ? [`or: sealift transfer resume ${journal.id}`] : []),
  ]
}
