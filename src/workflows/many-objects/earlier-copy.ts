import { isDeepStrictEqual } from 'node:util'
import type { ObjectHead, ObjectTags } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import { hasCode } from '../../util/errors.ts'
import { bringAlong, grantsOf, tagsOf } from '../copies/carry-along.ts'
import type { CopyRecords } from '../copies/copy-record.ts'
import type { CopyNames } from './copy-names.ts'
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

/**
 * Looks at a target before anything is copied there. A copy of an earlier run counts: same bytes (size and ETag, or what
 * was written down when it was made), same headers, and no other tags than the source's.
 *
 * @param before - the source as it is
 * @throws StorageError
 */
export async function lookAtTarget(
  store: Store,
  names: CopyNames,
  before: ObjectHead,
  { records, signal }: { records?: CopyRecords | undefined; signal?: AbortSignal | undefined },
): Promise<AtTarget> {
  const { source, target } = names
  const head = await store.headObject(target.bucket, target.objectKey, { signal }).catch((error: unknown) => {
    if (hasCode(error, 'OBJECT_NOT_FOUND')) return undefined
    throw error
  })
  if (head === undefined) return { state: 'nothing' }
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
