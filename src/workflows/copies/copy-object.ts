import type { CannedAcl, ObjectHead, ObjectName } from '../../storage/object-store.ts'
import { seenAbsent } from '../../storage/seen-absent.ts'
import type { Store } from '../../storage/store.ts'
import { AppError } from '../../util/errors.ts'
import { bringAlong, grantsOf, needsGrants, tagsOf, type Belongings } from './carry-along.ts'
import { copyInParts, type CopyInPartsOptions } from './copy-in-parts.ts'
import { recordName, removeCopyRecord } from './copy-record.ts'
import { isNoServerCopy } from './part-sender.ts'
import { refuseIfChanged } from './same-object.ts'
import { grantsLeft, stillGranted } from './still-granted.ts'
import {
  placedCopy,
  readUnfinishedCopy,
  removeUnfinishedCopy,
  writeUnfinishedCopy,
} from './unfinished-copy.ts'

/** S3's limit of what one request may copy, bytes (CopyObject). */
const WHOLE_COPY_LIMIT = 5 * 1024 ** 3

/** Bytes of a part that passes through this machine. */
const PASSING_PART_SIZE = 16 * 1024 ** 2

export interface CopyObjectOptions extends Omit<CopyInPartsOptions, 'throughHere' | 'onPassing'> {
  /** Replace what is under the target's name. */
  force: boolean
  /** An ACL that the copy gets besides the grants of the source. */
  acl?: CannedAcl | undefined
  /** Bytes above which an object is copied in parts; what S3 takes when absent. */
  wholeCopyLimit?: number | undefined
}

/** A copy that was made and checked. */
export interface CopiedObject {
  target: ObjectName
  /** Bytes. */
  size: number
  etag: string
  versionId?: string
  /** Parts it was copied in; 1 for a single request. */
  parts: number
  /**
   * `etag`: the copy has the ETag of its source. `parts`: it has the ETag that the copied parts give, but was cut otherwise
   * than its source. `size`: the server's ETags tell nothing.
   */
  comparedBy: 'etag' | 'parts' | 'size'
}

/** What the request that made the copy answered. */
interface Placed {
  etag: string | undefined
  parts: number
}

/**
 * Copies an object on the server, with its headers, tags and grants, and checks the copy: size, ETag, and that the source
 * did not change on the way. An object that the server does not copy in parts for us passes through this machine as it is
 * stored. A copy that was stopped is gone on with, where `records` are kept.
 *
 * @throws AppError USAGE for a copy onto itself, OBJECT_EXISTS without `force`, OBJECT_CHANGED, INTEGRITY; StorageError
 */
export async function copyObject(
  store: Store,
  source: ObjectName,
  target: ObjectName,
  options: CopyObjectOptions,
): Promise<CopiedObject> {
  if (isSameName(source, target)) {
    throw new AppError('USAGE', `s3://${source.bucket}/${source.objectKey} can't be copied onto itself`)
  }
  const { signal, records, force } = options
  const before = await store.headObject(source.bucket, source.objectKey, { signal })
  const finished = await finishEarlier(store, source, before, target, options)
  if (finished !== undefined) return finished
  if (!force) await seenAbsent(store, target, { signal })
  const belongings: Belongings = { tags: await tagsOf(store, source, before, signal), grants: [] }
  const placed = await place(store, { source, before, target, belongings }, options)

  // The copy is there. What is left is short, and an interrupt waits for it: no signal from here on.
  const after = await store.headObject(target.bucket, target.objectKey)
  const comparedBy = compared(target, before, after, placed)
  if (comparedBy !== 'etag') await refuseIfChanged(store, source, before, undefined)
  // What somebody revoked while the server copied is not given again.
  if (needsGrants(store, target, belongings.grants)) {
    belongings.grants = await stillGranted(store, source, belongings.grants)
  }
  await bringAlong(store, { ...target, versionId: after.versionId }, after, belongings)
  if (records !== undefined) await removeUnfinishedCopy(records, target)
  return copied(target, after, placed.parts, comparedBy)
}

interface WholeCopy {
  source: ObjectName
  before: ObjectHead
  target: ObjectName
  belongings: Belongings
}

