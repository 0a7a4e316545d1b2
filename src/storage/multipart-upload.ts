/**
 * Uploads one object in parts. Knows nothing of what the bytes are: `prepare` makes a part when a worker asks for it.
 *
 * - Pull, never push: at most `concurrency` parts exist at a time.
 * - Retries are the store's (with-retry.ts): a part that fails here has failed for good.
 * - On a failure or an abort nothing more is pulled, requests in flight are cancelled and awaited. Then the upload is left
 *   to be gone on with (`keepAfter`), or aborted and seen to be gone; if that fails, the error names the upload id.
 * - Before completion the store's own list of parts must be the one that was sent; what differs is sent again. Afterwards
 *   the object is looked at. One that fails the last check exists and must not be used: the error says so.
 */
import { abortLater } from '../util/abort-later.ts'
import { forEachPulled } from '../util/pull-pool.ts'
import { createUpload } from './create-upload.ts'
import { checkJoined, type JoinedParts } from './joined-upload.ts'
import type { MultipartUpload, ObjectName, ObjectStore, RequestOptions } from './object-store.ts'
import { seenAbsent } from './seen-absent.ts'
import { sendPart } from './send-part.ts'
import { type SentPart, wrongLength, wrongParts } from './upload-checks.ts'
import { removeAfter } from './upload-cleanup.ts'
import { earlierParts } from './upload-resume.ts'
import type { UploadOptions, UploadPlan, UploadResult } from './upload-plan.ts'
import { putWhole } from './whole-upload.ts'

export type { ObjectName } from './object-store.ts'
export type { SentPart } from './upload-checks.ts'
export type { PreparedPart, UploadPlan, UploadResult } from './upload-plan.ts'

/** Parts an S3 upload may have (Amazon S3 User Guide, "Multipart upload limits"). */
const MAX_PART_COUNT = 10_000

/** Milliseconds for which parts on the way are awaited after an abort, when the upload is kept. */
const GRACE = 10_000

/** How often parts that arrived other than they were sent are sent again. */
const ROUNDS = 3

/**
 * Uploads an object and checks what the store has.
 *
 * @throws StorageError OBJECT_EXISTS, ACCESS_DENIED, and whatever else the store answers; UPLOAD_NOT_FOUND when the
 * earlier upload is neither there nor finished
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
  const { size, partCount } = plan
  if (partCount === 1 && plan.inParts !== true) {
    const overwriteChecked = await checkedAbsent(store, target, options)
    const whole = await putWhole(store, target, plan, options)
    return { ...whole, size, partCount, parts: [], overwriteChecked }
  }
  return uploadInParts(store, target, plan, options)
}

async function uploadInParts(
  store: ObjectStore,
  target: ObjectName,
  plan: UploadPlan,
  options: UploadOptions,
): Promise<UploadResult> {
  const found = await earlierParts(store, target, plan, options)
  if (found?.finished !== undefined) {
    const { size, partCount } = plan
    return { ...found.finished, size, partCount, sizeCheckedBy: 'head', overwriteChecked: true }
  }
  const overwriteChecked = await checkedAbsent(store, target, options)
  const joined = await sendParts(store, target, plan, found?.parts ?? [], options)
  return { ...(await checkJoined(store, target, joined, options)), overwriteChecked }
}

/** Where the object must not exist and the caller has not seen so, it is looked for. */
async function checkedAbsent(
  store: ObjectStore,
  target: ObjectName,
  { ifAbsent, absentSeen, signal }: UploadOptions,
): Promise<boolean> {
  return ifAbsent !== true || absentSeen === true || seenAbsent(store, target, { signal })
}

