import type { KeyPair } from '../crypto/keys/key-pair.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { planUpload, sealAndUpload, type SealAndUploadOptions } from '../transfer/seal-and-upload.ts'
import { startSegmentEngine } from '../transfer/segment-engine.ts'
import { SlotPool } from '../transfer/slot-pool.ts'
import { openSourceFile } from '../transfer/source-file.ts'
import { AppError } from '../util/errors.ts'
import { refuseEncrypted } from './refuse-encrypted.ts'
import type { Recipient } from './recipients.ts'
import { ProgressCount, type TransferProgress } from './transfer-progress.ts'
import { runTransfers, type FailedTransfer } from './transfer-run.ts'
import { listUploadSources, type UploadSource } from './upload-sources.ts'

/** Parts in flight over all files together: with 8 MiB parts, 32 MiB of buffers. */
const DEFAULT_CONCURRENCY = 4

export interface UploadRequest {
  store: ObjectStore
  /** Files and folders. */
  sources: readonly string[]
  bucket: string
  /** A prefix, empty or ending in `/`; or the object key for a single file. */
  target: string
  /** Who will be able to open the objects: at least one. */
  recipients: readonly Recipient[]
  /** An own key pair as the sender; an ephemeral one when absent. */
  sender?: KeyPair | undefined
  /** Replace objects that exist. */
  force: boolean
  /** Encrypt files that are Crypt4GH files already once more. */
  encryptAgain?: boolean | undefined
  /** Bytes aimed at per part. */
  partSize?: number | undefined
  concurrency?: number | undefined
  /** Worker threads for the cipher; chosen by size when absent. */
  threads?: number | undefined
  onProgress?: ((progress: TransferProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

interface UploadedObject {
  source: string
  objectKey: string
  /** Bytes of the file. */
  plaintextSize: number
  /** Bytes of the object. */
  objectSize: number
  parts: number
  etag: string | undefined
  versionId: string | undefined
  /** How the size was checked after the upload; see docs/transfers.md. */
  sizeCheckedBy: 'head' | 'parts' | 'etag' | 'none'
  /** False when the store does not let the uploader see whether an object was replaced. */
  overwriteChecked: boolean
}

export interface UploadResult {
  bucket: string
  objects: UploadedObject[]
  failed: FailedTransfer[]
  recipients: { name: string; fingerprint: string }[]
  /** Plaintext bytes delivered. */
  bytes: number
  seconds: number
}

/**
 * Seals files for their recipients and uploads them. Failures of single files are in the result; the others go on.
 *
 * @throws AppError USAGE without recipients or sources, what listUploadSources throws; when no file succeeded,
 * what the first one failed with
 */
export async function upload(request: UploadRequest): Promise<UploadResult> {
  const started = performance.now()
  const { recipients } = request
  if (recipients.length === 0) {
    throw new AppError('USAGE', 'nobody was named who could open the data', {
      hints: ['name the recipients with --to FILE, --to @csc-sd or --to-bucket-keys'],
    })
  }
  const sources = await listUploadSources(request.sources, request.target)
  const plans = sources.map(({ size }) => planUpload(size, recipients.length, request.partSize))
  const totalBytes = plans.reduce((sum, { objectSize }) => sum + objectSize, 0)
  const largestPart = plans.reduce((most, plan) => Math.max(most, plan.largestPart), 0)
  const progress = new ProgressCount(totalBytes, sources.length, request.onProgress)
  const concurrency = request.concurrency ?? DEFAULT_CONCURRENCY
  const engine = startSegmentEngine(totalBytes, request.threads)
  const options: SealAndUploadOptions = {
    store: request.store,
    engine,
    slots: new SlotPool(concurrency, largestPart),
    concurrency,
    partSize: request.partSize,
    sender: request.sender,
    replace: request.force,
    signal: request.signal,
  }
  const { done, failed } = await runTransfers(
    sources,
    ({ path }) => path,
    (source) => uploadOne(source, request, options, progress),
    { signal: request.signal },
  ).finally(() => engine.close())
  return {
    bucket: request.bucket,
    objects: done.sort((a, b) => (a.objectKey < b.objectKey ? -1 : 1)),
    failed,
    recipients: recipients.map(({ name, fingerprint }) => ({ name, fingerprint })),
    bytes: done.reduce((sum, { plaintextSize }) => sum + plaintextSize, 0),
    seconds: (performance.now() - started) / 1000,
  }
}

async function uploadOne(
  { path, objectKey, size }: UploadSource,
  request: UploadRequest,
  options: SealAndUploadOptions,
  progress: ProgressCount,
): Promise<UploadedObject> {
  const source = await openSourceFile(path)
  try {
    if (source.size !== size) {
      throw new AppError('FILE_CHANGED', `${path} changed between being listed and being read`, {
        hints: ['wait until nothing writes to it any more, then start again'],
      })
    }
    if (request.encryptAgain !== true) await refuseEncrypted(source)
    const stored = await sealAndUpload(
      source,
      { bucket: request.bucket, objectKey },
      request.recipients.map(({ publicKey }) => publicKey),
      {
        ...options,
        onBytes: (count) => {
          progress.addBytes(path, count)
        },
      },
    )
    progress.addFile(path)
    return {
      source: path,
      objectKey,
      plaintextSize: source.size,
      objectSize: stored.size,
      parts: stored.partCount,
      etag: stored.etag,
      versionId: stored.versionId,
      sizeCheckedBy: stored.sizeCheckedBy,
      overwriteChecked: stored.overwriteChecked,
    }
  } finally {
    await source.close()
  }
}
