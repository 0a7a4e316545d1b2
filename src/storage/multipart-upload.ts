/**
 * Uploads one object in parts. Knows nothing of what the bytes are: `prepare` makes a part when a worker asks for it.
 *
 * - Pull, never push: at most `concurrency` parts exist at a time.
 * - Retries are the store's (with-retry.ts): a part that fails here has failed for good.
 * - On a failure or an abort nothing more is pulled, requests in flight are cancelled and awaited, then the upload is
 *   aborted, and seen to be gone. If that fails too, the error has a hint that names the upload id.
 * - Before completion the store's own list of parts must be the one that was sent; afterwards the object's size is
 *   compared. An object that fails the last check exists and must not be used: the error says so.
 */
import { createHash } from 'node:crypto'
import { hasCode } from '../util/errors.ts'
import { forEachPulled } from '../util/pull-pool.ts'
import { StorageError } from './errors.ts'
import type {
  CannedAcl,
  MultipartUpload,
  ObjectName,
  ObjectStore,
  RequestOptions,
  StoredObject,
} from './object-store.ts'
import { checkEtag, checkFinished, checkListedParts, type SentPart, wrongLength } from './upload-checks.ts'
import { removeAfter } from './upload-cleanup.ts'

export type { ObjectName } from './object-store.ts'

/** Parts an S3 upload may have (Amazon S3 User Guide, "Multipart upload limits"). */
const MAX_PART_COUNT = 10_000

/** What is sent: known before the first byte. */
export interface UploadPlan {
  /** Bytes of the finished object. */
  size: number
  /** Parts from 1 to this; one is sent by PutObject. */
  partCount: number
  /** Makes a part. Called once for each, in order, by several workers at a time. */
  prepare(partNumber: number, signal: AbortSignal): Promise<PreparedPart>
}

/** One part, ready to be sent. */
export interface PreparedPart {
  body: Uint8Array
  /** SHA-256 of the body, hex; the server verifies it (see BodyOptions). */
  sha256?: string | undefined
  /** MD5 of the body, hex; compared with the ETag that the server answers. */
  md5?: string | undefined
  /** Gives the buffer back; called once, when the body is not needed any more. */
  release(): void
}

export interface UploadOptions extends RequestOptions {
  /** Parts on the way at a time. */
  concurrency: number
  acl?: CannedAcl | undefined
  contentType?: string | undefined
  /** Refuse to overwrite: OBJECT_EXISTS. */
  ifAbsent?: boolean | undefined
  /** Told after each part that the store has, with its bytes. */
  onPartStored?: ((partNumber: number, bytes: number) => void) | undefined
}

export interface UploadResult extends StoredObject {
  size: number
  partCount: number
  /**
   * What the size was compared with: the finished object (HeadObject), the store's list of parts where the uploader may
   * not look at the object, the ETag of an object sent in one piece, or nothing where the store lets none of these be seen.
   */
  sizeCheckedBy: 'head' | 'parts' | 'etag' | 'none'
  /** False when `ifAbsent` was asked for and the store does not let the uploader see whether the object existed. */
  overwriteChecked: boolean
}

/**
 * Uploads an object and checks what the store has.
 *
 * @throws StorageError OBJECT_EXISTS, ACCESS_DENIED, and whatever else the store answers
 * @throws AppError INTEGRITY when what the store has is not what was sent: the object must not be used
 * @throws the signal's reason after an abort
 */
export async function uploadObject(
  store: ObjectStore,
  target: ObjectName,
  plan: UploadPlan,
  options: UploadOptions,
): Promise<UploadResult> {
  if (!Number.isInteger(plan.partCount) || plan.partCount < 1 || plan.partCount > MAX_PART_COUNT) {
    throw new RangeError(`an upload has 1 to ${MAX_PART_COUNT} parts, not ${plan.partCount}`)
  }
  const overwriteChecked = options.ifAbsent === true ? await seenAbsent(store, target, options) : true
  const sent =
    plan.partCount === 1
      ? await sendWhole(store, target, plan, options)
      : await sendParts(store, target, plan, options)
  const { etag, versionId, checked } = sent
  const head = await checkFinished(store, target, plan, options)
  return {
    etag: etag ?? head?.etag,
    versionId: versionId ?? head?.versionId,
    size: plan.size,
    partCount: plan.partCount,
    sizeCheckedBy: head === undefined ? checked : 'head',
    overwriteChecked,
  }
}

