import type { ObjectSource } from '../../storage/copy-store.ts'
import { createUpload } from '../../storage/create-upload.ts'
import { multipartEtag } from '../../storage/multipart-etag.ts'
import type {
  CannedAcl,
  MultipartUpload,
  ObjectHead,
  ObjectHeaders,
  ObjectName,
  UploadedPart,
} from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import { wrongParts } from '../../storage/upload-checks.ts'
import { removeAfter, removeUpload } from '../../storage/upload-cleanup.ts'
import { hasCode } from '../../util/errors.ts'
import { forEachPulled } from '../../util/pull-pool.ts'
import { planCopy, planOf, type Beginning, type CopyPlan } from './copy-plan.ts'
import {
  readCopyRecord,
  recordName,
  removeCopyRecord,
  writeCopyRecord,
  type CopyBegun,
  type CopyRecords,
} from './copy-record.ts'
import { partsAtOnce, partSender, type PartWay } from './part-sender.ts'

export interface CopyInPartsOptions extends PartWay {
  /** Where begun copies are written down, so that the next run goes on with them; without it nothing is kept. */
  records?: CopyRecords | undefined
  /** Bytes; chosen by the object when absent. */
  partSize?: number | undefined
  /** Told what was copied, or found copied: bytes of the copy. */
  onBytes?: ((bytes: number) => void) | undefined
  signal?: AbortSignal | undefined
}

/** What is copied, and what becomes of it. Tags and grants are to be given to the copy afterwards (carry-along.ts). */
export interface PartedCopy {
  /** With the version where it is to be named to the server. */
  source: ObjectSource
  /** May be the same object. */
  target: ObjectName
  /** The source as it is. */
  before: ObjectHead
  /** What the target says of itself; the source's when absent. */
  headers?: ObjectHeaders | undefined
  acl?: CannedAcl | undefined
  /** Bytes that take the place of the source's first `replaces`; sent as part 1, anew by every run. */
  beginning?: { bytes: Uint8Array; replaces: number } | undefined
}

/**
 * Awaited just before the copy takes the target's place, with the ETag that the parts give, how many they are and where
 * they come from; what it throws keeps the target as it is.
 */
export type BeforeCompleting = (etag: string | undefined, parts: number, plan: CopyPlan) => Promise<void>

/** A copy that took its place. `etag` is what the parts give; undefined where their ETags are no MD5s. */
export interface PartedCopyDone {
  etag: string | undefined
  versionId: string | undefined
  parts: number
}

/**
 * Copies an object in parts (UploadPartCopy), onto itself as well: what is under the target's name stays whole until the
 * last request puts the copy in its place. A copy that an earlier run began is gone on with, when it is of the same object.
 *
 * @throws AppError OBJECT_CHANGED when the object became another one, INTEGRITY when the store lists other parts than were
 * copied: nothing was changed then
 */
export async function copyInParts(
  store: Store,
  copy: PartedCopy,
  beforeCompleting: BeforeCompleting,
  options: CopyInPartsOptions,
): Promise<PartedCopyDone> {
  const { records, signal } = options
  const { upload, plan } = await openCopy(store, copy, options)
  try {
    const parts = await copyMissing(store, copy, upload, plan, options)
    const etag = multipartEtag(parts)
    await beforeCompleting(etag, plan.partCount, plan)
    const { versionId } = await store.completeMultipartUpload(upload, parts, { signal })
    if (records !== undefined) await removeCopyRecord(records, copy.target)
    return { etag, versionId, parts: plan.partCount }
  } catch (error) {
    // What was stopped or lost its connection is gone on with by the next run; what is wrong is not.
    if (records !== undefined && !hasCode(error, ...NOT_WORTH_KEEPING)) throw error
    if (records !== undefined) await removeCopyRecord(records, copy.target)
    throw await removeAfter(error, store, upload)
  }
}

const NOT_WORTH_KEEPING = [
  'OBJECT_CHANGED',
  'OBJECT_NOT_FOUND',
  'OBJECT_EXISTS',
  'INTEGRITY',
  'AUTHENTICATION_FAILED',
  'UNSUPPORTED',
] as const

interface OpenCopy {
  upload: MultipartUpload
  plan: CopyPlan
}

