import { posix } from 'node:path'
import { compareKeys } from '../../storage/key-order.ts'
import type { ProviderName } from '../../storage/provider/provider.ts'
import type { Store } from '../../storage/store.ts'
import { SMALL_OBJECT } from '../../transfer/download-small.ts'
import { threadsFor } from '../../transfer/segment-engine.ts'
import { SlotPool } from '../../transfer/slot-pool.ts'
import { AppError, hasCode } from '../../util/errors.ts'
import { downloadSizes, smallAtOnce } from '../download-sizes.ts'
import { formatByName } from '../listing/object-format.ts'
import { isPrefix, namedObjects } from '../named-objects.ts'
import { formatS3Url, type S3Location } from '../s3-url.ts'
import { ProgressCount } from '../transfer-progress.ts'
import { failedTransfer, runTransfers, type FailedTransfer } from '../transfer-run.ts'
import { CheckThreads } from './check-threads.ts'
import { slotSizeFor } from './read-object.ts'
import { readRecordedDigests, type RecordedDigests } from './recorded-digests.ts'
import type { VerifiedObject } from './verdict.ts'
import { verifyObject, type VerifyObjectOptions } from './verify-object.ts'
import { startVerifyReport, type VerifyReport } from './verify-report.ts'
import {
  ObjectsNotWholeError,
  problemsOf,
  type VerifyObjectsRequest,
  type VerifyObjectsResult,
} from './verify-request.ts'
import { VerifyTally } from './verify-tally.ts'

/** What a run has to look at. */
interface WantedObjects {
  objects: WantedObject[]
  skipped: number
}

interface WantedObject {
  objectKey: string
  size: number
  etag: string
}

/** Servers whose ETag of an object without parts is its MD5, whatever they are configured to. */
const MD5_SERVERS: ReadonlySet<ProviderName> = new Set(['ceph', 'ceph-keystone', 'versitygw', 'swift'])

/** Names of a list that a result gives as examples. */
const NAMED_UNMATCHED = 20

/**
 * Reads objects where they are and throws away what was read: their structure, their bytes beside their ETags, and with
 * an identity every tag and what was recorded of the plaintext. Nothing is written but the report.
 *
 * @throws ObjectsNotWholeError when an object is damaged, or when none is whole; AppError OBJECT_NOT_FOUND, USAGE; what
 * readRecordedDigests and startVerifyReport throw; StorageError when no object could be read; the signal's reason
 */
export async function verifyObjects(
  store: Store,
  request: VerifyObjectsRequest,
  signal?: AbortSignal,
): Promise<VerifyObjectsResult> {
  const started = performance.now()
  const { place, identities, digests, headersOnly = false } = request
  if (digests !== undefined && (identities.length === 0 || headersOnly)) {
    throw new AppError('USAGE', 'digests of the plaintext can only be compared with what is opened', {
      hints: ['name your secret key with --identity FILE, and leave --headers-only out'],
    })
  }
  const recorded = digests === undefined ? undefined : await readRecordedDigests(digests, prefixOf(place))
  const address = formatS3Url(place.bucket, place.objectKey)
  const report = request.report === undefined ? undefined : await startVerifyReport(request.report, address)
  try {
    const wanted = await wantedObjects(store, place, signal)
    const run = new VerifyRun(store, request, recorded, report, wanted, signal)
    const { objects, failed, ...counted } = await run.verifyAll(wanted)
    const end = {
      headersOnly,
      ...counted,
      skipped: wanted.skipped,
      ...unmatchedOf(recorded, counted),
      seconds: (performance.now() - started) / 1000,
    }
    await report?.finish(end)
    const result: VerifyObjectsResult = {
      place: address,
      objects,
      failed,
      ...end,
      ...(request.report === undefined ? {} : { report: request.report }),
    }
    throwWhatStandsForAll(result)
    return result
  } finally {
    await report?.discard()
  }
}

/** Damage ends the command with its own code, and so does a run in which nothing is whole. */
function throwWhatStandsForAll(result: VerifyObjectsResult): void {
  const damaged = result.objects.find(({ outcome }) => outcome === 'damaged')
  if (damaged !== undefined) throw new ObjectsNotWholeError(damaged, result)
  const { counts, headersOnly } = result
  const [first] = problemsOf(result)
  const fine = counts.whole + (headersOnly ? counts.unproven : 0)
  if (first !== undefined && fine === 0) throw new ObjectsNotWholeError(first, result)
}

function unmatchedOf(
  recorded: RecordedDigests | undefined,
  { notTried }: { notTried: number },
): Pick<VerifyObjectsResult, 'unmatched'> {
  const names = notTried > 0 ? [] : (recorded?.unused() ?? [])
  if (names.length === 0) return {}
  return { unmatched: { count: names.length, examples: names.slice(0, NAMED_UNMATCHED) } }
}

/** Published keys and folder markers are left out of a prefix; whoever names one object means it. */
async function wantedObjects(
  store: Store,
  place: S3Location,
  signal: AbortSignal | undefined,
): Promise<WantedObjects> {
  const found: WantedObjects = { objects: [], skipped: 0 }
  for await (const { objectKey, size, etag } of namedObjects(store, place, signal)) {
    const format = isPrefix(place) ? formatByName({ objectKey, size }, false) : undefined
    if (format === 'folder' || format === 'key') found.skipped += 1
    else found.objects.push({ objectKey, size, etag })
  }
  if (found.objects.length > 0) return found
  // To end well would say that something was verified.
  const address = formatS3Url(place.bucket, place.objectKey)
  throw new AppError('OBJECT_NOT_FOUND', `below ${address} are only published keys and folder markers`, {
    hints: [`look what is there: sealift ls s3://${place.bucket}/`],
  })
}

