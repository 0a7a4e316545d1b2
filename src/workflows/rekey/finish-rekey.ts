import { z } from 'zod'
import type { ObjectName } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import { hex } from '../../util/bytes.ts'
import { hasCode } from '../../util/errors.ts'
import { bringAlong, needsGrants, type Belongings } from '../copies/carry-along.ts'
import { recordName } from '../copies/copy-record.ts'
import { replacedVersion } from '../copies/replaced-version.ts'
import { beginningOf, removeUnfinishedCopy, writeUnfinishedCopy } from '../copies/unfinished-copy.ts'
import type { ReaderChange } from './reader-change.ts'
import type { ObjectRekey, PlacedObject, RekeyedObject, RekeyObjectOptions } from './rekeyed-object.ts'
import type { Seam } from './seam-check.ts'
import { serializeUnchecked, uncheckedSchema } from './unchecked-copy.ts'

const outcomeSchema = z.object({
  packetsBefore: z.int(),
  packetsAfter: z.int(),
  packetsDropped: z.int(),
  stillReadable: z.boolean(),
  way: z.enum(['copied', 'rewritten', 'streamed']),
  parts: z.int(),
  sentBytes: z.int(),
  receivedBytes: z.int(),
  comparedBy: z.enum(['etag', 'parts', 'size']),
  grants: z.literal('unknown').optional(),
})

/** What is written down of it; with what a check of the copy needs until it was checked, null where there is no more to check. */
export const recordedSchema = z.object({ done: outcomeSchema, unchecked: uncheckedSchema.nullable() })

/** What is known of a new object before it is in its place. */
export type Outcome = z.infer<typeof outcomeSchema>

/** Identifies who asked for what: the same for a command that is given again. */
export function requestName(source: ObjectName, change: ReaderChange, options: RekeyObjectOptions): string {
  const { added, removed, exactly, dropOthers } = change
  const keys = [added, removed, exactly].map((list) => list?.map(hex).sort() ?? null)
  const { bucket, objectKey } = source
  return recordName(
    JSON.stringify([bucket, objectKey, keys, dropOthers, options.deleteReplaced === true, options.versioned]),
  )
}

/** What happened to the packets, whichever way the object goes. */
export function outcomeOf(
  { beginning, changed, traffic }: ObjectRekey,
  done: Pick<Outcome, 'way' | 'parts' | 'comparedBy' | 'grants'>,
): Outcome {
  return {
    packetsBefore: beginning.header.packets.length,
    packetsAfter: changed.packets,
    packetsDropped: changed.dropped,
    stillReadable: changed.stillReadable,
    ...done,
    sentBytes: traffic.sent,
    receivedBytes: traffic.received,
  }
}

/** A new object before it is in its place. */
interface CopyToPlace {
  size: number
  /** Undefined where it can't be known before. */
  etag: string | undefined
  /** Where it is still to be looked at; nothing has to be, or it was done, when absent. */
  seams?: readonly Seam[]
}

/**
 * Writes down what is to be done once the new object is in its place, so that the next run does it when this one is
 * stopped. A small object with nothing but its bytes has nothing left to be done, where no version can be hidden by it.
 *
 * @throws AppError FILE_UNREADABLE, DISK_FULL
 */
export async function writeDownRekey(
  rekey: ObjectRekey,
  { size, etag, seams = [] }: CopyToPlace,
  belongings: Belongings,
  outcome: Outcome,
  { records, deleteReplaced = false, versioned }: RekeyObjectOptions,
): Promise<void> {
  if (records === undefined) return
  const { store, source, target, inPlace, beginning, changed, request } = rekey
  const { head, header, bytes } = beginning
  const { tags, grants } = belongings
  const hasNone = Object.keys(tags).length === 0 && !needsGrants(store, target, grants)
  const hidesNone = !inPlace || !(versioned || head.versionId !== undefined)
  if (outcome.way === 'rewritten' && hasNone && hidesNone && !deleteReplaced) return
  const headers = { before: bytes.subarray(0, header.length), after: changed.bytes }
  const recorded: z.infer<typeof recordedSchema> = {
    done: outcome,
    unchecked: seams.length === 0 ? null : serializeUnchecked(headers, seams),
  }
  await writeUnfinishedCopy(records, {
    ...target,
    source: { ...source, versionId: head.versionId ?? null, size: head.size, etag: head.etag },
    copy: { size, etag: etag ?? null, beginning: beginningOf(changed.bytes) },
    tags,
    grants: [...grants],
    request,
    outcome: recorded,
  })
}

/** What is left once a new object was checked: belongings, and the version before it. */
interface Left {
  store: Store
  source: ObjectName
  target: ObjectName
  /** Id of the version it was made from, `null` for one without. */
  before: string
  belongings: Belongings
  outcome: Outcome
}

/**
 * Does what is left once the new object is in its place and was checked. May be done again. Takes no signal: an interrupt
 * waits for it.
 *
 * @throws AppError OBJECT_CHANGED when it lies on top of something newer than its source: it is deleted again then;
 * STORE_FAILURE; StorageError
 */
export async function finishRekey(
  { store, source, target, before, belongings, outcome }: Left,
  placed: PlacedObject,
  { versioned, deleteReplaced = false, records }: RekeyObjectOptions,
): Promise<RekeyedObject> {
  const { size, etag, versionId } = placed
  const inPlace = isSameName(source, target)
  // A server that names versions keeps them, also when it does not let us ask for the bucket's setting.
  const isKept = versioned || before !== 'null'
  const older = inPlace && isKept ? await seenReplaced(store, target, before, placed, versioned) : undefined
  await bringAlong(store, { ...target, versionId }, placed, belongings)
  if (older !== undefined && deleteReplaced) await store.deleteVersion(target.bucket, target.objectKey, older)
  if (records !== undefined) await removeUnfinishedCopy(records, target)
  return {
    objectKey: source.objectKey,
    ...(inPlace ? {} : { target }),
    size,
    etag,
    ...(versionId === undefined ? {} : { versionId }),
    ...outcome,
    ...(older === undefined || deleteReplaced ? {} : { olderVersion: older }),
  }
}

/** The version that was replaced; the one that was read, where we may not list versions nor ask for the setting. */
export async function seenReplaced(
  store: Store,
  target: ObjectName,
  before: string,
  placed: Omit<PlacedObject, 'tagCount'>,
  versioned: boolean,
): Promise<string | undefined> {
  try {
    return await replacedVersion(store, target, before, placed)
  } catch (error) {
    if (versioned || !hasCode(error, 'ACCESS_DENIED')) throw error
    return before
  }
}

/** True for one object under the same name. */
export function isSameName(a: ObjectName, b: ObjectName): boolean {
  return a.bucket === b.bucket && a.objectKey === b.objectKey
}
