/**
 * Uploads one object of which nobody knows yet how many parts it will have. The same rules as for a planned upload
 * (multipart-upload.ts), but nothing can be made a second time: after any failure the upload is aborted, and seen to be gone.
 */
import { forEachPulled } from '../util/pull-pool.ts'
import { createUpload } from './create-upload.ts'
import { checkJoined, type JoinedParts } from './joined-upload.ts'
import { multipartEtag } from './multipart-etag.ts'
import type { MultipartUpload, ObjectName, ObjectStore } from './object-store.ts'
import { seenAbsent } from './seen-absent.ts'
import { sendPart } from './send-part.ts'
import { type SentPart, wrongParts } from './upload-checks.ts'
import { removeAfter } from './upload-cleanup.ts'
import type { PreparedPart, UploadOptions, UploadResult } from './upload-plan.ts'
import { putWhole } from './whole-upload.ts'

/** A part that was read from the stream. */
export interface StreamedPart {
  /** No other follows. An object of one part is sent by PutObject. */
  last: boolean
  /** Makes it ready to be sent; called at most once. */
  prepare(): Promise<PreparedPart>
}

export interface StreamedUploadOptions extends Pick<
  UploadOptions,
  | 'concurrency'
  | 'acl'
  | 'contentType'
  | 'headers'
  | 'tags'
  | 'ifAbsent'
  | 'onCreated'
  | 'onPartStored'
  | 'signal'
> {
  /**
   * Awaited when all parts have arrived and before they are joined, or before a single one is sent, with the ETag that the
   * object will have where ETags are MD5s: a failure here leaves no object.
   */
  beforeComplete?: ((etag?: string) => Promise<void>) | undefined
}

/**
 * Uploads an object part by part as they come, and checks what the store has.
 *
 * @param parts - gives the parts in order, at least one, none ahead of being asked; its signal ends it when they are of no
 * use any more
 * @throws StorageError OBJECT_EXISTS, ACCESS_DENIED, and whatever else the store answers
 * @throws AppError INTEGRITY when what the store has is not what was sent: the object must not be used
 * @throws what `parts` throws; the signal's reason after an abort
 */
export async function uploadStreamed(
  store: ObjectStore,
  target: ObjectName,
  parts: (signal: AbortSignal) => AsyncIterable<StreamedPart>,
  options: StreamedUploadOptions,
): Promise<UploadResult> {
  const overwriteChecked = options.ifAbsent === true ? await seenAbsent(store, target, options) : true
  const cancel = new AbortController()
  const signal =
    options.signal === undefined ? cancel.signal : AbortSignal.any([options.signal, cancel.signal])
  const iterator = parts(signal)[Symbol.asyncIterator]()
  try {
    const first = await iterator.next()
    if (first.done === true) throw new RangeError('a stream of parts without any')
    if (!first.value.last) {
      const sent = await sendParts(store, target, startingWith(first.value, iterator), cancel, options)
      return { ...sent, overwriteChecked }
    }
    const part = await first.value.prepare()
    const prepare = async (): Promise<PreparedPart> => {
      await options.beforeComplete?.(part.etagProbe)
      return part
    }
    const plan = { size: part.body.length, partCount: 1, prepare }
    const whole = await putWhole(store, target, plan, options)
    return { ...whole, size: plan.size, partCount: 1, parts: [], overwriteChecked }
  } finally {
    cancel.abort()
    await iterator.return?.()
  }
}

async function* startingWith(
  first: StreamedPart,
  others: AsyncIterator<StreamedPart>,
): AsyncGenerator<StreamedPart> {
  yield first
  for (let next = await others.next(); next.done !== true; next = await others.next()) yield next.value
}

async function sendParts(
  store: ObjectStore,
  target: ObjectName,
  stream: AsyncIterable<StreamedPart>,
  cancel: AbortController,
  options: StreamedUploadOptions,
): Promise<Omit<UploadResult, 'overwriteChecked'>> {
  const { signal, ifAbsent } = options
  const upload = await createUpload(store, target, options)
  let joined: JoinedParts
  try {
    await options.onCreated?.(upload.uploadId)
    const { parts, etagsAreMd5 } = await sendEachPart(store, upload, stream, cancel, options)
    const listed = (await wrongParts(store, upload, parts, true, { signal })) !== undefined
    await options.beforeComplete?.(etagsAreMd5 ? multipartEtag(parts) : undefined)
    const stored = await store.completeMultipartUpload(upload, parts, { signal, ifAbsent })
    joined = { stored, parts, listed, etagsAreMd5 }
  } catch (error) {
    throw await removeAfter(error, store, upload)
  }
  return checkJoined(store, target, joined, options)
}

async function sendEachPart(
  store: ObjectStore,
  upload: MultipartUpload,
  stream: AsyncIterable<StreamedPart>,
  cancel: AbortController,
  options: StreamedUploadOptions,
): Promise<{ parts: SentPart[]; etagsAreMd5: boolean }> {
  const parts: SentPart[] = []
  let etagsAreMd5 = false
  const signal =
    options.signal === undefined ? cancel.signal : AbortSignal.any([options.signal, cancel.signal])
  await forEachPulled(
    numbered(endingWith(stream, cancel)),
    options.concurrency,
    async ({ partNumber, part }) => {
      try {
        const answered = await sendPart(store, upload, partNumber, await part.prepare(), { signal })
        etagsAreMd5 ||= answered.etagIsMd5
        parts.push(answered.part)
        options.onPartStored?.(answered.part, false)
      } catch (error) {
        cancel.abort(error)
        throw error
      }
    },
    options.signal,
  )
  parts.sort((a, b) => a.partNumber - b.partNumber)
  return { parts, etagsAreMd5 }
}

/** A stream that fails ends the parts on their way early, too: they will be thrown away. */
async function* endingWith(
  stream: AsyncIterable<StreamedPart>,
  cancel: AbortController,
): AsyncGenerator<StreamedPart> {
  try {
    yield* stream
  } catch (error) {
    cancel.abort(error)
    throw error
  }
}

async function* numbered(
  stream: AsyncIterable<StreamedPart>,
): AsyncGenerator<{ partNumber: number; part: StreamedPart }> {
  let partNumber = 0
  for await (const part of stream) {
    partNumber += 1
    yield { partNumber, part }
  }
}
