import type { ObjectStore } from '../storage/object-store.ts'
import { removeUpload } from '../storage/upload-cleanup.ts'
import { listJournals } from '../transfer/journal/list-journals.ts'
import { AppError, hasCode } from '../util/errors.ts'
import { failedTransfer, type FailedFile, type FailedTransfer } from './transfer-run.ts'

/** A multipart upload that was begun and neither completed nor aborted: the --json contract. */
export interface UnfinishedBucketUpload {
  objectKey: string
  uploadId: string
  initiatedAt: Date | undefined
  /** Canonical id, where the store tells it. Ceph RGW 16 names the bucket's owner, whoever uploads. */
  initiatorId: string | undefined
  /** The transfer of this machine that it belongs to. */
  transfer: string | undefined
  /** A process is at that transfer now. */
  running: boolean
}

export interface UnfinishedUploadsRequest {
  bucket: string
  /** Only object keys that begin so. */
  prefix: string
  /** Only those begun so many seconds ago or more; one whose age the store doesn't tell counts as new. */
  olderThan?: number | undefined
  stateFolder: string
}

/**
 * The unfinished multipart uploads of a bucket, the oldest first, and which of them a transfer of this machine knows.
 *
 * @throws StorageError; AppError FILE_UNREADABLE
 */
export async function unfinishedUploads(
  store: ObjectStore,
  { bucket, prefix, olderThan, stateFolder }: UnfinishedUploadsRequest,
  signal?: AbortSignal,
): Promise<UnfinishedBucketUpload[]> {
  const known = await knownUploads(stateFolder)
  const latest = olderThan === undefined ? undefined : Date.now() - olderThan * 1000
  const found: UnfinishedBucketUpload[] = []
  for await (const upload of store.listMultipartUploads(bucket, { prefix, signal })) {
    const { objectKey, uploadId, initiatedAt, initiatorId } = upload
    if (latest !== undefined && (initiatedAt === undefined || initiatedAt.getTime() > latest)) continue
    const { transfer, running = false } = known.get(uploadId) ?? {}
    found.push({ objectKey, uploadId, initiatedAt, initiatorId, transfer, running })
  }
  return found.sort((a, b) => (a.initiatedAt?.getTime() ?? Infinity) - (b.initiatedAt?.getTime() ?? Infinity))
}

async function knownUploads(
  stateFolder: string,
): Promise<Map<string, { transfer: string; running: boolean }>> {
  const known = new Map<string, { transfer: string; running: boolean }>()
  for (const { id, state, holder } of await listJournals(stateFolder)) {
    for (const { begun } of state?.uploads.values() ?? []) {
      known.set(begun.uploadId, { transfer: id, running: holder !== undefined })
    }
  }
  return known
}

/** What became of a bucket's old uploads: the --json contract. */
export interface OrphanedUploadsResult {
  bucket: string
  dryRun: boolean
  /** With `dryRun`, those that would be. */
  aborted: UnfinishedBucketUpload[]
  /** Left alone, because a process of this machine is sending them. */
  running: UnfinishedBucketUpload[]
  failed: FailedTransfer[]
}

/**
 * Aborts the multipart uploads of a bucket that are older than an age, and sees them gone. Journals that name one of
 * them stay: the transfer then begins that object anew.
 *
 * @throws StorageError for the listing; AppError FILE_UNREADABLE; the first failure when nothing could be aborted
 */
export async function abortOrphanedUploads(
  store: ObjectStore,
  request: UnfinishedUploadsRequest & { olderThan: number; dryRun: boolean },
  signal?: AbortSignal,
): Promise<OrphanedUploadsResult> {
  const { bucket, dryRun } = request
  const uploads = await unfinishedUploads(store, request, signal)
  const aborted: UnfinishedBucketUpload[] = []
  const failures: FailedFile[] = []
  for (const upload of uploads.filter(({ running }) => !running)) {
    signal?.throwIfAborted()
    try {
      if (!dryRun) await removeUpload(store, { bucket, ...upload })
      aborted.push(upload)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      failures.push({ name: upload.objectKey, error })
      if (hasCode(error, 'ENDPOINT_UNREACHABLE', 'INVALID_CREDENTIALS', 'CLOCK_SKEW')) break
    }
  }
  const [first] = failures
  if (first !== undefined && aborted.length === 0) throw first.error
  const failed = failures.map(failedTransfer)
  return { bucket, dryRun, aborted, running: uploads.filter(({ running }) => running), failed }
}