type Sent = StoredObject & { checked: UploadResult['sizeCheckedBy'] }

/**
 * Ceph RGW 16 ignores If-None-Match on CompleteMultipartUpload, so the object is looked for before anything is sent.
 * Two uploaders that start in the same moment can still both pass.
 */
async function seenAbsent(store: ObjectStore, target: ObjectName, options: UploadOptions): Promise<boolean> {
  const { bucket, objectKey } = target
  try {
    await store.headObject(bucket, objectKey, { signal: options.signal })
  } catch (error) {
    if (hasCode(error, 'OBJECT_NOT_FOUND')) return true
    // Without the right to list or read, a server answers 403 for both cases.
    if (hasCode(error, 'ACCESS_DENIED')) return false
    throw error
  }
  throw new StorageError('OBJECT_EXISTS', `s3://${bucket}/${objectKey} exists already`, {
    operation: 'HeadObject',
    bucket,
    objectKey,
  })
}

async function sendWhole(
  store: ObjectStore,
  target: ObjectName,
  plan: UploadPlan,
  options: UploadOptions,
): Promise<Sent> {
  const part = await plan.prepare(1, options.signal ?? new AbortController().signal)
  try {
    if (part.body.length !== plan.size) throw wrongLength(target, plan.size, part.body.length)
    const { sha256, body } = part
    const { signal, acl, contentType, ifAbsent } = options
    const stored = await store.putObject(target.bucket, target.objectKey, body, {
      sha256,
      signal,
      acl,
      contentType,
      ifAbsent,
    })
    checkEtag(target, 1, stored.etag, part.md5)
    const md5 = part.md5 ?? createHash('md5').update(body).digest('hex')
    options.onPartStored?.(1, body.length)
    return { ...stored, checked: stored.etag === md5 ? 'etag' : 'none' }
  } finally {
    part.release()
  }
}

async function sendParts(
  store: ObjectStore,
  target: ObjectName,
  plan: UploadPlan,
  options: UploadOptions,
): Promise<Sent> {
  const { signal, acl, contentType, ifAbsent } = options
  const uploadId = await store.createMultipartUpload(target.bucket, target.objectKey, {
    signal,
    acl,
    contentType,
  })
  const upload: MultipartUpload = { ...target, uploadId }
  try {
    const parts = await sendEachPart(store, upload, plan, options)
    const listed = await checkListedParts(store, upload, parts, options)
    const stored = await store.completeMultipartUpload(upload, parts, { signal, ifAbsent })
    return { ...stored, checked: listed ? 'parts' : 'none' }
  } catch (error) {
    throw await removeAfter(error, store, upload)
  }
}

async function sendEachPart(
  store: ObjectStore,
  upload: MultipartUpload,
  plan: UploadPlan,
  options: UploadOptions,
): Promise<SentPart[]> {
  // A failed part ends the others early too: what they send will be thrown away.
  const cancel = new AbortController()
  const signal =
    options.signal === undefined ? cancel.signal : AbortSignal.any([options.signal, cancel.signal])
  const parts: SentPart[] = []
  await forEachPulled(
    partNumbers(plan.partCount),
    Math.min(options.concurrency, plan.partCount),
    async (partNumber) => {
      try {
        const part = await sendPart(store, upload, plan, partNumber, signal)
        parts.push(part)
        options.onPartStored?.(partNumber, part.size)
      } catch (error) {
        cancel.abort(error)
        throw error
      }
    },
    options.signal,
  )
  parts.sort((a, b) => a.partNumber - b.partNumber)
  const size = parts.reduce((sum, part) => sum + part.size, 0)
  if (size !== plan.size) throw wrongLength(upload, plan.size, size)
  return parts
}

async function sendPart(
  store: ObjectStore,
  upload: MultipartUpload,
  plan: UploadPlan,
  partNumber: number,
  signal: AbortSignal,
): Promise<SentPart> {
  const part = await plan.prepare(partNumber, signal)
  try {
    const { body, sha256, md5 } = part
    const stored = await store.uploadPart(upload, partNumber, body, { sha256, signal })
    checkEtag(upload, partNumber, stored.etag, md5)
    return { partNumber, etag: stored.etag, size: body.length }
  } finally {
    part.release()
  }
}

function* partNumbers(count: number): Generator<number> {
  for (let partNumber = 1; partNumber <= count; partNumber++) yield partNumber
}
