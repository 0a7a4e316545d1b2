import { sameGrants, withAclGrants } from '../storage/access/acl-grants.ts'
import type { ObjectSource } from '../storage/copy-store.ts'
import { StorageError } from '../storage/errors.ts'
import type { ObjectHead, ObjectName } from '../storage/object-store.ts'
import type { Store } from '../storage/store.ts'
import type { VersionEntry } from '../storage/version-store.ts'
import { AppError, hasCode } from '../util/errors.ts'
import { finishCopy, type OlderVersion } from './adopt-finish.ts'
import { removeUnfinished, writeUnfinished, type UnfinishedAdoption } from './adopt-record.ts'
import { copyInParts, type CopyInPartsOptions } from './copies/copy-in-parts.ts'
import { changedMeanwhile, refuseIfChanged } from './copies/same-object.ts'

/**
 * S3's limit of what one request may copy, bytes (CopyObject). Ceph RGW has none for a copy onto itself: there it is a new
 * head for the bytes that are stored (5.1 GiB in 0.04 s, against 80 s in parts).
 */
const WHOLE_COPY_LIMIT = 5 * 1024 ** 3

export interface AdoptObjectOptions extends CopyInPartsOptions {
  /** Canonical id of the bucket's owner, who is the caller. */
  ownerId: string
  /** Whether the bucket keeps what is overwritten. */
  versioned: boolean
  /** Whether a copy by one request has the ETag of its source in any case: so on Ceph RGW. */
  keepsEtags: boolean
  /** Bytes above which an object is copied in parts; what the server takes when absent. */
  wholeCopyLimit?: number | undefined
}

/** An object that belongs to the bucket's owner now: part of the --json contract. */
export interface AdoptedObject {
  objectKey: string
  size: number
  /** Canonical id of the owner before; absent where the server did not tell. */
  previousOwner?: string
  etag: string
  /** Parts it was copied in; 1 for a single request. */
  parts: number
  /**
   * `etag`: the copy has the ETag of the object it was made from. `parts`: it has the ETag that the copied parts give, but
   * was cut otherwise than before, so that the two can't be compared. `size`: the server's ETags tell nothing.
   */
  comparedBy: 'etag' | 'parts' | 'size'
  /** Where versions are kept: the one that was copied, which still belongs to its uploader. */
  olderVersion?: OlderVersion
}

/**
 * Takes an object over by copying it onto itself on the server, with its headers and tags, and checks the copy: owner,
 * size, ETag. At every moment a whole object is under the name; what was there before stays as an older version, or until
 * the copy takes its place.
 *
 * @throws StorageError ACCESS_DENIED where the owner can't read it; AppError OBJECT_CHANGED when somebody wrote to it
 * meanwhile, INTEGRITY when the copy is not what it should be, STORE_FAILURE when it does not belong to the owner
 */
