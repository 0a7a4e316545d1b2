import { isDeepStrictEqual } from 'node:util'
import type { ObjectHead, ObjectTags } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import { AppError, hasCode } from '../../util/errors.ts'
import { bringAlong, grantsOf, tagsOf } from '../copies/carry-along.ts'
import type { CopyRecords } from '../copies/copy-record.ts'
import { isSameObject } from '../copies/same-object.ts'
import { readUnfinishedCopy } from '../copies/unfinished-copy.ts'
import { formatS3Url } from '../s3-url.ts'
import type { CopyNames } from './copy-names.ts'
import { areDistinctBuckets } from './distinct-buckets.ts'
import { isFinishedCopy } from './finished-copies.ts'

/** An ETag that the bytes give: no two objects have it that were not stored from the same parts. */
const MD5_ETAG = /^[0-9a-f]{32}(-\d+)?$/

/** What is under a copy's name: nothing, an object that is provably a copy of the source, or any other. */
export type AtTarget =
  | { state: 'nothing' | 'other' }
  | {
      state: 'copy'
      head: ObjectHead
      /** Of the source. */
      tags: ObjectTags
    }

interface LookOptions {
  /** Where this machine wrote down what it copied. */
  records?: CopyRecords | undefined
  /** Whether the source shall be deleted: then the target must not be the source under another name of its bucket. */
  refusesItself?: boolean | undefined
  /** Nothing may be asked of the server that it would have to write. */
  onlyLooks?: boolean | undefined
  signal?: AbortSignal | undefined
}

/**
 * Looks at a target before anything is copied there. A copy of an earlier run counts: same bytes (size and ETag, or what
 * was written down when it was made), same headers, and no other tags than the source's.
 *
 * @param before - the source as it is
 * @throws AppError OBJECT_EXISTS when the target may be the source itself; StorageError
 */
export async function lookAtTarget(
  store: Store,
  names: CopyNames,
  before: ObjectHead,
  options: LookOptions,
): Promise<AtTarget> {
  const { records, signal } = options
  const { source, target } = names
  const head = await store.headObject(target.bucket, target.objectKey, { signal }).catch((error: unknown) => {
    if (hasCode(error, 'OBJECT_NOT_FOUND')) return undefined
    throw error
  })
  if (head === undefined) return { state: 'nothing' }
  if (options.refusesItself === true && isSameObject(before, head)) {
    await refuseItself(store, names, before, head, options)
  }
  if (head.size !== before.size || !isDeepStrictEqual(head.headers, before.headers)) return { state: 'other' }
  const hasSameBytes =
    hasSameMd5(head, before) ||
    (records !== undefined && (await isFinishedCopy(records, names, before, head)))
  if (!hasSameBytes) return { state: 'other' }
  const tags = await tagsOf(store, source, before, signal)
  const there = await tagsOf(store, target, head, signal)
  const hasOtherTags = Object.keys(there).length > 0 && !isDeepStrictEqual({ ...there }, { ...tags })
  return hasOtherTags ? { state: 'other' } : { state: 'copy', head, tags }
}

/** Servers may know one bucket by several names, and nothing of an object tells its copy of the same moment from itself. */
async function refuseItself(
  store: Store,
  names: CopyNames,
  before: ObjectHead,
  there: ObjectHead,
  { records, onlyLooks = false, signal }: LookOptions,
): Promise<void> {
  if (await isOurs(records, names, before, there)) return
  if (!onlyLooks && (await areDistinctBuckets(store, names.source.bucket, names.target, signal))) return
  throw mayBeItself(names)
}

/**
 * Whether this machine wrote down that it made, or began to make, what is at the target: both follow a look that found
 * something else there.
 */
async function isOurs(
  records: CopyRecords | undefined,
  names: CopyNames,
  before: ObjectHead,
  there: ObjectHead,
): Promise<boolean> {
  if (records === undefined) return false
  if (await isFinishedCopy(records, names, before, there)) return true
  const begun = (await readUnfinishedCopy(records, names.target))?.source
  return begun?.bucket === names.source.bucket && begun.objectKey === names.source.objectKey
}

function mayBeItself({ source, target }: CopyNames): AppError {
  const [from, to] = [source, target].map(({ bucket, objectKey }) => formatS3Url(bucket, objectKey))
  return new AppError('OBJECT_EXISTS', `${to} may be ${from} itself, under another name of its bucket`, {
    hints: [
      'both have the same ETag, version and time, and the server did not show that the buckets are two; nothing was deleted',
      `if you know that it is a copy: sealift rm ${from}`,
    ],
  })
}

/** Seconds: stores refuse requests from clocks that differ by more than half of this (RequestTimeTooSkewed). */
const YOUNG = 1800

/** Whether a copy that is made now may have the time of its source, which then has to be written down before a move. */
export function mayLookLikeCopy(before: ObjectHead, refusesItself: boolean): boolean {
  const { lastModified, versionId = 'null' } = before
  if (!refusesItself || versionId !== 'null') return false
  return lastModified === undefined || Date.now() - lastModified.getTime() < YOUNG * 1000
}

/** Whether two objects' ETags say that they hold the same bytes. */
export function hasSameMd5(a: { etag: string }, b: { etag: string }): boolean {
  return a.etag === b.etag && MD5_ETAG.test(a.etag)
}

/** Gives a copy of an earlier run the tags and grants that it was stopped before. Throws StorageError, STORE_FAILURE. */
export async function finishEarlierCopy(
  store: Store,
  { source, target }: CopyNames,
  { head, tags }: Extract<AtTarget, { state: 'copy' }>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const grants = await grantsOf(store, source, signal)
  await bringAlong(store, { ...target, versionId: head.versionId }, head, { tags, grants })
}
