import { rm } from 'node:fs/promises'
import type { ObjectStore } from '../storage/object-store.ts'
import { removeUpload } from '../storage/upload-cleanup.ts'
import type { DownloadBegun } from '../transfer/journal/journal-entry.ts'
import { findJournal, listJournals, type FoundJournal } from '../transfer/journal/list-journals.ts'
import { dropJournal, openJournal } from '../transfer/journal/open-journal.ts'
import { AppError } from '../util/errors.ts'
import { fileError } from '../util/file-errors.ts'
import { inodeOf, partialName } from '../util/resumable-file.ts'
import { formatS3Url } from './s3-url.ts'
import { failedTransfer, type FailedFile, type FailedTransfer } from './transfer-run.ts'

export interface AbortTransfersRequest {
  stateFolder: string
  /** Ids, or their beginnings; all transfers when absent. */
  ids?: readonly string[] | undefined
  /** The store, asked for only when a transfer has an upload there. */
  connect: () => Promise<{ store: ObjectStore; endpoint: string }>
  signal?: AbortSignal | undefined
}

/** A transfer that was given up. */
export interface AbortedTransfer {
  id: string
  /** Addresses of the objects whose unfinished uploads were aborted, and seen to be gone. */
  uploads: string[]
  /** Partial files that were removed. */
  partialFiles: string[]
  /** Its journal could not be read: what it had begun in the bucket, if anything, is still there. */
  damaged: boolean
}

/** What `transfer abort` did: the --json contract. */
export interface AbortTransfersResult {
  aborted: AbortedTransfer[]
  failed: FailedTransfer[]
}

/**
 * Gives transfers up: aborts the multipart uploads they have begun, removes the partial files of downloads, and then
 * their journals. Finished objects and files stay.
 *
 * @throws AppError TRANSFER_NOT_FOUND, USAGE for an id with several meanings; the first failure when none could be
 * given up
 */
export async function abortTransfers({
  stateFolder,
  ids,
  connect,
  signal,
}: AbortTransfersRequest): Promise<AbortTransfersResult> {
  const journals =
    ids === undefined
      ? await listJournals(stateFolder)
      : await Promise.all(ids.map((id) => findJournal(stateFolder, id)))
  const aborted: AbortedTransfer[] = []
  const failures: FailedFile[] = []
  for (const journal of new Map(journals.map((found) => [found.id, found])).values()) {
    signal?.throwIfAborted()
    try {
      aborted.push(await abortTransfer(stateFolder, journal, connect))
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      failures.push({ name: journal.id, error })
    }
  }
  const [first] = failures
  if (first !== undefined && aborted.length === 0) throw first.error
  return { aborted, failed: failures.map(failedTransfer) }
}

/** @throws AppError TRANSFER_RUNNING, USAGE for another endpoint than the transfer's; StorageError */
async function abortTransfer(
  stateFolder: string,
  { id, state: listed }: FoundJournal,
  connect: AbortTransfersRequest['connect'],
): Promise<AbortedTransfer> {
  const result: AbortedTransfer = { id, uploads: [], partialFiles: [], damaged: listed === undefined }
  if (listed === undefined) {
    await dropJournal(stateFolder, id)
    return result
  }
  const journal = await openJournal(stateFolder, listed.transfer)
  try {
    const { transfer, uploads, downloads } = journal.earlier
    const store = uploads.size === 0 ? undefined : await storeAt(transfer.endpoint, connect)
    for (const { begun } of uploads.values()) {
      const { objectKey, uploadId } = begun
      if (store !== undefined) await removeUpload(store, { bucket: transfer.bucket, objectKey, uploadId })
      result.uploads.push(formatS3Url(transfer.bucket, objectKey))
    }
    for (const { begun } of downloads.values()) {
      if (await removePartialFile(begun)) result.partialFiles.push(begun.partial)
    }
    await journal.remove()
    return result
  } finally {
    await journal.close()
  }
}

async function storeAt(endpoint: string, connect: AbortTransfersRequest['connect']): Promise<ObjectStore> {
  const connection = await connect()
  if (connection.endpoint === endpoint) return connection.store
  throw new AppError('USAGE', `the transfer is at ${endpoint}, not at ${connection.endpoint}`, {
    hints: [`add --endpoint-url ${endpoint}, and --profile if other credentials belong to it`],
  })
}

/** Removes exactly the file that the download made, under exactly the name it gives to its partial files. */
async function removePartialFile({ path, partial, partialInode }: DownloadBegun): Promise<boolean> {
  if (partial !== partialName(path) || (await inodeOf(partial)) !== partialInode) return false
  await rm(partial, { force: true }).catch((error: unknown) => {
    throw fileError(error, 'remove', partial)
  })
  return true
}