async function sendParts(
  store: ObjectStore,
  target: ObjectName,
  plan: UploadPlan,
  found: readonly SentPart[],
  options: UploadOptions,
): Promise<JoinedParts> {
  const { signal, ifAbsent } = options
  const upload: MultipartUpload =
    options.earlier === undefined
      ? await createUpload(store, target, options)
      : { ...target, uploadId: options.earlier.uploadId }
  try {
    if (options.earlier === undefined) await options.onCreated?.(upload.uploadId)
    for (const part of found) options.onPartStored?.(part, true)
    const sending = new PartSending(store, upload, plan, options, found)
    const listed = await sending.untilTheyArrived()
    const parts = sending.parts()
    await options.beforeComplete?.()
    const stored = await store.completeMultipartUpload(upload, parts, { signal, ifAbsent })
    return { stored, parts, listed, etagsAreMd5: sending.etagsAreMd5 }
  } catch (error) {
    if (options.keepAfter?.(error) === true) throw error
    throw await removeAfter(error, store, upload)
  }
}

/** The parts of one upload on their way, and those that arrived. */
class PartSending {
  readonly #store: ObjectStore
  readonly #upload: MultipartUpload
  readonly #plan: UploadPlan
  readonly #options: UploadOptions
  readonly #arrived: Map<number, SentPart>
  etagsAreMd5 = false

  constructor(
    store: ObjectStore,
    upload: MultipartUpload,
    plan: UploadPlan,
    options: UploadOptions,
    found: readonly SentPart[],
  ) {
    this.#store = store
    this.#upload = upload
    this.#plan = plan
    this.#options = options
    this.#arrived = new Map(found.map((part) => [part.partNumber, part]))
  }

  /** Those that arrived, by number. */
  parts(): SentPart[] {
    return [...this.#arrived.values()].sort((a, b) => a.partNumber - b.partNumber)
  }

  /** Sends what is missing; false where the store does not show whether it arrived. */
  async untilTheyArrived(): Promise<boolean> {
    for (let round = 1; ; round += 1) {
      await this.#sendMissing()
      const size = this.parts().reduce((sum, part) => sum + part.size, 0)
      if (size !== this.#plan.size) throw wrongLength(this.#upload, this.#plan.size, size)
      const last = round === ROUNDS
      const wrong = await wrongParts(this.#store, this.#upload, this.parts(), last, this.#options)
      if (wrong === undefined) return false
      if (wrong.length === 0) return true
      for (const partNumber of wrong) this.#arrived.delete(partNumber)
    }
  }

  async #sendMissing(): Promise<void> {
    const cancel = new AbortController()
    const { signal, concurrency, onPartStored, keepAfter } = this.#options
    // What is on the way when the upload is left to be gone on with is awaited for a while: it need not be sent again.
    const endWatch = abortLater(signal, cancel, keepAfter === undefined ? 0 : GRACE)
    try {
      await this.#pullMissing(cancel, concurrency, onPartStored)
    } finally {
      endWatch()
    }
  }

  async #pullMissing(
    cancel: AbortController,
    concurrency: number,
    onPartStored: UploadOptions['onPartStored'],
  ): Promise<void> {
    const { signal, keepAfter } = this.#options
    // The grace is for what may still arrive: a store that is away is not asked again.
    const repeatUntil = signal && AbortSignal.any([signal, cancel.signal])
    await forEachPulled(
      this.#missing(),
      Math.min(concurrency, this.#plan.partCount),
      async (partNumber) => {
        try {
          const part = await this.#send(partNumber, { signal: cancel.signal, repeatUntil })
          this.#arrived.set(partNumber, part)
          onPartStored?.(part, false)
        } catch (error) {
          // The others are for nothing when the upload is thrown away.
          if (keepAfter?.(error) !== true) cancel.abort(error)
          throw error
        }
      },
      signal,
    )
  }

  *#missing(): Generator<number> {
    for (let partNumber = 1; partNumber <= this.#plan.partCount; partNumber++) {
      if (!this.#arrived.has(partNumber)) yield partNumber
    }
  }

  async #send(partNumber: number, options: RequestOptions & { signal: AbortSignal }): Promise<SentPart> {
    const prepared = await this.#plan.prepare(partNumber, options.signal)
    const { part, etagIsMd5 } = await sendPart(this.#store, this.#upload, partNumber, prepared, options)
    this.etagsAreMd5 ||= etagIsMd5
    return part
  }
}