async function openCopy(store: Store, copy: PartedCopy, options: CopyInPartsOptions): Promise<OpenCopy> {
  const { records, partSize, signal } = options
  const { target, before } = copy
  const wish = wishOf(copy, options)
  if (records !== undefined) {
    const earlier = await earlierCopy(store, copy, wish, records, signal)
    if (earlier !== undefined) return earlier
  }
  const plan = planCopy(before.size, before.etag, partSize, beginningOf(copy))
  const { acl, headers = before.headers } = copy
  const upload = await createUpload(store, target, { headers, acl, signal })
  if (records !== undefined) {
    const begun: CopyBegun = {
      uploadId: upload.uploadId,
      partSize: plan.partSize,
      ...identityOf(before),
      wish,
    }
    try {
      await writeCopyRecord(records, target, begun)
    } catch (error) {
      throw await removeAfter(error, store, upload)
    }
  }
  return { upload, plan }
}

function identityOf({ size, etag, versionId }: ObjectHead): Pick<CopyBegun, 'size' | 'etag' | 'versionId'> {
  return { size, etag, versionId: versionId ?? null }
}

function beginningOf({ beginning }: PartedCopy): Beginning | undefined {
  return beginning && { length: beginning.bytes.length, replaces: beginning.replaces }
}

/** Everything that decides what the parts hold and what the upload was begun with, besides the source's own identity. */
function wishOf(copy: PartedCopy, { throughHere = false }: CopyInPartsOptions): string {
  const { source, before, acl, headers = before.headers } = copy
  const beginning = beginningOf(copy)
  return recordName(JSON.stringify([source.bucket, source.objectKey, headers, acl, beginning, throughHere]))
}

/** The copy that an earlier run began, if it is still there and of this very object; any other is aborted. */
async function earlierCopy(
  store: Store,
  copy: PartedCopy,
  wish: string,
  records: CopyRecords,
  signal: AbortSignal | undefined,
): Promise<OpenCopy | undefined> {
  const { bucket, objectKey } = copy.target
  const begun = await readCopyRecord(records, { bucket, objectKey })
  if (begun === undefined) return undefined
  const upload = { bucket, objectKey, uploadId: begun.uploadId }
  const { size, etag, versionId } = identityOf(copy.before)
  const isSame =
    begun.size === size && begun.etag === etag && begun.versionId === versionId && begun.wish === wish
  if (isSame && (await isOpen(store, upload, signal))) {
    return { upload, plan: planOf(begun.size, begun.partSize, beginningOf(copy)) }
  }
  await removeUpload(store, upload)
  await removeCopyRecord(records, { bucket, objectKey })
  return undefined
}

async function isOpen(
  store: Store,
  upload: MultipartUpload,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    for await (const _part of store.listParts(upload, { signal })) return true
    return true
  } catch (error) {
    if (hasCode(error, 'UPLOAD_NOT_FOUND', 'ACCESS_DENIED')) return false
    throw error
  }
}

/** Stores what the store does not list yet, and sees that it then lists everything as planned. */
async function copyMissing(
  store: Store,
  copy: PartedCopy,
  upload: MultipartUpload,
  plan: CopyPlan,
  options: CopyInPartsOptions,
): Promise<UploadedPart[]> {
  const { onBytes, signal } = options
  const stored = new Map<number, UploadedPart>()
  for await (const { partNumber, etag, size } of store.listParts(upload, { signal })) {
    // A beginning is of this run: the header in it was sealed just now.
    if (partNumber === 1 && copy.beginning !== undefined) continue
    if (partNumber > plan.partCount || size !== plan.part(partNumber).stored) continue
    stored.set(partNumber, { partNumber, etag })
    onBytes?.(size)
  }
  const missing = Array.from({ length: plan.partCount }, (_, n) => n + 1).filter((n) => !stored.has(n))
  const sendPart = partSender(store, copy, upload, options)
  const storeOne = async (partNumber: number): Promise<void> => {
    const part = plan.part(partNumber)
    stored.set(partNumber, await sendPart(partNumber, part))
    onBytes?.(part.stored)
  }
  await forEachPulled(missing, partsAtOnce(plan, options), storeOne, signal)
  const parts = [...stored.values()].sort((a, b) => a.partNumber - b.partNumber)
  const planned = parts.map((part) => ({ ...part, size: plan.part(part.partNumber).stored }))
  await wrongParts(store, upload, planned, true, { signal })
  return parts
}
