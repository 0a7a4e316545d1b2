import type { ObjectHead, ObjectName } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import type { VersionEntry } from '../../storage/version-store.ts'
import { AppError, hasCode } from '../../util/errors.ts'
import { isSameObject } from '../copies/same-object.ts'
import { formatS3Url } from '../s3-url.ts'

/**
 * Deletes the source of a finished copy, if it is still the version that was copied. Where the bucket keeps versions this
 * is a delete marker on top of it; a delivery of the last moment that the marker would hide is brought back.
 *
 * @param before - the source as it was copied
 * @throws AppError OBJECT_CHANGED when somebody wrote to it: it stays; STORE_FAILURE when it is still there afterwards
 */
export async function removeSource(
  store: Store,
  source: ObjectName,
  before: ObjectHead,
  { keepsVersions, signal }: { keepsVersions: boolean; signal?: AbortSignal | undefined },
): Promise<void> {
  const { bucket, objectKey } = source
  const now = await store.headObject(bucket, objectKey, { signal })
  if (!isSameObject(before, now)) throw changed(source)
  // From here on an interrupt waits: what was begun is looked at.
  await store.deleteObject(bucket, objectKey)
  if (keepsVersions) await refuseHiding(store, source, before)
  await checkGone(store, source, before)
}

/** Below the marker must lie the version that was copied. */
async function refuseHiding(store: Store, source: ObjectName, before: ObjectHead): Promise<void> {
  const { bucket, objectKey } = source
  const [marker, below] = await newestVersions(store, source)
  // A marker without an id of its own (versions are not kept any more) took the place of what was there.
  const canHide = marker?.kind === 'delete-marker' && marker.versionId !== 'null' && below?.kind === 'object'
  if (!canHide || below.versionId === (before.versionId ?? 'null')) return
  await store.deleteVersion(bucket, objectKey, marker.versionId).catch((error: unknown) => {
    throw hasCode(error, 'ACCESS_DENIED') ? hidden(source, marker.versionId) : error
  })
  throw changed(source)
}

async function newestVersions(store: Store, { bucket, objectKey }: ObjectName): Promise<VersionEntry[]> {
  const found: VersionEntry[] = []
  try {
    // The key itself is the first that begins with it.
    for await (const version of store.listVersions(bucket, { prefix: objectKey })) {
      if (version.objectKey !== objectKey) break
      found.push(version)
      if (found.length === 2) break
    }
  } catch (error) {
    // Who may write may not always see what lies below.
    if (!hasCode(error, 'ACCESS_DENIED', 'UNSUPPORTED')) throw error
  }
  return found
}

/** A 200 is not believed. What was delivered since is another object. */
async function checkGone(store: Store, source: ObjectName, before: ObjectHead): Promise<void> {
  const { bucket, objectKey } = source
  const now = await store.headObject(bucket, objectKey).catch((error: unknown) => {
    if (hasCode(error, 'OBJECT_NOT_FOUND', 'ACCESS_DENIED')) return undefined
    throw error
  })
  if (now === undefined || !isSameObject(before, now)) return
  throw new AppError(
    'STORE_FAILURE',
    `${formatS3Url(bucket, objectKey)} is still there after it was deleted`,
    {
      hints: ['its copy is there as well; run the command again'],
    },
  )
}

function changed({ bucket, objectKey }: ObjectName): AppError {
  return new AppError(
    'OBJECT_CHANGED',
    `${formatS3Url(bucket, objectKey)} was written to while it was moved, and stays`,
    { hints: ['the copy of what was there before lies at the target: look at both'] },
  )
}

function hidden({ bucket, objectKey }: ObjectName, marker: string): AppError {
  return new AppError(
    'OBJECT_CHANGED',
    `${formatS3Url(bucket, objectKey)} was written to while it was moved, and a delete marker hides what was stored last`,
    { hints: [`the bucket's owner can bring it back: delete the version ${marker}, which is the marker`] },
  )
}
