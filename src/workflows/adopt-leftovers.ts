import { StorageError } from '../storage/errors.ts'
import type { Store } from '../storage/store.ts'
import type { VersionEntry } from '../storage/version-store.ts'
import { AppError, hasCode } from '../util/errors.ts'
import { finishCopy } from './adopt-finish.ts'
import type { AdoptedObject } from './adopt-object.ts'
import { readUnfinished, removeUnfinished, type UnfinishedAdoption } from './adopt-record.ts'
import { removeCopyRecord, type CopyRecords } from './copies/copy-record.ts'

/** An adoption that an earlier run was stopped in, after its copy had taken the object's place. */
export interface Leftover {
  unfinished: UnfinishedAdoption
  /** The failure, where the owner may not look for it at present. */
  copy: FoundCopy | StorageError
}

interface FoundCopy {
  versionId: string | undefined
  etag: string
  /** Whether the version it was made from is kept below it. */
  hasOlder: boolean
  /** Whether it lies on top of something that was delivered after the version it was made from. */
  isHiding: boolean
}

/** Finds the copies that earlier runs left unfinished; forgets what never took its object's place. Throws FILE_UNREADABLE. */
export async function findLeftovers(
  store: Store,
  records: CopyRecords,
  bucket: { bucket: string; prefix: string; ownerId: string; versioned: boolean },
  signal: AbortSignal | undefined,
): Promise<Leftover[]> {
  const found: Leftover[] = []
  for (const unfinished of await readUnfinished(records, bucket.bucket)) {
    if (!unfinished.objectKey.startsWith(bucket.prefix)) continue
    const find = bucket.versioned ? copyAmongVersions : copyUnderName
    const copy = await find(store, unfinished, bucket.ownerId, signal).catch((error: unknown) => {
      if (error instanceof StorageError && error.code === 'ACCESS_DENIED') return error
      throw error
    })
    if (copy === undefined) await removeUnfinished(records, unfinished)
    else found.push({ unfinished, copy })
  }
  return found
}

/**
 * Does what is left of an adoption.
 *
 * @throws StorageError ACCESS_DENIED; AppError OBJECT_CHANGED, and changes nothing, when the copy hides a newer delivery
 */
export async function finishLeftover(
  store: Store,
  records: CopyRecords,
  { unfinished, copy }: Leftover,
  ownerId: string,
): Promise<AdoptedObject> {
  const { bucket, objectKey, versionId, size, etag, copyEtag, previousOwner, tags, parts } = unfinished
  if (copy instanceof StorageError) throw copy
  if (copy.isHiding) {
    throw new AppError('OBJECT_CHANGED', `s3://${bucket}/${objectKey} was written to while it was copied`, {
      hints: [
        'the copy lies on top of what was delivered then: look at its versions, and delete one of the two',
      ],
    })
  }
  const older = copy.hasOlder ? versionId : undefined
  const place = { bucket, objectKey, versionId: copy.versionId }
  const olderVersion = await finishCopy(store, place, { ownerId, tags, older })
  if (parts > 1) await removeCopyRecord(records, unfinished)
  await removeUnfinished(records, unfinished)
  const isParts = copy.etag === copyEtag
  return {
    objectKey,
    size,
    ...(previousOwner === undefined ? {} : { previousOwner }),
    etag: copy.etag,
    parts,
    comparedBy: copy.etag === etag ? 'etag' : isParts ? 'parts' : 'size',
    ...(olderVersion === undefined ? {} : { olderVersion }),
  }
}

/**
 * What lies next above the source and may be the copy; of several such in a row the newest, as when a copy was asked for
 * again because its answer was lost.
 */
async function copyAmongVersions(
  store: Store,
  { bucket, objectKey, versionId, ...source }: UnfinishedAdoption,
  ownerId: string,
  signal: AbortSignal | undefined,
): Promise<FoundCopy | undefined> {
  let copy: VersionEntry | undefined
  let isBeside = false
  const foundAs = (hasOlder: boolean, isHiding: boolean): FoundCopy | undefined =>
    copy && { versionId: copy.versionId, etag: copy.etag, hasOlder, isHiding }
  // The key itself is the first that begins with it.
  for await (const version of store.listVersions(bucket, { prefix: objectKey, signal })) {
    if (version.objectKey !== objectKey) break
    const isCopy = version.kind === 'object' && version.ownerId === ownerId && hasBytesOf(source, version)
    const isSource = version.versionId === versionId
    if (isSource && !isCopy) return foundAs(true, copy?.isLatest === true && !isBeside)
    if (isCopy && !isBeside) copy = version
    isBeside = isCopy
    // A copy without a version of its own took the place of what it was made from.
    if (isSource) return foundAs(false, false)
  }
  return foundAs(false, false)
}

async function copyUnderName(
  store: Store,
  { bucket, objectKey, ...source }: UnfinishedAdoption,
  ownerId: string,
  signal: AbortSignal | undefined,
): Promise<FoundCopy | undefined> {
  try {
    const head = await store.headObject(bucket, objectKey, { signal })
    if (!hasBytesOf(source, head)) return undefined
    if ((await store.objectAcl(bucket, objectKey, { signal })).ownerId !== ownerId) return undefined
    return { versionId: undefined, etag: head.etag, hasOlder: false, isHiding: false }
  } catch (error) {
    if (hasCode(error, 'OBJECT_NOT_FOUND')) return undefined
    throw error
  }
}

function hasBytesOf(
  { size, copyEtag }: Pick<UnfinishedAdoption, 'size' | 'copyEtag'>,
  found: { size: number; etag: string },
): boolean {
  return found.size === size && (copyEtag === null || found.etag === copyEtag)
}
