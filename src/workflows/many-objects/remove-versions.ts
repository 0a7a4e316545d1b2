import type { Store } from '../../storage/store.ts'
import type { VersionEntry } from '../../storage/version-store.ts'
import { AppError } from '../../util/errors.ts'
import { countVersions, deleteVersions, wantedVersions, type VersionScope } from '../delete-versions.ts'
import { isPrefix } from '../named-objects.ts'
import { formatS3Url } from '../s3-url.ts'
import { ProgressCount } from '../transfer-progress.ts'
import type { FailedTransfer } from '../transfer-run.ts'
import { isNoLater, later, leavesOut, nothingChosen, type Choice, type LeftOut } from './chosen-objects.ts'
import type { RemovedEntry, RemoveObjectsRequest, RemoveObjectsResult } from './remove-request.ts'
import { withProgress } from './run-objects.ts'

/**
 * Deletes versions for good: of one object, or of all below a prefix. What is delivered after they were counted stays.
 *
 * @throws AppError OBJECT_NOT_FOUND when there is nothing, STORE_FAILURE when the server goes on listing what it said was
 * deleted, what `confirm` throws; the signal's reason
 */
export async function removeVersions(
  store: Store,
  request: RemoveObjectsRequest,
  versions: 'all' | 'older',
  signal?: AbortSignal,
): Promise<RemoveObjectsResult> {
  const { place, dryRun = false, concurrency, confirm, onRemoved } = request
  const { bucket } = place
  const look = lookingScope(request, versions)
  const counted = await countVersions(store, bucket, signal, look.scope)
  if (look.chosen === 0) refuseNothing(request, look.leftOut)
  const result = {
    place: formatS3Url(bucket, place.objectKey),
    ...{ dryRun, versions, leftOut: look.leftOut, olderVersions: 'none' as const },
  }
  const scope = scopeOf(request, versions)
  if (dryRun) {
    for await (const version of wantedVersions(store, bucket, scope, signal)) onRemoved?.(entryOf(version))
    return { ...result, removed: counted, failed: [], failedCount: 0 }
  }
  const number = counted.objects + counted.olderVersions + counted.deleteMarkers
  if (number === 0) return { ...result, removed: counted, failed: [], failedCount: 0 }
  await confirm?.(counted)
  const { newest } = look
  const known: VersionScope = {
    ...scope,
    isWanted: (version, above) =>
      scope.isWanted?.(version, above) !== false &&
      isNoLater(version.lastModified, newest) &&
      (versions === 'all' || wasHidden(version, above, newest)),
  }
  const progress = new ProgressCount(counted.bytes, number, request.onProgress)
  const onDeleted = (objectKey: string, version: Pick<VersionEntry, 'size' | 'versionId' | 'kind'>): void => {
    progress.addBytes(objectKey, version.size)
    progress.addFile(objectKey)
    onRemoved?.(entryOf({ ...version, objectKey }))
  }
  const goOn = 'run the same command again: it goes on with what is left'
  const { deleted, failed, failedCount } = await deleteVersions(store, bucket, signal, {
    ...known,
    ...{ concurrency, onDeleted },
  }).catch((error: unknown) => {
    throw withProgress(error, progress.files, goOn, signal?.aborted === true)
  })
  const kept = await countVersions(store, bucket, undefined, known)
  const left = kept.objects + kept.olderVersions + kept.deleteMarkers
  const [first] = failed
  if (left > 0 && first === undefined) throw stillKept(request, left)
  if (first !== undefined && progress.files === 0) throw nothingDeleted(first, failedCount)
  return { ...result, removed: deleted, kept, failed, failedCount }
}

/** The versions of what is chosen; `older` is what no listing of objects shows: delete markers too. */
export function scopeOf(choice: Choice, versions: 'all' | 'older'): VersionScope {
  const { place } = choice
  const reason = leavesOut(choice)
  const isWanted = (version: VersionEntry): boolean =>
    reason(version.objectKey) === undefined && (versions === 'all' || !isShown(version))
  return isPrefix(place) ? { prefix: place.objectKey, isWanted } : { objectKey: place.objectKey, isWanted }
}

interface Look {
  scope: VersionScope
  /** Versions of what is chosen, wanted or not. */
  chosen: number
  newest: Date | undefined
  /** Objects. */
  leftOut: LeftOut
}

/** The same, and notes on the way what else there is. */
function lookingScope(choice: Choice, versions: 'all' | 'older'): Look {
  const reason = leavesOut(choice)
  const scope = scopeOf(choice, versions)
  let lastLeftOut: string | undefined
  const look: Look = {
    scope: {
      ...scope,
      isWanted: (version, above): boolean => {
        const why = reason(version.objectKey)
        if (why === undefined) {
          look.chosen += 1
          look.newest = later(look.newest, version.lastModified)
        } else if (version.objectKey !== lastLeftOut) {
          lastLeftOut = version.objectKey
          look.leftOut[why] += 1
        }
        return scope.isWanted?.(version, above) !== false
      },
    },
    chosen: 0,
    newest: undefined,
    leftOut: { publishedKeys: 0, byPattern: 0, folderItself: 0 },
  }
  return look
}

function isShown({ kind, isLatest }: VersionEntry): boolean {
  return kind === 'object' && isLatest
}

/** What was on top of an object when `newest` was the newest is no older version, though something lies above it now. */
function wasHidden(
  { kind }: VersionEntry,
  above: VersionEntry | undefined,
  newest: Date | undefined,
): boolean {
  return kind === 'delete-marker' || (above !== undefined && isNoLater(above.lastModified, newest))
}

function entryOf({
  objectKey,
  size,
  versionId,
  kind,
}: Pick<VersionEntry, 'objectKey' | 'size' | 'versionId' | 'kind'>): RemovedEntry {
  return { objectKey, size, versionId, kind }
}

/** @throws AppError OBJECT_NOT_FOUND, unless published keys are all there is. */
function refuseNothing({ place }: Choice, { byPattern, publishedKeys }: LeftOut): void {
  if (byPattern > 0) throw nothingChosen(place)
  if (publishedKeys > 0) return
  const url = formatS3Url(place.bucket, place.objectKey)
  throw new AppError(
    'OBJECT_NOT_FOUND',
    isPrefix(place) ? `no version of any object is kept below ${url}` : `no version of ${url} is kept`,
  )
}

function nothingDeleted({ code, message, hints }: FailedTransfer, failures: number): AppError {
  const others = failures === 1 ? [] : [`nothing else was deleted either: ${failures} objects have to stay`]
  return new AppError(code, message, { hints: [...hints, ...others] })
}

function stillKept({ place }: Choice, left: number): AppError {
  return new AppError(
    'STORE_FAILURE',
    `${left} versions of ${formatS3Url(place.bucket, place.objectKey)} are still listed after they were deleted`,
    { hints: ['the server answered that they were gone: run the command again'] },
  )
}
