import type { ObjectSource } from '../storage/copy-store.ts'
import { multipartEtag } from '../storage/multipart-etag.ts'
import type { MultipartUpload, ObjectHead, UploadedPart } from '../storage/object-store.ts'
import type { Store } from '../storage/store.ts'
import { wrongParts } from '../storage/upload-checks.ts'
import { removeAfter, removeUpload } from '../storage/upload-cleanup.ts'
import { AppError, hasCode } from '../util/errors.ts'
import { forEachPulled } from '../util/pull-pool.ts'
import { planCopy, planOf, type CopyPlan } from './adopt-plan.ts'
import {
  readCopyRecord,
  removeCopyRecord,
  writeCopyRecord,
  type CopyBegun,
  type CopyRecords,
} from './adopt-record.ts'

/** Parts of one object that are copied at the same time. */
const PARTS_AT_ONCE = 4

export interface CopyInPartsOptions {
  /** Where begun copies are written down, so that the next run goes on with them; without it nothing is kept. */
  records?: CopyRecords | undefined
  /** Bytes; chosen by the object when absent. */
  partSize?: number | undefined
  /** Told what was copied, or found copied. */
  onBytes?: ((bytes: number) => void) | undefined
  signal?: AbortSignal | undefined
}

/**
 * Copies an object onto itself in parts (UploadPartCopy): the object stays whole under its name until the last request
 * puts the copy in its place. A copy that an earlier run began is gone on with, when it is of the same object.
 *
 * @param before - the object as it is
 * @param beforeCompleting - awaited just before the copy takes the object's place, with the ETag that the parts give and
 * how many they are; what it throws keeps the object as it is
 * @returns the ETag that the parts give; undefined where their ETags are no MD5s
 * @throws AppError OBJECT_CHANGED when the object became another one: nothing was changed then
 */
export async function copyInParts(
  store: Store,
  source: ObjectSource,
  before: ObjectHead,
  beforeCompleting: (etag: string | undefined, parts: number) => Promise<void>,
  options: CopyInPartsOptions,
): Promise<{ etag: string | undefined; versionId: string | undefined; parts: number }> {
  const { records, signal } = options
  const { upload, plan } = await openCopy(store, source, before, options)
  try {
    const parts = await copyMissing(store, source, upload, plan, options)
    const etag = multipartEtag(parts)
    await beforeCompleting(etag, plan.partCount)
    const { versionId } = await store.completeMultipartUpload(upload, parts, { signal })
    if (records !== undefined) await removeCopyRecord(records, source)
    return { etag, versionId, parts: plan.partCount }
  } catch (error) {
    // What was stopped or lost its connection is gone on with by the next run; what is wrong is not.
    const isWorthKeeping =
      records !== undefined &&
      !hasCode(error, 'OBJECT_CHANGED', 'OBJECT_NOT_FOUND', 'INTEGRITY', 'UNSUPPORTED')
    if (isWorthKeeping) throw error
    if (records !== undefined) await removeCopyRecord(records, source)
    throw await removeAfter(error, store, upload)
  }
}

/** The failure of an object that somebody else wrote to while it was copied. */
export function changedMeanwhile({ bucket, objectKey }: ObjectSource): AppError {
  return new AppError('OBJECT_CHANGED', `s3://${bucket}/${objectKey} was written to while it was copied`, {
    hints: ['it was left as it is now; run the command again when nobody delivers under this name'],
  })
}

interface OpenCopy {
  upload: MultipartUpload
  plan: CopyPlan
}

async function openCopy(
  store: Store,
  source: ObjectSource,
  before: ObjectHead,
  options: CopyInPartsOptions,
): Promise<OpenCopy> {
  const { records, partSize, signal } = options
  const { bucket, objectKey } = source
  const earlier =
    records === undefined ? undefined : await earlierCopy(store, source, before, records, signal)
  if (earlier !== undefined) return earlier
  const plan = planCopy(before.size, before.etag, partSize)
  const uploadId = await store.createMultipartUpload(bucket, objectKey, { headers: before.headers, signal })
  const upload = { bucket, objectKey, uploadId }
  if (records !== undefined) {
    const begun: CopyBegun = {
      uploadId,
      partSize: plan.partSize,
      size: before.size,
      etag: before.etag,
      versionId: before.versionId ?? null,
    }
    try {
      await writeCopyRecord(records, source, begun)
    } catch (error) {
      throw await removeAfter(error, store, upload)
    }
  }
  return { upload, plan }
}

/** The copy that an earlier run began, if it is still there and of this very object; one of an older object is aborted. */
async function earlierCopy(
  store: Store,
  { bucket, objectKey }: ObjectSource,
  before: ObjectHead,
  records: CopyRecords,
  signal: AbortSignal | undefined,
): Promise<OpenCopy | undefined> {
  const begun = await readCopyRecord(records, { bucket, objectKey })
  if (begun === undefined) return undefined
  const upload = { bucket, objectKey, uploadId: begun.uploadId }
  const isSame =
    begun.size === before.size && begun.etag === before.etag && begun.versionId === (before.versionId ?? null)
  if (isSame && (await isOpen(store, upload, signal))) {
    return { upload, plan: planOf(begun.size, begun.partSize) }
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

/** Copies what the store does not list yet, and sees that it then lists everything as planned. */
async function copyMissing(
  store: Store,
  source: ObjectSource,
  upload: MultipartUpload,
  plan: CopyPlan,
  { onBytes, signal }: CopyInPartsOptions,
): Promise<UploadedPart[]> {
  const copied = new Map<number, UploadedPart>()
  for await (const { partNumber, etag, size } of store.listParts(upload, { signal })) {
    if (partNumber > plan.partCount || size !== plan.part(partNumber).length) continue
    copied.set(partNumber, { partNumber, etag })
    onBytes?.(size)
  }
  const missing = Array.from({ length: plan.partCount }, (_, n) => n + 1).filter((n) => !copied.has(n))
  const copyOne = async (partNumber: number): Promise<void> => {
    const range = plan.part(partNumber)
    copied.set(partNumber, await store.copyPart(upload, partNumber, { ...source, range }, { signal }))
    onBytes?.(range.length)
  }
  await forEachPulled(missing, PARTS_AT_ONCE, copyOne, signal)
  const parts = [...copied.values()].sort((a, b) => a.partNumber - b.partNumber)
  const planned = parts.map((part) => ({ ...part, size: plan.part(part.partNumber).length }))
  await wrongParts(store, upload, planned, true, { signal })
  return parts
}
