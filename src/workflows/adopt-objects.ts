import { keyCardName } from '../storage/access/key-card.ts'
import { compareKeys } from '../storage/key-order.ts'
import type { ObjectEntry } from '../storage/object-store.ts'
import type { Store } from '../storage/store.ts'
import { AppError, hasCode } from '../util/errors.ts'
import { findLeftovers, finishLeftover, type Leftover } from './adopt-leftovers.ts'
import { adoptObject, type AdoptedObject } from './adopt-object.ts'
import type { CopyRecords } from './copies/copy-record.ts'
import { readSharing } from './sharing.ts'
import { ProgressCount, type TransferProgress } from './transfer-progress.ts'
import { runTransfers, type FailedFile, type FailedTransfer } from './transfer-run.ts'

/** Objects that are copied by one request each and are at work at the same time. */
const CONCURRENCY = 8

export interface AdoptRequest {
  bucket: string
  /** Only objects whose keys begin so. */
  prefix?: string | undefined
  /** Only tell what would be taken over. */
  dryRun?: boolean | undefined
  /** Objects at work at the same time; 8 when absent. */
  concurrency?: number | undefined
  /** Where copies in parts are written down, to be gone on with; without it nothing of a stopped one is kept. */
  records?: CopyRecords | undefined
  /** Bytes above which an object is copied in parts, and bytes of those parts; what the server takes, and what suits, when absent. */
  wholeCopyLimit?: number | undefined
  partSize?: number | undefined
  onProgress?: ((progress: TransferProgress) => void) | undefined
}

/** What `access adopt` did: the --json contract. */
export interface AdoptResult {
  bucket: string
  /** Canonical id, as the server shows it. */
  ownerId: string
  dryRun: boolean
  /** Objects below the prefix. */
  objects: number
  /** Those of them that belonged to somebody else, also when an earlier run was stopped after the copy. */
  foreign: ForeignObject[]
  /** Empty with `dryRun`. */
  adopted: AdoptedObject[]
  failed: FailedTransfer[]
}

/** An object in the bucket that somebody else owns. */
interface ForeignObject {
  objectKey: string
  size: number
  /** Canonical id; absent where the server does not tell. */
  ownerId?: string
}

/**
 * Takes over the objects of a bucket that belong to others: each is copied onto itself on the server and checked. May be
 * stopped and given again: it goes on with what is left. One that fails does not stop the others.
 *
 * Published keys (`keys/NAME.pub`) are never taken over: that they belong to the bucket's owner is why uploaders trust them.
 *
 * @throws AppError USAGE when the caller does not own the bucket, UNSUPPORTED where objects have no owners; the first
 * failure, when no object could be taken over; the signal's reason
 */
export async function adoptObjects(
  store: Store,
  request: AdoptRequest,
  signal?: AbortSignal,
): Promise<AdoptResult> {
  const { bucket, dryRun = false, concurrency = CONCURRENCY } = request
  const { ownerId, provider } = await readSharing(store, bucket, signal)
  await refuseOthers(store, bucket, ownerId, signal)
  const { uploaderOwns } = provider.capabilities
  const silent = uploaderOwns ? undefined : ownerId
  const { count, foreign } = await foreignObjects(store, request, { ownerId, silent }, signal)
  const [planted, wanted] = parted(foreign, ({ objectKey }) => keyCardName(objectKey) !== undefined)
  const earlier = planted.map((object) => refusedKey(bucket, object))
  const result = { bucket, ownerId, dryRun, objects: count }
  if (dryRun) return { ...result, foreign, adopted: [], failed: earlier.map(failedOf) }

  const versioning = await store.bucketVersioning(bucket, { signal })
  const versioned = versioning === 'enabled' || versioning === 'suspended'
  const { wholeCopyLimit, partSize, records } = request
  const keepsEtags = provider.dialect === 'rgw'
  const options = { ownerId, versioned, keepsEtags, wholeCopyLimit, partSize, records, signal }
  const leftovers =
    records === undefined
      ? []
      : await findLeftovers(
          store,
          records,
          { bucket, prefix: request.prefix ?? '', ownerId, versioned },
          signal,
        )
  const begun = leftovers.map(belongedTo)
  const work: AdoptionWork[] = [
    ...leftovers.map((leftover) => ({ ...belongedTo(leftover), leftover })),
    ...wanted,
  ]
  const bytes = wanted.reduce((sum, { size }) => sum + size, 0)
  const progress = new ProgressCount(bytes, work.length, request.onProgress)
  const { done, failed } = await runTransfers(
    work,
    ({ objectKey }) => objectKey,
    async ({ objectKey, ownerId: previous, leftover }) => {
      if (leftover !== undefined && records !== undefined) {
        const finished = await finishLeftover(store, records, leftover, ownerId)
        progress.addFile(objectKey)
        return finished
      }
      const onBytes = (count: number): void => {
        progress.addBytes(objectKey, count)
      }
      const adopted = await adoptObject(
        store,
        { bucket, objectKey, ownerId: previous },
        { ...options, onBytes },
      )
      progress.addFile(objectKey)
      return adopted
    },
    { signal, earlier, isSmall: isSmallFor(wholeCopyLimit), smallAtOnce: concurrency },
  )
  // They ended in any order.
  const adopted = done.sort((a, b) => compareKeys(a.objectKey, b.objectKey))
  return { ...result, foreign: [...begun, ...foreign], adopted, failed }
}

