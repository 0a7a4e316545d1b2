import type { Store } from '../storage/store.ts'
import type { VersionEntry } from '../storage/version-store.ts'
import { AppError, hasCode } from '../util/errors.ts'
import { forEachPulled } from '../util/pull-pool.ts'
import { KEPT_FAILURES } from './many-objects/run-objects.ts'
import { failedTransfer, type FailedTransfer } from './transfer-run.ts'

/** Object keys at work at the same time. */
const CONCURRENCY = 16

/**
 * Versions of one object that are remembered at a time: they are listed newest first and deleted oldest first. An object
 * that has more is listed again for each so many.
 */
const VERSIONS_AT_ONCE = 10_000

/** What a bucket keeps: part of the --json contract of `bucket close`. */
export interface KeptVersions {
  /** Newest versions: what a listing shows. */
  objects: number
  /** Versions that were overwritten, or lie below a delete marker. */
  olderVersions: number
  deleteMarkers: number
  /** Bytes of all versions. */
  bytes: number
}

/** Which of the versions in a bucket are meant; all when absent. */
export interface VersionScope {
  /** Of this object alone. */
  objectKey?: string | undefined
  /** Of objects whose keys begin so. */
  prefix?: string | undefined
  /** Given the next newer version of the same object as well. */
  isWanted?: ((version: VersionEntry, above: VersionEntry | undefined) => boolean) | undefined
}

interface DeleteVersionsOptions extends VersionScope {
  /** Versions of one object that are remembered at a time, at most twice as many while they are listed; 10 000 when absent. */
  versionsAtOnce?: number | undefined
  /** Object keys at work at the same time; 16 when absent. */
  concurrency?: number | undefined
  /** Told what was deleted. */
  onDeleted?: ((objectKey: string, version: ListedVersion) => void) | undefined
}

/** Counts what a bucket keeps, or some of it. */
export async function countVersions(
  store: Store,
  bucket: string,
  signal?: AbortSignal,
  scope: VersionScope = {},
): Promise<KeptVersions> {
  const totals = noVersions()
  for await (const version of wantedVersions(store, bucket, scope, signal)) addTo(totals, version)
  return totals
}

/**
 * Deletes everything that a bucket keeps, or what of it is meant, for good: objects, older versions, delete markers. Of each
 * object the oldest version first, so that nothing that was deleted or overwritten comes back when this is stopped half-way.
 * What the server refuses (an object lock) is given back as failed, the first thousand by name; the others go on.
 *
 * @throws AppError STORE_FAILURE when the server goes on listing what it said was deleted
 */
export async function deleteVersions(
  store: Store,
  bucket: string,
  signal?: AbortSignal,
  options: DeleteVersionsOptions = {},
): Promise<{ deleted: KeptVersions; failed: FailedTransfer[]; failedCount: number }> {
  const { versionsAtOnce = VERSIONS_AT_ONCE, concurrency = CONCURRENCY, onDeleted } = options
  const deleted = noVersions()
  const failed: FailedTransfer[] = []
  let failedCount = 0
  const versioning = await store.bucketVersioning(bucket, { signal })
  const isVersioned = versioning === 'enabled' || versioning === 'suspended'
  const deleteOne = (objectKey: string, versionId: string): Promise<void> =>
    isVersioned
      ? store.deleteVersion(bucket, objectKey, versionId, { signal })
      : store.deleteObject(bucket, objectKey, { signal })

  /** False when one had to stay. */
  const deleteOldest = async ({ objectKey, oldest }: ListedKey): Promise<boolean> => {
    for (const version of oldest.toReversed()) {
      try {
        await deleteOne(objectKey, version.versionId)
        addTo(deleted, version)
        onDeleted?.(objectKey, version)
      } catch (error) {
        if (!hasCode(error, 'ACCESS_DENIED')) throw error
        failedCount += 1
        if (failed.length < KEPT_FAILURES) failed.push(failedTransfer({ name: objectKey, error }))
        // A version above one that stays is what hides it.
        return false
      }
    }
    return true
  }
  const deleteKey = async (listed: ListedKey): Promise<void> => {
    let left: ListedKey | undefined = listed
    while (left !== undefined && (await deleteOldest(left)) && left.hasNewer) {
      const before: string | undefined = left.oldest.at(-1)?.versionId
      const { objectKey } = listed
      left = await listedAgain(
        store,
        bucket,
        { objectKey, isWanted: options.isWanted },
        versionsAtOnce,
        signal,
      )
      if (left?.oldest.at(-1)?.versionId === before && before !== undefined) throw stillListed(bucket, listed)
    }
  }
  const listed = byKey(wantedVersions(store, bucket, options, signal), versionsAtOnce)
  await forEachPulled(listed, concurrency, deleteKey, signal)
  return { deleted, failed, failedCount }
}