export async function adoptObject(
  store: Store,
  place: ObjectName & { ownerId: string | undefined },
  options: AdoptObjectOptions,
): Promise<AdoptedObject> {
  const { bucket, objectKey } = place
  const { signal } = options
  const before = await readableHead(store, place, options)
  const tags = (before.tagCount ?? 0) > 0 ? await store.objectTags(bucket, objectKey, { signal }) : {}
  const source: ObjectSource = { bucket, objectKey, versionId: before.versionId }
  const unfinished = {
    bucket,
    objectKey,
    versionId: before.versionId ?? 'null',
    size: before.size,
    etag: before.etag,
    previousOwner: place.ownerId,
    tags,
  }
  const records = options.versioned || Object.keys(tags).length > 0 ? options.records : undefined
  const beforePlacing: BeforePlacing = async (copy) => {
    if (records !== undefined) await writeUnfinished(records, { ...unfinished, ...copy })
  }
  const forget = async (): Promise<void> => {
    if (records !== undefined) await removeUnfinished(records, unfinished)
  }
  const copied = await copyOntoItself(store, source, before, options, beforePlacing).catch(
    async (error: unknown) => {
      // After anything else the copy may be there all the same.
      if (hasCode(error, 'ACCESS_DENIED', 'OBJECT_NOT_FOUND', 'OBJECT_CHANGED', 'UNSUPPORTED')) await forget()
      throw error
    },
  )

  // The object is the owner's now. What is left is short, and an interrupt waits for it: no signal from here on.
  if (options.versioned) await refuseHiding(store, source, before, copied, options)
  const after = await store.headObject(bucket, objectKey)
  const comparedBy = compared(source, before, after, copied, options)
  const older = options.versioned && before.versionId !== after.versionId ? unfinished.versionId : undefined
  const copy = { bucket, objectKey, versionId: after.versionId }
  const olderVersion = await finishCopy(store, copy, { ownerId: options.ownerId, tags, older })
  await forget()
  return {
    objectKey,
    size: after.size,
    ...(place.ownerId === undefined ? {} : { previousOwner: place.ownerId }),
    etag: after.etag,
    parts: copied.parts,
    comparedBy,
    ...(olderVersion === undefined ? {} : { olderVersion }),
  }
}

/** Awaited just before the request that puts the copy in the object's place. */
type BeforePlacing = (copy: Pick<UnfinishedAdoption, 'copyEtag' | 'parts'>) => Promise<void>

async function readableHead(
  store: Store,
  { bucket, objectKey, ownerId }: ObjectName & { ownerId: string | undefined },
  { signal }: AdoptObjectOptions,
): Promise<ObjectHead> {
  try {
    return await store.headObject(bucket, objectKey, { signal })
  } catch (error) {
    if (!hasCode(error, 'ACCESS_DENIED')) throw error
    const who = ownerId ?? 'its uploader'
    throw new AppError('ACCESS_DENIED', `s3://${bucket}/${objectKey} belongs to ${who} and cannot be read`, {
      cause: error,
      hints: [
        'any `sealift access grant` on this bucket lets its owner read everything in it (statement SealiftOwner)',
        'where the server has no policies, the uploader has to give it the ACL bucket-owner-full-control',
      ],
    })
  }
}

/**
 * Adds the bucket's owner to the object's ACL: Ceph RGW 16.2 asks no policy whether the source of an UploadPartCopy may be
 * read (that of a CopyObject it does). Where the ACL can't be changed, copying tells whether that was needed.
 */
async function letOwnerRead(
  store: Store,
  { bucket, objectKey, versionId }: ObjectSource,
  { ownerId, signal }: AdoptObjectOptions,
): Promise<void> {
  try {
    const acl = await store.objectAcl(bucket, objectKey, { versionId, signal })
    const wanted = withAclGrants(acl, ownerId, ['FULL_CONTROL'])
    if (!sameGrants(acl, wanted)) await store.putObjectAcl(bucket, objectKey, wanted, { versionId, signal })
  } catch (error) {
    if (!hasCode(error, 'ACCESS_DENIED', 'UNSUPPORTED', 'OBJECT_NOT_FOUND')) throw error
  }
}

interface Copied {
  etag: string | undefined
  versionId: string | undefined
  parts: number
}

