import type { ObjectEntry } from '../storage/object-store.ts'
import type { Store } from '../storage/store.ts'
import { AppError, hasCode } from '../util/errors.ts'
import { countVersions, type KeptVersions } from './delete-versions.ts'
import { chosenObjects, countChosen, isNoLater } from './many-objects/chosen-objects.ts'
import { deleteListed } from './many-objects/delete-seen.ts'
import type { RemoveObjectsRequest, RemoveObjectsResult } from './many-objects/remove-request.ts'
import { removeVersions, scopeOf } from './many-objects/remove-versions.ts'
import { runObjects } from './many-objects/run-objects.ts'
import { versionKeeping } from './many-objects/version-keeping.ts'
import { isPrefix } from './named-objects.ts'
import { formatS3Url, type S3Location } from './s3-url.ts'
import { ProgressCount } from './transfer-progress.ts'

export type {
  RemovedEntry,
  RemoveObjectsRequest,
  RemoveObjectsResult,
} from './many-objects/remove-request.ts'

/** Object keys at work at the same time: each is one small request. */
const CONCURRENCY = 16

/**
 * Deletes one object, or all below a prefix. What is delivered after they were counted stays. Afterwards it is looked
 * whether they are gone. Never a bucket. May be stopped and given again. One that fails does not stop the others.
 *
 * @throws AppError USAGE when a prefix and `recursive` don't go together, OBJECT_NOT_FOUND when there is nothing, what
 * `confirm` throws; STORE_FAILURE when the server goes on listing what it said was deleted; the first failure, when
 * nothing could be deleted; the signal's reason
 */
export async function removeObjects(
  store: Store,
  request: RemoveObjectsRequest,
  signal?: AbortSignal,
): Promise<RemoveObjectsResult> {
  checkPlace(request)
  if (request.versions !== undefined) return removeVersions(store, request, request.versions, signal)
  const { place, dryRun = false, concurrency = CONCURRENCY, confirm, onRemoved } = request
  const totals = await countChosen(store, request, signal)
  const counted = { objects: totals.objects, olderVersions: 0, deleteMarkers: 0, bytes: totals.bytes }
  const olderVersions = await versionKeeping(store, place.bucket, signal)
  const result = {
    place: formatS3Url(place.bucket, place.objectKey),
    ...{ dryRun, versions: 'newest' as const, leftOut: totals.leftOut, olderVersions },
  }
  const known = ({ lastModified }: ObjectEntry): boolean => isNoLater(lastModified, totals.newest)
  if (dryRun) {
    for await (const { objectKey, size } of chosenObjects(store, request, signal))
      onRemoved?.({ objectKey, size })
    return { ...result, removed: counted, failed: [], failedCount: 0 }
  }
  if (totals.objects > 0) await confirm?.(counted)
  const removed = { objects: 0, olderVersions: 0, deleteMarkers: 0, bytes: 0 }
  const progress = new ProgressCount(totals.bytes, totals.objects, request.onProgress)
  const removeOne = async (entry: ObjectEntry): Promise<void> => {
    const { objectKey, size } = entry
    if (!known(entry)) return
    // A delete marker hides nothing for good.
    if (olderVersions === 'kept') await store.deleteObject(place.bucket, objectKey, { signal })
    else await deleteListed(store, place.bucket, entry, signal)
    removed.objects += 1
    removed.bytes += size
    progress.addBytes(objectKey, size)
    progress.addFile(objectKey)
    onRemoved?.({ objectKey, size })
  }
  const goOn = 'run the same command again: it goes on with what is left'
  const run =
    totals.objects === 0
      ? { failed: [], failedCount: 0 }
      : await runObjects(chosenObjects(store, request, signal), removeOne, { concurrency, goOn, signal })
  if (totals.objects > 0 && run.failedCount === 0) await checkGone(store, request, known)
  const kept = olderVersions === 'none' ? undefined : await keptOf(store, request)
  const { failed, failedCount } = run
  return { ...result, removed, ...(kept === undefined ? {} : { kept }), failed, failedCount }
}

/** Nothing is deleted because of a slash too many or too few. */
function checkPlace({ place, recursive }: RemoveObjectsRequest): void {
  const url = formatS3Url(place.bucket, place.objectKey)
  if (isPrefix(place) && recursive) return
  if (!isPrefix(place) && !recursive) return
  if (recursive) {
    throw new AppError(
      'USAGE',
      `${url} names one object: as a prefix it would take what only begins so as well`,
      {
        hints: [
          `for all below it: sealift rm ${url}/ --recursive`,
          'for the object of that name, leave --recursive out',
        ],
      },
    )
  }
  throw new AppError('USAGE', `${url} stands for all below it`, {
    hints: ['if that is meant, give --recursive; --dry-run shows what it is'],
  })
}

/** A 200 is not believed: what was known before must not be listed any more. */
async function checkGone(
  store: Store,
  { place, ...choice }: RemoveObjectsRequest,
  known: (entry: ObjectEntry) => boolean,
): Promise<void> {
  try {
    for await (const entry of chosenObjects(store, { place, ...choice })) {
      if (known(entry)) throw stillThere(place, entry)
    }
  } catch (error) {
    if (!hasCode(error, 'OBJECT_NOT_FOUND', 'ACCESS_DENIED')) throw error
  }
}

function stillThere({ bucket }: S3Location, { objectKey }: ObjectEntry): AppError {
  return new AppError(
    'STORE_FAILURE',
    `${formatS3Url(bucket, objectKey)} is still there after it was deleted`,
    {
      hints: ['the server answered that it was gone: look at it, and run the command again'],
    },
  )
}

/** What the bucket keeps below what was deleted; undefined to those who may not see it. */
async function keptOf(store: Store, request: RemoveObjectsRequest): Promise<KeptVersions | undefined> {
  try {
    return await countVersions(store, request.place.bucket, undefined, scopeOf(request, 'all'))
  } catch (error) {
    if (hasCode(error, 'ACCESS_DENIED', 'UNSUPPORTED')) return undefined
    throw error
  }
}