function stillListed(bucket: string, { objectKey }: ListedKey): AppError {
  return new AppError('STORE_FAILURE', `s3://${bucket}/${objectKey} keeps a version that was deleted`, {
    hints: ['the server answered that it was gone, and lists it still: run the command again'],
  })
}

async function listedAgain(
  store: Store,
  bucket: string,
  scope: VersionScope,
  versionsAtOnce: number,
  signal: AbortSignal | undefined,
): Promise<ListedKey | undefined> {
  for await (const listed of byKey(wantedVersions(store, bucket, scope, signal), versionsAtOnce))
    return listed
  return undefined
}

/** The versions that are meant, by object key and each key's newest first. */
export async function* wantedVersions(
  store: Store,
  bucket: string,
  { objectKey, prefix, isWanted = () => true }: VersionScope,
  signal: AbortSignal | undefined,
): AsyncGenerator<VersionEntry, void, undefined> {
  let last: VersionEntry | undefined
  for await (const version of everyVersion(store, bucket, objectKey ?? prefix, signal)) {
    // The key itself is the first that begins with it.
    if (objectKey !== undefined && version.objectKey !== objectKey) return
    const above = last?.objectKey === version.objectKey ? last : undefined
    last = version
    if (isWanted(version, above)) yield version
  }
}

/** Newest first; objects stand for themselves where the server has no versions. */
async function* everyVersion(
  store: Store,
  bucket: string,
  prefix: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<VersionEntry> {
  const within = prefix === undefined ? {} : { prefix }
  try {
    yield* store.listVersions(bucket, { ...within, signal })
  } catch (error) {
    if (!hasCode(error, 'UNSUPPORTED')) throw error
    for await (const object of store.listObjects(bucket, { ...within, signal })) {
      yield { ...object, kind: 'object', versionId: 'null', isLatest: true }
    }
  }
}

/** A version without what its key and its bytes are. */
type ListedVersion = Pick<VersionEntry, 'versionId' | 'kind' | 'isLatest' | 'size'>

interface ListedKey {
  objectKey: string
  /** Newest first. */
  oldest: ListedVersion[]
  /** Whether there are newer ones, which were not remembered. */
  hasNewer: boolean
}

async function* byKey(entries: AsyncIterable<VersionEntry>, atOnce: number): AsyncGenerator<ListedKey> {
  let key: ListedKey | undefined
  for await (const { objectKey, versionId, kind, isLatest, size } of entries) {
    if (key?.objectKey !== objectKey) {
      if (key !== undefined) yield oldestOf(key, atOnce)
      key = { objectKey, oldest: [], hasNewer: false }
    }
    key.oldest.push({ versionId, kind, isLatest, size })
    // Not one by one: each time moves all that stay.
    if (key.oldest.length >= 2 * atOnce) key = oldestOf(key, atOnce)
  }
  if (key !== undefined) yield oldestOf(key, atOnce)
}

function oldestOf({ objectKey, oldest, hasNewer }: ListedKey, atOnce: number): ListedKey {
  return { objectKey, oldest: oldest.slice(-atOnce), hasNewer: hasNewer || oldest.length > atOnce }
}

function noVersions(): KeptVersions {
  return { objects: 0, olderVersions: 0, deleteMarkers: 0, bytes: 0 }
}

function addTo(totals: KeptVersions, { kind, isLatest, size }: ListedVersion): void {
  if (kind === 'delete-marker') totals.deleteMarkers += 1
  else if (isLatest) totals.objects += 1
  else totals.olderVersions += 1
  totals.bytes += size
}
