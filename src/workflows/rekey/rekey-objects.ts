import type { ObjectEntry } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import { removeUpload } from '../../storage/upload-cleanup.ts'
import { AppError, hasCode } from '../../util/errors.ts'
import { forEachPulled } from '../../util/pull-pool.ts'
import { formatS3Url } from '../s3-url.ts'
import { ProgressCount } from '../transfer-progress.ts'
import { listForRekey } from './rekey-listing.ts'
import { checkRekeyRequest, refuseOwnTarget } from './rekey-arguments.ts'
import { RekeyLog, rekeyId } from './rekey-log.ts'
import { startRekeyReport, type RekeyReport } from './rekey-report.ts'
import type { RekeyObjectsRequest, RekeyObjectsResult } from './rekey-request.ts'
import { RekeyTally } from './rekey-tally.ts'
import { RekeyWork, objectsAtOnce } from './rekey-work.ts'

export type { RekeyObjectsRequest, RekeyObjectsResult } from './rekey-request.ts'

/** Failures named when one of them stands for all. */
const NAMED_FAILURES = 10

/**
 * Gives objects in a store other readers: each gets a new header in place, and with `deep` a new data key and a new body.
 * At every moment a whole object is under every name. One that fails does not stop the others. May be stopped and given
 * again: with `records` it goes on with what is left. Memory does not grow with the number of objects, but for those that
 * the result tells of and those that fail.
 *
 * @throws AppError USAGE for arguments that don't go together; OBJECT_NOT_FOUND when there is nothing; TRANSFER_RUNNING;
 * the first failure, when nothing succeeded; a failure that all others would meet as well; the signal's reason, with a
 * hint how to go on; FILE_UNREADABLE, DISK_FULL for the report or the records
 */
export async function rekeyObjects(
  store: Store,
  request: RekeyObjectsRequest,
  signal?: AbortSignal,
): Promise<RekeyObjectsResult> {
  const started = performance.now()
  checkRekeyRequest(request)
  await refuseOwnTarget(store, request, signal)
  const { place, into = place, records, dryRun } = request
  const versioned = await keepsVersions(store, into.bucket, request, signal)
  const listing = await listForRekey(store, place, signal)
  const tally = new RekeyTally(request.keepResults ?? Infinity)
  const report = await startReport(request)
  try {
    const log =
      records === undefined
        ? undefined
        : await RekeyLog.open(records.folder, rekeyId(records.endpoint, request))
    try {
      if (!dryRun) await abortLeftUploads(store, into.bucket, log)
      const progress = new ProgressCount(listing.bytes, listing.count, request.onProgress)
      const work = new RekeyWork(store, request, {
        versioned,
        tally,
        report,
        log,
        progress,
        bytes: listing.bytes,
        signal,
      })
      await runAll(work, listing.entries, request, listing.count, signal)
      const seconds = (performance.now() - started) / 1000
      await report?.finish({ versioned, skipped: tally.skipped, totals: tally.totals, seconds })
      if (tally.failed.length === 0 && !dryRun) await log?.remove()
      throwWhenNothingSucceeded(tally)
      return resultOf(request, versioned, tally, seconds)
    } finally {
      await log?.close()
    }
  } finally {
    await report?.discard()
  }
}

async function runAll(
  work: RekeyWork,
  entries: AsyncIterable<ObjectEntry> | Iterable<ObjectEntry>,
  request: RekeyObjectsRequest,
  count: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await forEachPulled(entries, objectsAtOnce(request), (entry) => work.rekey(entry), signal)
  } catch (error) {
    throw withWayOn(signal?.aborted === true ? signal.reason : error, error, work.done, count, request)
  } finally {
    await work.close()
  }
}

/** What ends a run before its end says how to go on. */
function withWayOn(
  shown: unknown,
  cause: unknown,
  done: number,
  count: number,
  { records, dryRun }: RekeyObjectsRequest,
): unknown {
  if (!(shown instanceof AppError) || dryRun) return shown
  const how =
    records === undefined
      ? `${done} of ${count} objects are done; every object is whole, the old one or the new one`
      : `run the same command again to go on: ${done} of ${count} objects are done, and every one is whole`
  return new AppError(shown.code, shown.message, { hints: [...shown.hints, how], cause })
}

/** Whether the bucket keeps what is overwritten; who may not ask is told by the objects themselves. */
async function keepsVersions(
  store: Store,
  bucket: string,
  { deleteReplaced }: RekeyObjectsRequest,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    const versioning = await store.bucketVersioning(bucket, { signal })
    return versioning === 'enabled' || versioning === 'suspended'
  } catch (error) {
    if (!hasCode(error, 'ACCESS_DENIED') || deleteReplaced) throw error
    return false
  }
}

async function startReport(request: RekeyObjectsRequest): Promise<RekeyReport | undefined> {
  if (request.report === undefined) return undefined
  return startRekeyReport(request.report, { endpoint: request.records?.endpoint, ...askedFor(request) })
}

/** Uploads of new bodies that a killed run left behind: they can't be gone on with, because their data keys are gone. */
async function abortLeftUploads(store: Store, bucket: string, log: RekeyLog | undefined): Promise<void> {
  for (const { target, uploadId } of log?.uploads() ?? []) {
    await removeUpload(store, { bucket, objectKey: target, uploadId })
  }
}

function throwWhenNothingSucceeded({ failed, firstFailure, totals, skipped }: RekeyTally): void {
  if (firstFailure === undefined || totals.objects > 0 || skipped.doneBefore > 0) return
  const others = failed.slice(1)
  if (others.length === 0) throw firstFailure
  const named = others.slice(0, NAMED_FAILURES).map(({ name, code }) => `${name} (${code})`)
  const more = others.length > NAMED_FAILURES ? ` and ${others.length - NAMED_FAILURES} more` : ''
  throw new AppError(firstFailure.code, firstFailure.message, {
    cause: firstFailure,
    hints: [...firstFailure.hints, `nothing else succeeded either: ${named.join(', ')}${more}`],
  })
}

function askedFor({
  place,
  into,
  names,
  deep,
  dryRun,
}: RekeyObjectsRequest): Pick<
  RekeyObjectsResult,
  'place' | 'into' | 'deep' | 'dryRun' | 'added' | 'removed' | 'exactly'
> {
  const { added, removed, exactly } = names
  return {
    place: formatS3Url(place.bucket, place.objectKey),
    ...(into === undefined ? {} : { into: formatS3Url(into.bucket, into.objectKey) }),
    deep,
    dryRun,
    added: [...added],
    removed: [...removed],
    ...(exactly === undefined ? {} : { exactly: [...exactly] }),
  }
}

function resultOf(
  request: RekeyObjectsRequest,
  versioned: boolean,
  { rekeyed, planned, skipped, failed, totals }: RekeyTally,
  seconds: number,
): RekeyObjectsResult {
  const { report } = request
  return {
    ...askedFor(request),
    versioned,
    rekeyed,
    planned,
    skipped,
    failed,
    totals,
    ...(report === undefined ? {} : { report }),
    seconds,
  }
}
