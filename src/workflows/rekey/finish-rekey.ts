import { z } from 'zod'
import type { ObjectName } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import { hex } from '../../util/bytes.ts'
import { bringAlong, needsGrants, type Belongings } from '../copies/carry-along.ts'
import { recordName, removeCopyRecord } from '../copies/copy-record.ts'
import { replacedVersion } from '../copies/replaced-version.ts'
import {
  placedCopy,
  readUnfinishedCopy,
  removeUnfinishedCopy,
  writeUnfinishedCopy,
} from '../copies/unfinished-copy.ts'
import type { ReaderChange } from './reader-change.ts'
import type { ObjectRekey, PlacedObject, RekeyedObject, RekeyObjectOptions } from './rekeyed-object.ts'

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
})

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
  done: Pick<Outcome, 'way' | 'parts' | 'comparedBy'>,
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

/**
 * Writes down what is to be done once the new object is in its place, so that the next run does it when this one is
 * stopped. A small object with nothing but its bytes has nothing left to be done.
 *
 * @param copyEtag - the ETag that it will have; undefined where that can't be known before
 * @throws AppError FILE_UNREADABLE, DISK_FULL
 */
export async function writeDownRekey(
  rekey: ObjectRekey,
  copy: { size: number; etag: string | undefined },
  belongings: Belongings,
  outcome: Outcome,
  { records, deleteReplaced = false }: RekeyObjectOptions,
): Promise<void> {
  if (records === undefined) return
  const { store, source, target, beginning, request } = rekey
  const { tags, grants } = belongings
  const isAllDone = Object.keys(tags).length === 0 && !needsGrants(store, target, grants) && !deleteReplaced
  if (outcome.way === 'rewritten' && isAllDone) return
  const { size, etag, versionId = null } = beginning.head
  await writeUnfinishedCopy(records, {
    ...target,
    source: { ...source, versionId, size, etag },
    copy: { size: copy.size, etag: copy.etag ?? null },
    tags,
    grants: [...grants],
    request,
    outcome,
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
  const older = versioned && inPlace ? await replacedVersion(store, target, before, placed) : undefined
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

/**
 * Finishes what an earlier run was stopped in after the new object had taken its place.
 *
 * @returns what became of the object when the same was asked for now; undefined when there is work to do
 */
export async function finishEarlierRekey(
  store: Store,
  { source, target }: { source: ObjectName; target: ObjectName },
  request: string,
  options: RekeyObjectOptions,
): Promise<RekeyedObject | undefined> {
  const { records, signal } = options
  if (records === undefined) return undefined
  const left = await readUnfinishedCopy(records, target)
  if (left === undefined) return undefined
  const outcome = outcomeSchema.safeParse(left.outcome)
  const placed = await placedCopy(store, left, signal)
  // What was placed is no longer begun.
  if (placed !== undefined) await removeCopyRecord(records, target)
  const { tags, grants } = left
  if (placed === undefined || !outcome.success || !isSameName(left.source, source)) {
    if (placed !== undefined)
      await bringAlong(store, { ...target, versionId: placed.versionId }, placed, { tags, grants })
    await removeUnfinishedCopy(records, target)
    return undefined
  }
  const rest = { source, target, before: left.source.versionId ?? 'null', belongings: { tags, grants } }
  const isSameRequest = left.request === request
  const rekeyed = await finishRekey(
    { store, ...rest, outcome: outcome.data },
    placed,
    // What this run does not ask for is not deleted.
    isSameRequest ? options : { ...options, deleteReplaced: false },
  )
  return isSameRequest ? rekeyed : undefined
}

function isSameName(a: ObjectName, b: ObjectName): boolean {
  return a.bucket === b.bucket && a.objectKey === b.objectKey
}
