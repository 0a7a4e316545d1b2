import type { ObjectHead, ObjectName, RequestOptions } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import type { VersionEntry } from '../../storage/version-store.ts'
import { AppError, hasCode } from '../../util/errors.ts'
import { isSameObject } from '../copies/same-object.ts'
import { formatS3Url } from '../s3-url.ts'
import { deleteSeen } from './delete-seen.ts'

/** A copy as it was when it was checked. Two objects of one name that agree in this hold the same bytes. */
export interface CheckedCopy {
  /** Bytes. */
  size: number
  etag: string
  versionId?: string | undefined
}

/** An object that was copied. */
export interface CopiedSource {
  source: ObjectName
  /** The source as it was copied. */
  before: ObjectHead
  target: ObjectName
  copy: CheckedCopy
}

/**
 * Deletes the source of a finished copy, if both are still what they were: looked at before every attempt. Where the bucket
 * keeps versions this is a delete marker on top of it; a delivery of the last moment that the marker would hide is brought
 * back.
 *
 * @throws AppError OBJECT_CHANGED when somebody wrote to the source or the copy: the source stays; STORE_FAILURE when it is
 * still there afterwards
 */
export async function removeSource(
  store: Store,
  copied: CopiedSource,
  { keepsVersions, signal }: { keepsVersions: boolean; signal?: AbortSignal | undefined },
): Promise<void> {
  const { source, before } = copied
  const look = async (attempt: number): Promise<boolean> => {
    const isFirst = attempt === 1
    // After the first attempt an interrupt waits: what was begun is looked at.
    const options = isFirst ? { signal } : {}
    const isThere = async (): Promise<boolean> => {
      try {
        const now = await store.headObject(source.bucket, source.objectKey, options)
        if (!isSameObject(before, now)) throw changed(source)
        return true
      } catch (error) {
        // The attempt before this one deleted it, and its answer was lost.
        if (!isFirst && hasCode(error, 'OBJECT_NOT_FOUND')) return false
        throw error
      }
    }
    if (!isFirst && !(await isThere())) return false
    await refuseIfCopyChanged(store, copied, options)
    return isThere()
  }
  await deleteSeen(store, source, look)
  if (keepsVersions) await refuseHiding(store, source, before)
  await checkGone(store, source, before)
}

async function refuseIfCopyChanged(
  store: Store,
  { source, target, copy }: CopiedSource,
  options: RequestOptions,
): Promise<void> {
  const now = await store.headObject(target.bucket, target.objectKey, options).catch((error: unknown) => {
    if (hasCode(error, 'OBJECT_NOT_FOUND')) return undefined
    throw error
  })
  const isSame =
    now?.size === copy.size &&
    now.etag === copy.etag &&
    (now.versionId ?? 'null') === (copy.versionId ?? 'null')
  if (isSame) return
  const what = now === undefined ? 'deleted' : 'replaced'
  throw new AppError(
    'OBJECT_CHANGED',
    `the copy ${formatS3Url(target.bucket, target.objectKey)} was ${what} meanwhile`,
    { hints: [`${formatS3Url(source.bucket, source.objectKey)} was not deleted: look at both`] },
  )
}

/**
 * Below the markers on top must lie the version that was copied. There may be more than one: of attempts whose answers were
 * lost.
 */
async function refuseHiding(store: Store, source: ObjectName, before: ObjectHead): Promise<void> {
  const { bucket, objectKey } = source
  const newest = await newestVersions(store, source)
  const below = newest.find(({ kind }) => kind === 'object')
  const markers = newest.filter(({ kind }) => kind === 'delete-marker')
  // A marker without an id of its own (versions are not kept any more) took the place of what was there.
  const canHide = markers.length > 0 && markers.every(({ versionId }) => versionId !== 'null')
  if (!canHide || below === undefined || below.versionId === (before.versionId ?? 'null')) return
  if (isOlder(below, before)) return
  for (const { versionId } of markers) {
    await store.deleteVersion(bucket, objectKey, versionId).catch((error: unknown) => {
      throw hasCode(error, 'ACCESS_DENIED') ? hidden(source, versionId) : error
    })
  }
  throw changed(source)
}

/** Then what was copied is gone for good, and nothing newer lies below the markers. Headers cut fractions of seconds off. */
function isOlder(version: VersionEntry, before: ObjectHead): boolean {
  if (version.lastModified === undefined || before.lastModified === undefined) return false
  return version.lastModified.getTime() < before.lastModified.getTime()
}

/** The delete markers on top, and the first object below them. */
async function newestVersions(store: Store, { bucket, objectKey }: ObjectName): Promise<VersionEntry[]> {
  const found: VersionEntry[] = []
  try {
    // The key itself is the first that begins with it.
    for await (const version of store.listVersions(bucket, { prefix: objectKey })) {
      if (version.objectKey !== objectKey) break
      found.push(version)
      if (version.kind === 'object') break
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
