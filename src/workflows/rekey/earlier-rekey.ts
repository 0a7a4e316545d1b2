import type { KeyPair } from '../../crypto/keys/key-pair.ts'
import type { ObjectHead, ObjectName } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import { hasCode, type AppError } from '../../util/errors.ts'
import { bringAlong } from '../copies/carry-along.ts'
import { removeCopyRecord, type CopyRecords } from '../copies/copy-record.ts'
import { replacedVersion } from '../copies/replaced-version.ts'
import { grantsLeft } from '../copies/still-granted.ts'
import {
  placedCopy,
  readUnfinishedCopy,
  removeUnfinishedCopy,
  type UnfinishedCopy,
} from '../copies/unfinished-copy.ts'
import { finishRekey, isSameName, recordedSchema } from './finish-rekey.ts'
import type { PlacedObject, RekeyedObject, RekeyObjectOptions } from './rekeyed-object.ts'
import { checkUnchecked, wrongCopy, type Unchecked } from './unchecked-copy.ts'

/**
 * Finishes what an earlier run was stopped in after the new object had taken its place. A copy that was not checked then
 * is checked first, whatever is asked for now.
 *
 * @returns what became of the object when the same was asked for now; undefined when there is work to do
 * @throws AppError INTEGRITY for a wrong copy, in every run until something else takes its place; NO_MATCHING_KEY when it
 * can't be opened to be checked; OBJECT_CHANGED; StorageError
 */
export async function finishEarlierRekey(
  store: Store,
  { source, target }: { source: ObjectName; target: ObjectName },
  { request, identities }: { request: string; identities: readonly KeyPair[] },
  options: RekeyObjectOptions,
): Promise<RekeyedObject | undefined> {
  const { records } = options
  const found = records && (await placedEarlier(store, { source, target }, records, options.signal))
  if (records === undefined || found === undefined) return undefined
  const { left, placed } = found
  const recorded = recordedSchema.safeParse(left.outcome)
  const asked = { identities, unchecked: recorded.data?.unchecked }
  const wrong = await wrongCopyOf(store, left, placed, asked, options)
  if (wrong !== undefined) {
    // What is to be read must be right; another place may be written to again.
    if (isSameName(source, target) || !options.force) throw wrong
    await removeUnfinishedCopy(records, target)
    return undefined
  }
  const belongings = { tags: left.tags, grants: await grantsLeft(store, left, placed) }
  if (!recorded.success || !isSameName(left.source, source)) {
    await bringAlong(store, { ...target, versionId: placed.versionId }, placed, belongings)
    await removeUnfinishedCopy(records, target)
    return undefined
  }
  const before = left.source.versionId ?? 'null'
  const isSameRequest = left.request === request
  const rekeyed = await finishRekey(
    { store, source, target, before, belongings, outcome: recorded.data.done },
    placed,
    // What this run does not ask for is not deleted.
    isSameRequest ? options : { ...options, deleteReplaced: false },
  )
  return isSameRequest ? rekeyed : undefined
}

/** The copy that an earlier run placed, if it is still there and, at another place, still one of this source. */
async function placedEarlier(
  store: Store,
  { source, target }: { source: ObjectName; target: ObjectName },
  records: CopyRecords,
  signal: AbortSignal | undefined,
): Promise<{ left: UnfinishedCopy; placed: ObjectHead } | undefined> {
  const left = await readUnfinishedCopy(records, target)
  if (left === undefined) return undefined
  const placed = await placedCopy(store, left, signal)
  // What was placed is no longer begun.
  if (placed !== undefined) await removeCopyRecord(records, target)
  const isOfSource = isSameName(source, target) || (await isStill(store, source, left.source, signal))
  if (placed !== undefined && isOfSource) return { left, placed }
  await removeUnfinishedCopy(records, target)
  return undefined
}

/** Whether an object is the one that was written down. */
async function isStill(
  store: Store,
  { bucket, objectKey }: ObjectName,
  known: UnfinishedCopy['source'],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (!isSameName({ bucket, objectKey }, known)) return false
  try {
    const { size, etag, versionId = null } = await store.headObject(bucket, objectKey, { signal })
    return size === known.size && etag === known.etag && versionId === known.versionId
  } catch (error) {
    if (hasCode(error, 'OBJECT_NOT_FOUND')) return false
    throw error
  }
}

/** Why a copy that was not checked yet is none; undefined for any other. Throws what keeps it from being checked. */
async function wrongCopyOf(
  store: Store,
  left: UnfinishedCopy,
  placed: PlacedObject,
  { unchecked, identities }: { unchecked: Unchecked | null | undefined; identities: readonly KeyPair[] },
  options: RekeyObjectOptions,
): Promise<AppError | undefined> {
  if (!unchecked) return undefined
  try {
    await checkUnchecked(store, left, placed, unchecked, { identities, signal: options.signal })
    return undefined
  } catch (error) {
    if (!hasCode(error, 'INTEGRITY')) throw error
    return wrongCopy(error, await withdrawn(store, left, placed, options))
  }
}

/** Deletes a wrong copy again where the version that it was made from lies right below it. */
async function withdrawn(
  store: Store,
  { source, bucket, objectKey }: UnfinishedCopy,
  placed: PlacedObject,
  { versioned }: RekeyObjectOptions,
): Promise<boolean> {
  const target = { bucket, objectKey }
  const { versionId } = placed
  const isOwnVersion = versionId !== undefined && versionId !== 'null'
  const isKept = versioned || source.versionId !== null
  if (!isKept || !isOwnVersion || !isSameName(source, target)) return false
  try {
    const below = await replacedVersion(store, target, source.versionId ?? 'null', placed)
    if (below === undefined) return false
    await store.deleteVersion(bucket, objectKey, versionId)
    return true
  } catch (error) {
    // That it is wrong must be told, whatever we may do about it.
    if (hasCode(error, 'ACCESS_DENIED')) return false
    throw error
  }
}