async function copyOntoItself(
  store: Store,
  source: ObjectSource,
  before: ObjectHead,
  options: AdoptObjectOptions,
  beforePlacing: BeforePlacing,
): Promise<Copied> {
  const { signal, keepsEtags } = options
  const { bucket, objectKey } = source
  const { headers, size } = before
  if (size <= (options.wholeCopyLimit ?? (keepsEtags ? Infinity : WHOLE_COPY_LIMIT))) {
    const keepsThis = keepsEtags || PLAIN_MD5.test(before.etag)
    await beforePlacing({ copyEtag: keepsThis ? before.etag : null, parts: 1 })
    try {
      const { etag, versionId } = await store.copyObject(source, { bucket, objectKey }, { headers, signal })
      options.onBytes?.(size)
      return { etag, versionId, parts: 1 }
    } catch (error) {
      const isTooLarge = size > WHOLE_COPY_LIMIT && error instanceof StorageError && error.status === 400
      if (!isTooLarge) throw error
    }
  }
  await letOwnerRead(store, source, options)
  // The ACL is part of the object: on some servers its time changes with it.
  const begun = await readableHead(store, { bucket, objectKey, ownerId: undefined }, options)
  if (begun.etag !== before.etag || begun.versionId !== before.versionId) throw changedMeanwhile(source)
  const beforeCompleting = async (etag: string | undefined, parts: number): Promise<void> => {
    await beforePlacing({ copyEtag: etag ?? null, parts })
    await refuseIfChanged(store, source, begun, signal)
  }
  const copy = { source, target: { bucket, objectKey }, before: begun }
  return copyInParts(store, copy, beforeCompleting, options)
}

/**
 * Below the copy must lie the version it was made from. When somebody stored another one in between, the copy hides that:
 * it is removed again, which brings the newer one back. Only what is certainly the copy is removed: Ceph RGW's CopyObject
 * names no version, and the newest may be what the owner itself just stored.
 */
async function refuseHiding(
  store: Store,
  source: ObjectSource,
  before: ObjectHead,
  copied: Copied,
  { ownerId }: AdoptObjectOptions,
): Promise<void> {
  const { bucket, objectKey, versionId = 'null' } = source
  const [top, below] = await newestVersions(store, source)
  const isOwn =
    copied.versionId === undefined ? top?.ownerId === ownerId : top?.versionId === copied.versionId
  if (top === undefined || !isOwn) throw changedMeanwhile(source)
  // Without versions of its own (`null`) the copy took the place of what it was made from.
  if (below?.versionId === versionId || top.versionId === versionId) return
  const mayBeCopy = (version: VersionEntry): boolean =>
    copied.versionId === undefined
      ? version.ownerId === ownerId && version.etag === copied.etag && version.size === before.size
      : version.versionId === copied.versionId
  // Without anything below it, the copy is all that is left of the object.
  const isHiding = below !== undefined && mayBeCopy(top) && !mayBeCopy(below)
  if (isHiding) await store.deleteVersion(bucket, objectKey, top.versionId)
  throw changedMeanwhile(source)
}

async function newestVersions(store: Store, { bucket, objectKey }: ObjectName): Promise<VersionEntry[]> {
  const found: VersionEntry[] = []
  // The key itself is the first that begins with it.
  for await (const version of store.listVersions(bucket, { prefix: objectKey })) {
    if (version.objectKey !== objectKey) break
    found.push(version)
    if (found.length === 2) break
  }
  return found
}

const MD5_ETAG = /^[0-9a-f]{32}(-\d+)?$/
const PLAIN_MD5 = /^[0-9a-f]{32}$/

function compared(
  source: ObjectSource,
  before: ObjectHead,
  after: ObjectHead,
  copied: Copied,
  { keepsEtags }: AdoptObjectOptions,
): AdoptedObject['comparedBy'] {
  const { bucket, objectKey } = source
  if (after.size !== before.size) throw changedMeanwhile(source)
  if (after.etag === before.etag) return 'etag'
  const isComparable = [before.etag, after.etag].every((etag) => MD5_ETAG.test(etag))
  if (!isComparable) return 'size'
  // On AWS one request makes one piece of what was stored in parts, with another ETag; Ceph keeps it.
  const mayDiffer = copied.parts > 1 || (before.etag.includes('-') && !keepsEtags)
  if (!mayDiffer) throw changedMeanwhile(source)
  if (copied.etag === after.etag) return 'parts'
  throw new AppError('INTEGRITY', `the copy of s3://${bucket}/${objectKey} has ETag ${after.etag}`, {
    hints: [
      `its parts give ${copied.etag ?? 'none'}; the version before it is kept where the bucket has versions`,
    ],
  })
}
