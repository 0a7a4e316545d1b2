import { createHash } from 'node:crypto'
import type { PutObjectOptions, StoredObject } from '../../storage/object-store.ts'
import { seenAbsent } from '../../storage/seen-absent.ts'
import { concatBytes } from '../../util/bytes.ts'
import { AppError, hasCode } from '../../util/errors.ts'
import { seenGrantsOf, tagsOf } from '../copies/carry-along.ts'
import { changedMeanwhile, refuseIfChanged } from '../copies/same-object.ts'
import { finishRekey, outcomeOf, writeDownRekey } from './finish-rekey.ts'
import type { ObjectRekey, PlacedObject, RekeyedObject, RekeyObjectOptions } from './rekeyed-object.ts'

/**
 * Stores a small object again under its new header, by one request (PutObject): the old one or the new one is whole under
 * the name at every moment.
 *
 * @throws AppError OBJECT_CHANGED, OBJECT_EXISTS, INTEGRITY; StorageError
 */
export async function rewriteWhole(rekey: ObjectRekey, options: RekeyObjectOptions): Promise<RekeyedObject> {
  const { store, source, target, inPlace, beginning, changed, traffic } = rekey
  const { head, header } = beginning
  const { signal } = options
  const tags = await tagsOf(store, source, head, signal)
  const grants = await seenGrantsOf(store, source, signal)
  const belongings = { tags, grants: grants ?? [] }
  const bytes = concatBytes([changed.bytes, beginning.bytes.subarray(header.length)])
  const md5 = createHash('md5').update(bytes).digest('hex')
  traffic.sent += bytes.length
  const expected = outcomeOf(rekey, {
    ...{ way: 'rewritten', parts: 1, comparedBy: 'etag' },
    ...(grants === undefined ? { grants: 'unknown' } : {}),
  })
  const ifAbsent = !inPlace && !options.force
  if (ifAbsent) await seenAbsent(store, target, { signal })
  await writeDownRekey(rekey, { size: bytes.length, etag: md5 }, belongings, expected, options)
  await refuseIfChanged(store, source, head, signal)
  const acl = 'bucket-owner-full-control'
  const stored = await putTagged(rekey, bytes, { acl, headers: head.headers, tags, ifAbsent, signal })
  options.onBytes?.(bytes.length)

  const placed = await placedObject(rekey, stored, { size: bytes.length, md5, hasTags: hasAny(tags) })
  const outcome: typeof expected = { ...expected, comparedBy: placed.etag === md5 ? 'etag' : 'size' }
  const before = head.versionId ?? 'null'
  return finishRekey({ store, source, target, before, belongings, outcome }, placed, options)
}

/** With the tags, or without them where the server takes none here: they are given afterwards then. */
async function putTagged(
  { store, target }: ObjectRekey,
  bytes: Uint8Array,
  options: PutObjectOptions,
): Promise<StoredObject> {
  const { tags, ...others } = options
  const { bucket, objectKey } = target
  if (tags !== undefined && hasAny(tags)) {
    try {
      return await store.putObject(bucket, objectKey, bytes, options)
    } catch (error) {
      if (!hasCode(error, 'UNSUPPORTED')) throw error
    }
  }
  return store.putObject(bucket, objectKey, bytes, others)
}

/** Where the answer's ETag is the MD5 of what was sent nothing more has to be asked; else the object is looked at. */
async function placedObject(
  { store, target }: ObjectRekey,
  stored: StoredObject,
  sent: { size: number; md5: string; hasTags: boolean },
): Promise<PlacedObject> {
  const { etag, versionId } = stored
  if (etag === sent.md5 && !sent.hasTags) return { size: sent.size, etag, versionId, tagCount: undefined }
  const head = await store.headObject(target.bucket, target.objectKey)
  if (etag !== undefined && head.etag !== etag) throw changedMeanwhile(target)
  if (head.size === sent.size) return { ...head, versionId: versionId ?? head.versionId }
  throw new AppError(
    'INTEGRITY',
    `s3://${target.bucket}/${target.objectKey} has ${head.size} bytes instead of ${sent.size}`,
    { hints: ['this object must not be used; where versions are kept the one before it is whole'] },
  )
}

function hasAny(tags: object): boolean {
  return Object.keys(tags).length > 0
}
