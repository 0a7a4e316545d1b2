import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fingerprint } from '../crypto/keys/fingerprint.ts'
import { removeSecondName } from '../transfer/begun-file.ts'
import { downloadAndOpen, downloadAsIs } from '../transfer/download-object.ts'
import type { DownloadOptions } from '../transfer/download-options.ts'
import { SMALL_OBJECT } from '../transfer/download-small.ts'
import { startSegmentEngine, type SegmentEngine } from '../transfer/segment-engine.ts'
import { SlotPool } from '../transfer/slot-pool.ts'
import { AppError } from '../util/errors.ts'
import { fileError } from '../util/file-errors.ts'
import { trySyncFolder } from '../util/sync-folder.ts'
import {
  alreadyHere,
  openDownloadJournal,
  stopped,
  withGoOnHints,
  type DownloadJournal,
} from './download-journal.ts'
import type { DownloadedFile, DownloadRequest, DownloadResult } from './download-request.ts'
import { downloadSizes, smallAtOnce, type DownloadSizes } from './download-sizes.ts'
import { findDownloads, type DownloadTarget, type FoundDownloads } from './find-downloads.ts'
import { plannedDownloads } from './planned-downloads.ts'
import { formatS3Url } from './s3-url.ts'
import { ProgressCount, type TransferProgress } from './transfer-progress.ts'
import { failedTransfer, runTransfers } from './transfer-run.ts'

export type { DownloadRequest, DownloadResult } from './download-request.ts'

/**
 * Downloads an object, or every object of a prefix, and decrypts it on the way. A file gets its name only when
 * its last segment was authenticated. Failures of single objects are in the result; the others go on.
 * With a folder for journals a run that was stopped or failed is gone on with by the next one of the same request.
 *
 * @throws AppError OBJECT_NOT_FOUND when there is nothing; when no object succeeded, what the first one failed with;
 * RESUMABLE when the signal stopped a run that can be gone on with, else its reason; TRANSFER_RUNNING
 */
export async function download(request: DownloadRequest): Promise<DownloadResult> {
  const started = performance.now()
  const sizes = downloadSizes(request)
  if (request.dryRun === true) return dryRun(request, started)
  const journal = await openDownloadJournal(request)
  let progress: TransferProgress | undefined
  const onProgress = (state: TransferProgress): void => {
    progress = state
    request.onProgress?.(state)
  }
  try {
    const found = await findDownloads(request)
    const result = await run({ ...request, onProgress }, sizes, found, journal, started)
    // Files that failed have the next run's time: what is done is not done again then.
    await (result.failed.length === 0 ? journal?.remove() : journal?.close())
    return result
  } catch (error) {
    const shown = whyStopped(request, journal, progress, error)
    // The failure that led here is the one to tell.
    await journal?.close().catch(() => undefined)
    request.onEvent?.({
      event: 'finished',
      bytes: progress?.doneBytes ?? 0,
      files: progress?.doneFiles ?? 0,
      failedFiles: 0,
      seconds: secondsSince(started),
      code: shown instanceof AppError ? shown.code : 'BUG',
    })
    throw shown
  }
}

/** An interrupt that can be gone on from is told as such, whatever the work that it cut short ended with. */
function whyStopped(
  { signal }: DownloadRequest,
  journal: DownloadJournal | undefined,
  progress: TransferProgress | undefined,
  error: unknown,
): unknown {
  if (signal?.aborted !== true || journal === undefined) return error
  return stopped(journal, progress, signal.reason)
}

async function dryRun(request: DownloadRequest, started: number): Promise<DownloadResult> {
  const journal = await openDownloadJournal(request)
  const found = await findDownloads(request)
  const planned = await plannedDownloads(request, found, journal)
  const { skipped, excluded } = found
  const failed = found.unsafe.map(failedTransfer)
  return { files: [], failed, skipped, excluded, planned, bytes: 0, seconds: secondsSince(started) }
}

async function run(
  request: DownloadRequest,
  sizes: DownloadSizes,
  found: FoundDownloads,
  journal: DownloadJournal | undefined,
  started: number,
): Promise<DownloadResult> {
  const { targets, unsafe, skipped, excluded } = found
  const totalBytes = bytesOf(targets)
  const { bucket, source, onEvent } = request
  const target = formatS3Url(bucket, source)
  const totalFiles = targets.length
  onEvent?.({
    event: 'started',
    direction: 'download',
    target,
    transferId: journal?.id,
    totalFiles,
    totalBytes,
  })
  const engine = startSegmentEngine(request.decrypt ? totalBytes : 0, request.threads)
  const downloads = new Downloads(request, sizes, found, journal, engine)
  const { done, failed } = await runTransfers(
    targets,
    ({ objectKey }) => objectKey,
    (target) => downloads.download(target),
    {
      signal: request.signal,
      earlier: unsafe,
      isSmall,
      smallAtOnce: smallAtOnce(largest(targets.filter(isSmall)), request.memory),
    },
  ).finally(async () => {
    await engine.close()
    await downloads.syncFolders()
  })
  const bytes = done.reduce((sum, { size, alreadyHere }) => sum + (alreadyHere ? 0 : size), 0)
  const seconds = secondsSince(started)
  onEvent?.({ event: 'finished', bytes, files: done.length, failedFiles: failed.length, seconds })
  const files = done.sort((a, b) => (a.objectKey < b.objectKey ? -1 : 1))
  return { files, failed, skipped, excluded, bytes, seconds }
}

