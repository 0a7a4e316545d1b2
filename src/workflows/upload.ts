import { generateKeyPair, type KeyPair } from '../crypto/keys/key-pair.ts'
import { sealedHeaderSize } from '../crypto/crypt4gh/sizes.ts'
import type { PartPlan } from '../transfer/part-plan.ts'
import { planUpload } from '../transfer/seal-and-upload.ts'
import { startSegmentEngine } from '../transfer/segment-engine.ts'
import { SlotPool } from '../transfer/slot-pool.ts'
import { planSlots } from '../transfer/slot-plan.ts'
import { AppError } from '../util/errors.ts'
import { hex } from '../util/bytes.ts'
import { PresentObjects } from './present-objects.ts'
import { startJob, type TransferJob } from './transfer-job.ts'
import { ProgressCount } from './transfer-progress.ts'
import { runTransfers, SMALL_FILES_AT_ONCE } from './transfer-run.ts'
import { SMALL_FILE, uploadFile, type UploadFileOptions } from './upload-file.ts'
import { DEFAULT_CONCURRENCY, type UploadRequest, type UploadResult } from './upload-request.ts'
import { listUploadSources, type UploadSource } from './upload-sources.ts'

export type { UploadRequest, UploadResult } from './upload-request.ts'

/** Bytes of all buffers of small files. */
const SMALL_MEMORY = 16 * 1024 ** 2

/**
 * Seals files for their recipients and uploads them, going on with what an earlier run of the same request left.
 * Failures of single files are in the result; the others go on.
 *
 * @throws AppError USAGE without recipients or sources, what listUploadSources and startJob throw; RESUMABLE when it was
 * stopped and can be gone on with; when no file succeeded, what the first one failed with
 */
export async function upload(request: UploadRequest): Promise<UploadResult> {
  const started = performance.now()
  const { recipients } = request
  if (recipients.length === 0) {
    throw new AppError('USAGE', 'nobody was named who could open the data', {
      hints: ['name the recipients with --to FILE, --to @csc-sd or --to-bucket-keys'],
    })
  }
  const sources = await listUploadSources(request.sources, request.target, request.sourceOptions)
  const job = request.journal === undefined ? undefined : await startJob(jobOf(request), request.journal)
  let everythingDone = false
  try {
    const result = await run(request, sources, job, started)
    everythingDone = result.failed.length === 0
    return result
  } finally {
    await job?.end(everythingDone)
  }
}

async function run(
  request: UploadRequest,
  sources: readonly UploadSource[],
  job: TransferJob | undefined,
  started: number,
): Promise<UploadResult> {
  const { recipients, bucket, target, signal, onEvent } = request
  const plans = sources.map(({ size }) => planUpload(size, recipients.length, request.partSize))
  const totalBytes = sum(plans.map(({ objectSize }) => objectSize))
  const totalFiles = sources.length
  onEvent?.({
    event: 'started',
    direction: 'upload',
    target: `s3://${bucket}/${target}`,
    transferId: job?.journal.id,
    totalFiles,
    totalBytes: sum(plans.map(({ plaintextSize }) => plaintextSize)),
  })
  const progress = new ProgressCount(totalBytes, totalFiles, request.onProgress)
  const options = await uploadOptions(request, sources, plans, job, progress)
  try {
    const { done, failed } = await runTransfers(
      sources,
      ({ path }) => path,
      (source) => uploadFile(source, options),
      {
        signal,
        isSmall: ({ size }) => size <= SMALL_FILE,
      },
    )
    const result: UploadResult = {
      bucket,
      objects: done.sort((a, b) => (a.objectKey < b.objectKey ? -1 : 1)),
      failed,
      recipients: recipients.map(({ name, fingerprint }) => ({ name, fingerprint })),
      bytes: sum(done.map(({ plaintextSize }) => plaintextSize)),
      foundBytes: sum(done.map(({ foundBytes }) => foundBytes)),
      seconds: (performance.now() - started) / 1000,
      journalIncomplete: job?.incomplete,
    }
    const { bytes, seconds } = result
    onEvent?.({ event: 'finished', bytes, files: done.length, failedFiles: failed.length, seconds })
    return result
  } catch (error) {
    const howFar = `${progress.files} of ${totalFiles} files and ${progress.percent} % of the bytes are stored`
    const failure = job?.explain(error, signal?.aborted === true, howFar) ?? error
    onEvent?.({
      event: 'finished',
      bytes: 0,
      files: progress.files,
      failedFiles: totalFiles - progress.files,
      seconds: (performance.now() - started) / 1000,
      code: failure instanceof AppError ? failure.code : 'INTERNAL',
    })
    throw failure
  } finally {
    await options.sealing.engine.close()
    if (request.sender === undefined) options.sealing.sender?.secretKey.fill(0)
  }
}

async function uploadOptions(
  request: UploadRequest,
  sources: readonly UploadSource[],
  plans: readonly PartPlan[],
  job: TransferJob | undefined,
  progress: ProgressCount,
): Promise<UploadFileOptions> {
  const { store, recipients, bucket, target, signal, partSize, sender, force } = request
  const { concurrency = DEFAULT_CONCURRENCY, memory, threads, md5, verify = false } = request
  const partSizes = plans.map(({ largestPart }) => largestPart)
  // An upload that is gone on with may have a header for each of several data keys.
  const headerLength = 4 * sealedHeaderSize(recipients.length)
  const slots = planSlots(partSizes, headerLength, concurrency, memory)
  const small = plans.filter(({ plaintextSize }) => plaintextSize <= SMALL_FILE)
  const smallSlots = planSlots(
    small.map(({ largestPart }) => largestPart),
    headerLength,
    SMALL_FILES_AT_ONCE,
    SMALL_MEMORY,
  )
  const objectKeys = sources.map(({ objectKey }) => objectKey)
  const present = await PresentObjects.below(store, bucket, target, objectKeys, signal)
  const identities = await ownKeys(request, job)
  const journal = job?.journal
  return {
    request,
    present,
    progress,
    journal,
    smallSlots: new SlotPool(smallSlots.count, smallSlots.size),
    sealing: {
      store,
      engine: startSegmentEngine(sum(plans.map(({ objectSize }) => objectSize)), threads),
      slots: new SlotPool(slots.count, slots.size),
      concurrency,
      partSize,
      digests: md5 === true ? 'sha256+md5' : 'sha256',
      // Ephemeral as one for each object would be, and made once: ten thousand small files notice.
      sender: sender ?? (await generateKeyPair()),
      identities,
      replace: force,
      verify,
      journal,
      signal,
    },
  }
}

/** What makes it the same upload again: the recipients, too, because their header packets are in the journal. */
function jobOf({ bucket, target, sources, recipients, sourceOptions }: UploadRequest) {
  const list = sourceOptions?.filesFrom?.name
  return {
    direction: 'upload' as const,
    bucket,
    objectKey: target,
    paths: [...sources, ...(list === undefined ? [] : [list])],
    readers: recipients.map(({ publicKey }) => hex(publicKey)),
  }
}

async function ownKeys(
  { sender, identities }: UploadRequest,
  job: TransferJob | undefined,
): Promise<readonly KeyPair[]> {
  if (job === undefined || job.journal.earlier.uploads.size === 0) return []
  return [...(sender === undefined ? [] : [sender]), ...((await identities?.()) ?? [])]
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