interface AdoptionWork extends ForeignObject {
  /** Where an earlier run was stopped after the copy. */
  leftover?: Leftover
}

function belongedTo({ unfinished }: Leftover): ForeignObject {
  const { objectKey, size, previousOwner } = unfinished
  return { objectKey, size, ...(previousOwner === undefined ? {} : { ownerId: previousOwner }) }
}

/** A copy of somebody who may write here would take the objects away from the bucket's owner. */
async function refuseOthers(
  store: Store,
  bucket: string,
  ownerId: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const name = bucket.slice(bucket.indexOf(':') + 1)
  const own = await store.listBuckets({ signal })
  const isOwn =
    own.some((entry) => entry.bucket === name) &&
    (await store.bucketAcl(name, { signal })).ownerId === ownerId
  if (isOwn) return
  throw new AppError('USAGE', `bucket ${bucket} belongs to ${ownerId}, not to these credentials`, {
    hints: ['a copy belongs to who makes it: only the owner of a bucket can take over what is in it'],
  })
}

async function foreignObjects(
  store: Store,
  { bucket, prefix }: AdoptRequest,
  /** `silent` owns what the listing names no owner of; asked for in the ACLs when absent. */
  bucketOwner: { ownerId: string; silent: string | undefined },
  signal: AbortSignal | undefined,
): Promise<{ count: number; foreign: ForeignObject[] }> {
  const foreign: ForeignObject[] = []
  let count = 0
  for await (const entry of store.listObjects(bucket, { prefix, signal })) {
    count += 1
    const listed = entry.ownerId === '' ? undefined : entry.ownerId
    const ownerId = listed ?? bucketOwner.silent ?? (await ownerByAcl(store, bucket, entry, signal))
    if (ownerId === bucketOwner.ownerId) continue
    const { objectKey, size } = entry
    foreign.push({ objectKey, size, ...(ownerId === undefined ? {} : { ownerId }) })
  }
  return { count, foreign }
}

/** Undefined where the ACL may not be seen, or names nobody. */
async function ownerByAcl(
  store: Store,
  bucket: string,
  { objectKey }: ObjectEntry,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    const { ownerId: named } = await store.objectAcl(bucket, objectKey, { signal })
    return named === '' ? undefined : named
  } catch (error) {
    if (hasCode(error, 'ACCESS_DENIED', 'OBJECT_NOT_FOUND')) return undefined
    throw error
  }
}

function refusedKey(bucket: string, { objectKey, ownerId = 'somebody else' }: ForeignObject): FailedFile {
  return {
    name: objectKey,
    error: new AppError(
      'KEY_NOT_TRUSTED',
      `s3://${bucket}/${objectKey} is a published key that ${ownerId} put there, and is not taken over`,
      {
        hints: [
          'taking it over would make uploaders trust it; delete it, or publish the key yourself: sealift key publish',
        ],
      },
    ),
  }
}

function failedOf({ name, error: { code, message, hints } }: FailedFile): FailedTransfer {
  return { name, code, message, hints }
}

function isSmallFor(wholeCopyLimit: number | undefined): (object: ForeignObject) => boolean {
  // One in parts keeps several requests busy by itself.
  return ({ size }) => size <= (wholeCopyLimit ?? 5 * 1024 ** 3)
}

function parted<Item>(items: readonly Item[], isFirst: (item: Item) => boolean): [Item[], Item[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))]
}