/** What the downloads of a run share. */
class Downloads {
  readonly #request: DownloadRequest
  readonly #found: FoundDownloads
  readonly #journal: DownloadJournal | undefined
  readonly #options: DownloadOptions
  readonly #progress: ProgressCount
  readonly #folders = new Set<string>()

  constructor(
    request: DownloadRequest,
    { concurrency, rangeSize }: DownloadSizes,
    found: FoundDownloads,
    journal: DownloadJournal | undefined,
    engine: SegmentEngine,
  ) {
    const { targets } = found
    this.#request = request
    this.#found = found
    this.#journal = journal
    this.#progress = new ProgressCount(bytesOf(targets), targets.length, request.onProgress)
    this.#options = {
      store: request.store,
      engine,
      slots: new SlotPool(concurrency, Math.min(rangeSize, Math.max(1, largest(targets)))),
      concurrency,
      rangeSize,
      senders: request.senders,
      replace: request.force,
      journal,
      oneOfMany: targets.length > 1,
      signal: request.signal,
    }
  }

  /** One object, with what is told about it. */
  async download(target: DownloadTarget): Promise<DownloadedFile> {
    const { objectKey } = target
    const path = this.#found.pathOf(target)
    try {
      const file = await this.#downloadTo(path, target)
      this.#progress.addFile(objectKey)
      this.#request.onEvent?.({ event: 'file', objectKey, path, bytes: file.size })
      return file
    } catch (error) {
      // What an interrupt cuts short has not failed.
      if (error instanceof AppError && this.#request.signal?.aborted !== true) {
        const { code, message } = error
        this.#request.onEvent?.({ event: 'failed', objectKey, path, code, message })
      }
      throw withGoOnHints(this.#journal, objectKey, error)
    }
  }

  /** Makes the names of all finished files durable. */
  async syncFolders(): Promise<void> {
    for (const folder of this.#folders) await trySyncFolder(folder)
  }

  async #downloadTo(path: string, target: DownloadTarget): Promise<DownloadedFile> {
    const { objectKey, size: objectSize, etag } = target
    const here = await alreadyHere(this.#journal, target, path)
    if (here !== undefined) {
      await removeSecondName(path)
      this.#progress.addBytes(objectKey, objectSize)
      this.#request.onEvent?.({ event: 'resumed', objectKey, path, bytes: objectSize })
      const file = { objectKey, path, size: here, objectSize, etag, senders: [] }
      return { ...file, alreadyHere: true, earlierBytes: objectSize }
    }
    await this.#makeFolder(dirname(path))
    const { decrypt, identities, bucket } = this.#request
    const name = { bucket, objectKey }
    const options = this.#optionsFor(path, target)
    const { senders, startedOver, ...downloaded } = decrypt
      ? await downloadAndOpen(name, path, identities, options)
      : await downloadAsIs(name, path, options)
    const file = { objectKey, path, ...downloaded, senders: senders.map(fingerprint), alreadyHere: false }
    return startedOver === undefined ? file : { ...file, startedOver }
  }

  #optionsFor(path: string, { objectKey, size, etag }: DownloadTarget): DownloadOptions {
    const { onEvent } = this.#request
    return {
      ...this.#options,
      [this.#found.source === 'head' ? 'known' : 'listed']: { size, etag },
      onBytes: (count) => {
        this.#progress.addBytes(objectKey, count)
      },
      onRange:
        onEvent &&
        ((rangeIndex, bytes) => {
          onEvent({ event: 'range', objectKey, path, rangeIndex, bytes })
        }),
      onResume:
        onEvent &&
        ((bytes) => {
          onEvent({ event: 'resumed', objectKey, path, bytes })
        }),
    }
  }

  async #makeFolder(folder: string): Promise<void> {
    if (this.#folders.has(folder)) return
    await mkdir(folder, { recursive: true }).catch((error: unknown) => {
      throw fileError(error, 'create the folder', folder)
    })
    this.#folders.add(folder)
  }
}

function isSmall({ size }: DownloadTarget): boolean {
  return size <= SMALL_OBJECT
}

function bytesOf(targets: readonly DownloadTarget[]): number {
  return targets.reduce((sum, { size }) => sum + size, 0)
}

function largest(targets: readonly DownloadTarget[]): number {
  return targets.reduce((most, { size }) => Math.max(most, size), 0)
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000
}
