import { z } from 'zod'
import type { ObjectHead, ObjectName } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import { bringAlong, type Belongings } from '../copies/carry-along.ts'
import { changedMeanwhile } from '../copies/same-object.ts'
import { grantsLeft } from '../copies/still-granted.ts'
import { placedCopy, readUnfinishedCopy, removeUnfinishedCopy } from '../copies/unfinished-copy.ts'
import { isSameName, seenReplaced } from './finish-rekey.ts'
import type { RekeyObjectOptions } from './rekey-object.ts'

const outcomeSchema = z.object({
  size: z.int().min(0),
  packetsBefore: z.int().min(0),
  packetsAfter: z.int().min(1),
  packetsDropped: z.int().min(0),
  stillReadable: z.boolean(),
  sentBytes: z.int().min(0),
  receivedBytes: z.int().min(0),
  sha256: z.string(),
})

/** What is known of a new object before it is placed. Sizes in bytes. */
export interface DeepOutcome {
  size: number
  packetsBefore: number
  packetsAfter: number
  /** Of others, that could not be opened and are gone. */
  packetsDropped: number
  /** Whether one of the identities opens it now. */
  stillReadable: boolean
  sentBytes: number
  receivedBytes: number
  /** Of the plaintext, hex. */
  sha256: string
}

/** An object with a new data key and a new body: part of the --json contract. Sizes in bytes. */
export interface DeepRekeyedObject extends DeepOutcome {
  objectKey: string
  /** Only when it is another object than the source. */
  target?: ObjectName
  etag: string
  versionId?: string
  way: 'encrypted anew'
  /** Where versions are kept: the version before, which still has the old header and body. */
  olderVersion?: string
}

/** A new object that took its place. */
interface PlacedObject {
  source: ObjectName
  target: ObjectName
  /** The source as it was. */
  before: Pick<ObjectHead, 'versionId'>
  belongings: Belongings
  stored: { etag: string | undefined; versionId: string | undefined }
  outcome: DeepOutcome
}

/**
 * What is done once the new object has taken its place: sees that it hides nothing newer, gives it the tags and grants,
 * and deletes the version before it where that was asked for. May be done again. Takes no signal: nothing else would tell
 * the next run of it.
 *
 * @throws AppError OBJECT_CHANGED when somebody wrote to the object meanwhile
 */
export async function finishDeepRekey(
  store: Store,
  { source, target, before, belongings, stored, outcome }: PlacedObject,
  { versioned, deleteReplaced, records }: RekeyObjectOptions,
): Promise<DeepRekeyedObject> {
  const after = await store.headObject(target.bucket, target.objectKey)
  const isOwn = after.size === outcome.size && (stored.etag === undefined || after.etag === stored.etag)
  if (!isOwn) throw changedMeanwhile(target)
  const replacement = { versionId: stored.versionId ?? after.versionId, size: after.size, etag: after.etag }
  const beforeId = before.versionId ?? 'null'
  // A server that names versions keeps them, also when it does not let us ask for the bucket's setting.
  const isKept = isSameName(source, target) && (versioned || beforeId !== 'null')
  const older = isKept ? await seenReplaced(store, target, beforeId, replacement, versioned) : undefined
  await bringAlong(store, { ...target, versionId: after.versionId }, after, belongings)
  const deleted = deleteReplaced === true && older !== undefined
  if (deleted) await store.deleteVersion(target.bucket, target.objectKey, older)
  if (records !== undefined) await removeUnfinishedCopy(records, target)
  return rekeyedObject({ source, target }, after, outcome, deleted ? undefined : older)
}

function rekeyedObject(
  { source, target }: Pick<PlacedObject, 'source' | 'target'>,
  { etag, versionId }: ObjectHead,
  outcome: DeepOutcome,
  olderVersion: string | undefined,
): DeepRekeyedObject {
  return {
    objectKey: source.objectKey,
    ...(isSameName(source, target) ? {} : { target }),
    etag,
    ...(versionId === undefined ? {} : { versionId }),
    way: 'encrypted anew',
    ...outcome,
    ...(olderVersion === undefined ? {} : { olderVersion }),
  }
}

/**
 * Finishes what an earlier run placed and was stopped before it had done the rest: tags and grants, whatever run it was;
 * and it is this run's result when that run had the same name and began with this very source.
 */
export async function finishedEarlier(
  store: Store,
  { source, target }: { source: ObjectName; target: ObjectName },
  { etag }: ObjectHead,
  options: RekeyObjectOptions & { request: string },
): Promise<DeepRekeyedObject | undefined> {
  const { records, request, signal } = options
  const unfinished = records === undefined ? undefined : await readUnfinishedCopy(records, target)
  if (records === undefined || unfinished === undefined) return undefined
  const placed = await placedCopy(store, unfinished, signal)
  if (placed === undefined) {
    await removeUnfinishedCopy(records, target)
    return undefined
  }
  const belongings = { tags: unfinished.tags, grants: await grantsLeft(store, unfinished, placed) }
  const outcome = outcomeSchema.safeParse(unfinished.outcome)
  const isSame =
    unfinished.request === request && (isSameName(source, target) || unfinished.source.etag === etag)
  if (!isSame || !outcome.success) {
    await bringAlong(store, { ...target, versionId: placed.versionId }, placed, belongings)
    await removeUnfinishedCopy(records, target)
    return undefined
  }
  const before = { versionId: unfinished.source.versionId ?? undefined }
  const stored = { etag: placed.etag, versionId: placed.versionId }
  return finishDeepRekey(
    store,
    { source, target, before, belongings, stored, outcome: outcome.data },
    options,
  )
}
