import type { Store } from '../storage/store.ts'
import type { VersionEntry } from '../storage/version-store.ts'
import { hasCode } from '../util/errors.ts'
import { forEachPulled } from '../util/pull-pool.ts'
import { failedTransfer, type FailedTransfer } from './transfer-run.ts'

/** Object keys at work at the same time. */
const CONCURRENCY = 16

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

/** Counts everything that a bucket keeps. */
export async function countVersions(
  store: Store,
  bucket: string,
  signal?: AbortSignal,
): Promise<KeptVersions> {
  const totals = noVersions()
  for await (const versions of byKey(everyVersion(store, bucket, signal))) addTo(totals, versions)
  return totals
}

/**
 * Deletes everything that a bucket keeps, for good: objects, older versions, delete markers. Of each object the oldest
 * version first, so that nothing that was deleted or overwritten comes back when this is stopped half-way.
 * What the server refuses (an object lock) is given back as failed; the others go on.
 */
export async function deleteVersions(
  store: Store,
  bucket: string,
  signal?: AbortSignal,
): Promise<{ deleted: KeptVersions; failed: FailedTransfer[] }> {
  const deleted = noVersions()
  const failed: FailedTransfer[] = []
  const versioning = await store.bucketVersioning(bucket, { signal })
  const isVersioned = versioning === 'enabled' || versioning === 'suspended'
  const deleteOne = ({ objectKey, versionId }: VersionEntry): Promise<void> =>
    isVersioned
      ? store.deleteVersion(bucket, objectKey, versionId, { signal })
      : store.deleteObject(bucket, objectKey, { signal })

  const deleteKey = async (versions: readonly VersionEntry[]): Promise<void> => {
    for (const version of versions.toReversed()) {
      try {
        await deleteOne(version)
        addTo(deleted, [version])
      } catch (error) {
        if (!hasCode(error, 'ACCESS_DENIED')) throw error
        failed.push(failedTransfer({ name: version.objectKey, error }))
        // A version above one that stays is what hides it.
        return
      }
    }
  }
  await forEachPulled(byKey(everyVersion(store, bucket, signal)), CONCURRENCY, deleteKey, signal)
  return { deleted, failed }
}

/** Newest first; objects stand for themselves where the server has no versions. */
async function* everyVersion(
  store: Store,
  bucket: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<VersionEntry> {
  try {
    yield* store.listVersions(bucket, { signal })
  } catch (error) {
    if (!hasCode(error, 'UNSUPPORTED')) throw error
    for await (const object of store.listObjects(bucket, { signal })) {
      yield { ...object, kind: 'object', versionId: 'null', isLatest: true }
    }
  }
}

async function* byKey(entries: AsyncIterable<VersionEntry>): AsyncGenerator<VersionEntry[]> {
  let versions: VersionEntry[] = []
  for await (const entry of entries) {
    if (versions.length > 0 && versions[0]?.objectKey !== entry.objectKey) {
      yield versions
      versions = []
    }
    versions.push(entry)
  }
  if (versions.length > 0) yield versions
}

function noVersions(): KeptVersions {
  return { objects: 0, olderVersions: 0, deleteMarkers: 0, bytes: 0 }
}

function addTo(totals: KeptVersions, versions: readonly VersionEntry[]): void {
  for (const { kind, isLatest, size } of versions) {
    if (kind === 'delete-marker') totals.deleteMarkers += 1
    else if (isLatest) totals.objects += 1
    else totals.olderVersions += 1
    totals.bytes += size
  }
}