/** Makes the copy by one request, or in parts. */
async function place(store: Store, copy: WholeCopy, options: CopyObjectOptions): Promise<Placed> {
  const { source, before, target } = copy
  const { signal, acl, wholeCopyLimit = WHOLE_COPY_LIMIT } = options
  if (before.size <= wholeCopyLimit) {
    copy.belongings.grants = await grantsOf(store, source, signal)
    await writeDown(store, copy, before.etag, options)
    const { etag } = await store.copyObject(source, target, { acl, signal })
    options.onBytes?.(before.size)
    return { etag, parts: 1 }
  }
  const parted = { source, target, before, acl }
  const beforeCompleting = async (etag: string | undefined): Promise<void> => {
    copy.belongings.grants = await grantsOf(store, source, signal)
    await writeDown(store, copy, etag ?? null, options)
    await refuseIfChanged(store, source, before, signal)
    if (!options.force) await seenAbsent(store, target, { signal })
  }
  try {
    return await copyInParts(store, parted, beforeCompleting, options)
  } catch (error) {
    if (!isNoServerCopy(error)) throw error
    const partSize = options.partSize ?? PASSING_PART_SIZE
    return copyInParts(store, parted, beforeCompleting, { ...options, partSize, throughHere: true })
  }
}

/** Only where something may be left to do once the copy is there. */
async function writeDown(
  store: Store,
  { source, before, target, belongings }: WholeCopy,
  copyEtag: string | null,
  { records, acl }: CopyObjectOptions,
): Promise<void> {
  const { tags, grants } = belongings
  const isAllDone = Object.keys(tags).length === 0 && !needsGrants(store, target, grants)
  if (records === undefined || isAllDone) return
  const { size, etag, versionId = null } = before
  await writeUnfinishedCopy(records, {
    ...target,
    source: { ...source, versionId, size, etag },
    copy: { size, etag: copyEtag },
    tags,
    grants: [...grants],
    request: requestOf(acl),
    outcome: {},
  })
}

/** Gives a copy that an earlier run placed what it still lacks; undefined when there is none of this very source. */
async function finishEarlier(
  store: Store,
  source: ObjectName,
  before: ObjectHead,
  target: ObjectName,
  { records, acl, signal }: CopyObjectOptions,
): Promise<CopiedObject | undefined> {
  if (records === undefined) return undefined
  const left = await readUnfinishedCopy(records, target)
  if (left === undefined) return undefined
  const isOfSource =
    isSameName(left.source, source) && left.source.size === before.size && left.source.etag === before.etag
  const after =
    isOfSource && left.request === requestOf(acl) ? await placedCopy(store, left, signal) : undefined
  if (after === undefined) {
    await removeUnfinishedCopy(records, target)
    return undefined
  }
  // What was placed is no longer begun.
  await removeCopyRecord(records, target)
  const belongings = { tags: left.tags, grants: await grantsLeft(store, left, after) }
  await bringAlong(store, { ...target, versionId: after.versionId }, after, belongings)
  await removeUnfinishedCopy(records, target)
  return copied(target, after, partsOf(after.etag), after.etag === before.etag ? 'etag' : 'parts')
}

function requestOf(acl: CannedAcl | undefined): string {
  return recordName('copy', acl ?? '')
}

function copied(
  target: ObjectName,
  { size, etag, versionId }: ObjectHead,
  parts: number,
  comparedBy: CopiedObject['comparedBy'],
): CopiedObject {
  return { target, size, etag, ...(versionId === undefined ? {} : { versionId }), parts, comparedBy }
}

const MD5_ETAG = /^[0-9a-f]{32}(-\d+)?$/

function compared(
  { bucket, objectKey }: ObjectName,
  before: ObjectHead,
  after: ObjectHead,
  placed: Placed,
): CopiedObject['comparedBy'] {
  const wrong = (what: string): AppError =>
    new AppError('INTEGRITY', `the copy s3://${bucket}/${objectKey} ${what}`, {
      hints: ['the source is as it was; do not use the copy, and copy again with --force'],
    })
  if (after.size !== before.size) throw wrong(`has ${after.size} bytes instead of ${before.size}`)
  if (after.etag === before.etag) return 'etag'
  const isComparable = [before.etag, after.etag].every((etag) => MD5_ETAG.test(etag))
  if (!isComparable) return 'size'
  if (placed.parts > 1 && placed.etag === after.etag) return 'parts'
  // On AWS one request makes one piece of what was stored in parts, with another ETag; Ceph keeps it.
  const isItsAnswer = placed.etag === undefined || placed.etag === after.etag
  if (placed.parts === 1 && before.etag.includes('-') && isItsAnswer) return 'size'
  throw wrong(`has ETag ${after.etag}, which neither its source nor its parts have`)
}

function partsOf(etag: string): number {
  return Number(/-(\d+)$/.exec(etag)?.[1] ?? 1)
}

function isSameName(a: ObjectName, b: ObjectName): boolean {
  return a.bucket === b.bucket && a.objectKey === b.objectKey
}
