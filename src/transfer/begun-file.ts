/**
 * The file a download writes to before it has its name: new, or the one that an earlier run left, and what becomes of
 * it when this run fails.
 */
import type { BigIntStats } from 'node:fs'
import { lstat, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { StorageError } from '../storage/errors.ts'
import type { ObjectName } from '../storage/object-store.ts'
import { hasCode } from '../util/errors.ts'
import { createPartialFile, type PartialFile, type PartialFileOptions } from '../util/partial-file.ts'
import { createResumableFile, inodeOf, partialName, reopenResumableFile } from '../util/resumable-file.ts'
import type { DownloadOptions, ObjectVersion } from './download-options.ts'
import type { UnfinishedDownloadState } from './journal/journal-state.ts'
import type { TransferJournal } from './journal/transfer-journal.ts'
import type { RangePlan } from './range-plan.ts'
import { recordedRanges, writtenUpTo, type RecordedDownload } from './recorded-download.ts'
import { identityOf } from './source-file.ts'

/** What is fetched, and where it goes. */
export interface RangesTarget {
  name: ObjectName
  /** The final name of the file. */
  path: string
  version: ObjectVersion
  plan: RangePlan
  recorded: RecordedDownload
}

/** A file that is open for its ranges. */
export interface BegunFile {
  partial: PartialFile
  /** Where finished ranges are written down; none for a file that isn't worth it. */
  journal: TransferJournal | undefined
  /** Ranges that are in it already. */
  done: ReadonlySet<number>
  /** Why what an earlier run left was of no use, where it left something. */
  startedOver: string | undefined
}

/** True when the earlier run gave the file its name, and ended before it wrote that down. */
export async function hasItsName(
  { path, plan }: RangesTarget,
  { begun }: UnfinishedDownloadState,
): Promise<boolean> {
  const stats = await lstat(path, { bigint: true }).catch(() => undefined)
  const isIt = stats?.isFile() === true && String(stats.ino) === begun.partialInode
  if (!isIt || stats.size !== BigInt(plan.plaintextSize)) return false
  await removeSecondName(path)
  return true
}

/** Removes the hidden name of a file that has its final one, when the earlier run ended between the two. */
export async function removeSecondName(path: string): Promise<void> {
  const hidden = partialName(path)
  const inode = await inodeOf(hidden)
  if (inode !== undefined && inode === (await inodeOf(path))) await rm(hidden, { force: true })
}

/**
 * Opens the partial file of the earlier run, or begins a new one and writes that down.
 *
 * @throws AppError FILE_EXISTS, DISK_FULL, FILE_NOT_FOUND, FILE_UNREADABLE; what the journal throws
 */
export async function beginOrGoOn(target: RangesTarget, options: DownloadOptions): Promise<BegunFile> {
  const { path, plan, recorded } = target
  const fileOptions = partialOptions(options, plan.plaintextSize)
  if (recorded.record === undefined) return beginFile(target, options, fileOptions, recorded.startedOver)
  const done = recordedRanges(recorded.record, plan)
  const earlier = { inode: recorded.record.begun.partialInode, atLeast: writtenUpTo(done, plan) }
  const partial = await reopenResumableFile(path, earlier, fileOptions)
  if (partial !== undefined) return { partial, journal: options.journal, done, startedOver: undefined }
  const why = 'the partial file of the earlier run is gone or was changed'
  return beginFile(target, options, fileOptions, why)
}

/** How a download's partial file is made. */
export function partialOptions(
  options: DownloadOptions,
  expectedSize: number | undefined,
): PartialFileOptions {
  return { replace: options.replace, expectedSize, folderSynced: options.oneOfMany !== true }
}

/** Begins a new file. Throws as beginOrGoOn. */
export async function beginFile(
  { name, path, plan, version }: Omit<RangesTarget, 'recorded'>,
  options: DownloadOptions,
  fileOptions: PartialFileOptions,
  startedOver?: string,
): Promise<BegunFile> {
  const { journal } = options
  const partial = await createDownloadFile(name, path, options, fileOptions)
  const begun = { partial, done: new Set<number>(), startedOver }
  // A single range is fetched again in no time.
  if (journal === undefined || plan.rangeCount < 2) return { ...begun, journal: undefined }
  try {
    await journal.append({
      type: 'download',
      objectKey: name.objectKey,
      path: resolve(path),
      partial: resolve(partialName(path)),
      partialInode: String((await partial.file.stat({ bigint: true })).ino),
      etag: version.etag,
      size: version.size,
      rangeSize: plan.bytesPerRange,
    })
    return { ...begun, journal }
  } catch (error) {
    await partial.discard()
    throw error
  }
}

/** With a journal the name is a fixed one, so that whatever a crash leaves is found by the next run. */
export async function createDownloadFile(
  { objectKey }: ObjectName,
  path: string,
  { journal }: DownloadOptions,
  fileOptions: PartialFileOptions,
): Promise<PartialFile> {
  if (journal === undefined) return createPartialFile(path, fileOptions)
  const ownInode = journal.earlier.downloads.get(objectKey)?.begun.partialInode
  return createResumableFile(path, { ...fileOptions, ownInode })
}

/** What becomes of the file when the download failed: kept to go on with, if that is possible, else removed. */
export async function leaveFile(name: ObjectName, begun: BegunFile, error: unknown): Promise<void> {
  if (begun.journal !== undefined && !isWorthless(error)) await begun.partial.keep()
  else await dropFile(name, begun)
}

/** Removes the file, and what is written down about it. */
export async function dropFile({ objectKey }: ObjectName, { partial, journal }: BegunFile): Promise<void> {
  await partial.discard()
  // The failure that led here is the one to tell.
  await journal?.append({ type: 'dropped', objectKey }).catch(() => undefined)
}

/** After these nothing of the file is of use. A body that broke off says nothing about what is there already. */
function isWorthless(error: unknown): boolean {
  if (hasCode(error, 'INTEGRITY')) return !(error instanceof StorageError && error.retryable)
  return hasCode(error, 'AUTHENTICATION_FAILED', 'OBJECT_CHANGED', 'OBJECT_NOT_FOUND', 'FILE_CHANGED')
}

/** Writes down that the file is whole, and how it is recognised. */
export async function recordFile(
  { objectKey }: ObjectName,
  path: string,
  etag: string,
  { journal }: DownloadOptions,
  stats: BigIntStats,
): Promise<void> {
  await journal?.append({ type: 'file', objectKey, path: resolve(path), etag, file: identityOf(stats) })
}