/** What names in a list of digests count from. */
function prefixOf(place: S3Location): string {
  if (isPrefix(place)) return place.objectKey
  const folder = posix.dirname(place.objectKey)
  return folder === '.' ? '' : `${folder}/`
}

/** What the objects of a run share. */
class VerifyRun {
  readonly #store: Store
  readonly #request: VerifyObjectsRequest
  readonly #report: VerifyReport | undefined
  readonly #tally = new VerifyTally()
  readonly #progress: ProgressCount
  readonly #threads: CheckThreads
  readonly #options: Omit<VerifyObjectOptions, 'onBytes' | 'etagsAreMd5'>
  readonly #signal: AbortSignal | undefined
  readonly #smallAtOnce: number
  #isStopped = false
  #looked = 0

  constructor(
    store: Store,
    request: VerifyObjectsRequest,
    recorded: RecordedDigests | undefined,
    report: VerifyReport | undefined,
    { objects }: WantedObjects,
    signal: AbortSignal | undefined,
  ) {
    const { headersOnly = false, concurrency, memory } = request
    const totalBytes = objects.reduce((sum, { size }) => sum + size, 0)
    const sizes = downloadSizes({ concurrency, memory })
    const small = objects.filter(isSmall).reduce((most, { size }) => Math.max(most, size), 1)
    const large = objects.reduce((most, { size }) => Math.max(most, size), 1)
    this.#store = store
    this.#request = request
    this.#report = report
    this.#signal = signal
    this.#progress = new ProgressCount(totalBytes, objects.length, request.onProgress)
    this.#threads = new CheckThreads(headersOnly ? 0 : (request.threads ?? threadsFor(totalBytes)))
    this.#smallAtOnce = concurrency ?? smallAtOnce(small, memory)
    const rangeSize = Math.min(sizes.rangeSize, large)
    this.#options = {
      store,
      slots: new SlotPool(sizes.concurrency, slotSizeFor(rangeSize)),
      smallSlots: new SlotPool(this.#smallAtOnce, small),
      concurrency: sizes.concurrency,
      rangeSize,
      threads: this.#threads,
      identities: request.identities,
      senders: request.senders,
      headersOnly,
      recordedOf: recorded && ((objectKey) => recorded.of(objectKey)),
      signal,
    }
  }

  async verifyAll({ objects }: WantedObjects) {
    try {
      const { failed } = await this.#run(objects)
      const { objects: kept, ...rest } = this.#tally.end()
      const notTried = objects.length - this.#looked
      return {
        objects: kept.sort((a, b) => compareKeys(a.objectKey, b.objectKey)),
        failed,
        ...rest,
        notTried,
      }
    } finally {
      await this.#threads.close()
    }
  }

  async #run(objects: readonly WantedObject[]): Promise<{ failed: FailedTransfer[] }> {
    // The listing was answered: that tells what kind of server it is, without another request.
    const { name: server } = await this.#store.provider({ signal: this.#signal })
    const etagsAreMd5 = MD5_SERVERS.has(server)
    return runTransfers(
      objects,
      ({ objectKey }) => objectKey,
      (object) => this.#verify(object, etagsAreMd5),
      { signal: this.#signal, isSmall, smallAtOnce: this.#smallAtOnce },
    )
  }

  async #verify(object: WantedObject, etagsAreMd5: boolean): Promise<void> {
    if (this.#isStopped) return
    this.#looked += 1
    try {
      const { verified, bytes } = await this.#verifyNewest(object, etagsAreMd5)
      this.#tally.add(verified, bytes)
      await this.#report?.add(verified)
      // What there was no need to read is done as well.
      this.#progress.addBytes(object.objectKey, Math.max(0, object.size - bytes))
      this.#progress.addFile(object.objectKey)
      if (verified.code !== undefined) this.#stopWhereAsked()
    } catch (error) {
      this.#stopWhereAsked()
      if (error instanceof AppError && this.#signal?.aborted !== true) {
        const { code, message } = failedTransfer({ name: object.objectKey, error })
        await this.#report?.add({ objectKey: object.objectKey, outcome: 'failed', code, message })
      }
      throw error
    }
  }

  /** A listing may be hours old when its last object's turn comes: that one was replaced since is no failure. */
  async #verifyNewest(
    object: WantedObject,
    etagsAreMd5: boolean,
  ): Promise<{ verified: VerifiedObject; bytes: number }> {
    const { objectKey } = object
    const { bucket } = this.#request.place
    const name = { bucket, objectKey }
    let counted = 0
    const options: VerifyObjectOptions = {
      ...this.#options,
      etagsAreMd5,
      onBytes: (count) => {
        counted += count
        this.#progress.addBytes(objectKey, count)
      },
    }
    try {
      const verified = await verifyObject(name, object, options)
      return { verified, bytes: counted }
    } catch (error) {
      if (!hasCode(error, 'OBJECT_CHANGED') || counted > 0) throw error
      const { size, etag } = await this.#store.headObject(bucket, objectKey, { signal: this.#signal })
      if (size === object.size && etag === object.etag) throw error
      // What grew since does not fit the buffers that were planned for small objects.
      if (isSmall({ size }) && size > this.#options.smallSlots.size) throw error
      const verified = await verifyObject(name, { size, etag }, options)
      return { verified, bytes: counted }
    }
  }

  #stopWhereAsked(): void {
    if (this.#request.failFast === true) this.#isStopped = true
  }
}

function isSmall({ size }: { size: number }): boolean {
  return size <= SMALL_OBJECT
}
