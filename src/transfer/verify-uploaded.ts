import { ENCRYPTED_SEGMENT_SIZE } from '../crypto/crypt4gh/format.ts'
import { MD5_HEX } from '../storage/multipart-etag.ts'
import type { ObjectName, ObjectStore } from '../storage/object-store.ts'
import { AppError } from '../util/errors.ts'
import { forEachPulled } from '../util/pull-pool.ts'
import { fetchRange } from './fetch-range.ts'
import type { PartPlan } from './part-plan.ts'
import { nextHash } from './plaintext-hash.ts'
import type { SegmentEngine } from './segment-engine.ts'
import type { SlotPool } from './slot-pool.ts'
import { WINDOW_SEGMENTS, WINDOW_SIZE } from './streamed-part.ts'
import type { UploadHeader } from './upload-header.ts'

export interface VerifyOptions {
  store: ObjectStore
  engine: SegmentEngine
  slots: SlotPool
  concurrency: number
  signal?: AbortSignal | undefined
}

/** What the store was seen to have: the finished object and its parts. */
export interface StoredParts {
  etag: string | undefined
  parts: readonly { partNumber: number; etag: string }[]
}

/**
 * Reads an uploaded object back and throws it away: every segment's tag is checked with the data keys of this process,
 * and the MD5 of every part is compared with its ETag where that is an MD5, so that nothing is missing or in another place.
 *
 * @returns `tags` when every segment was opened; `parts` when an earlier run's data key is not ours to know and only the
 * parts were compared
 * @throws AppError INTEGRITY, AUTHENTICATION_FAILED: the object must not be used; ACCESS_DENIED when it may not be read back
 */
export async function verifyUploaded(
  target: ObjectName,
  plan: PartPlan,
  header: UploadHeader,
  stored: StoredParts,
  options: VerifyOptions,
): Promise<'tags' | 'parts'> {
  const etag = stored.etag ?? (await options.store.headObject(target.bucket, target.objectKey)).etag
  const etags = new Map(stored.parts.map((part) => [part.partNumber, part.etag]))
  if (plan.partCount === 1) etags.set(1, etag)
  const readParts: boolean[] = []
  await forEachPulled(
    Array.from({ length: plan.partCount }, (_, index) => index + 1),
    options.concurrency,
    async (partNumber) => {
      const md5 = await readBack({ target, plan, partNumber, etag, header }, options)
      readParts.push(comparePart(target, partNumber, etags.get(partNumber), md5))
    },
    options.signal,
  )
  if (header.dataKeys !== undefined) return 'tags'
  if (!readParts.includes(false)) return 'parts'
  throw new AppError(
    'UNSUPPORTED',
    `s3://${target.bucket}/${target.objectKey} was stored, but what an earlier run sent of it can't be verified here`,
    { hints: ['let one of its readers run `sealift verify` on it'] },
  )
}

/** False when the ETag is no MD5 and tells nothing. */
function comparePart(
  target: ObjectName,
  partNumber: number,
  etag: string | undefined,
  md5: string | undefined,
): boolean {
  if (etag === undefined || !MD5_HEX.test(etag)) return false
  if (md5 === etag) return true
  throw new AppError(
    'INTEGRITY',
    `s3://${target.bucket}/${target.objectKey}: part ${partNumber} reads back other than it was sent`,
    { hints: ['this object must not be used: delete it and upload again'] },
  )
}

interface PartToRead {
  target: ObjectName
  plan: PartPlan
  partNumber: number
  etag: string
  header: UploadHeader
}

/** Reads one part, window by window, and gives its MD5. */
async function readBack(part: PartToRead, options: VerifyOptions): Promise<string | undefined> {
  const hash = nextHash()
  const end = () => options.engine.runOrdered({ kind: 'hash-end', hash })
  try {
    await readWindows(part, hash, options)
  } catch (error) {
    await end()
    throw error
  }
  return (await end()).md5
}

async function readWindows(part: PartToRead, hash: number, options: VerifyOptions): Promise<void> {
  const { target, plan, partNumber, etag, header } = part
  const { store, engine, slots, signal } = options
  const { headerLength, size } = plan.part(partNumber)
  const start = partNumber === 1 ? 0 : objectOffset(plan, partNumber)
  let segment = (partNumber - 1) * plan.segmentsPerPart
  for (let done = 0; done < size; segment += WINDOW_SEGMENTS) {
    const front = done === 0 ? headerLength : 0
    const length = Math.min(front + WINDOW_SIZE, size - done)
    const slot = await slots.take()
    try {
      const bytes = slot.bytes.subarray(0, length)
      await fetchRange(store, target, { offset: start + done, length }, etag, signal, bytes)
      await engine.runOrdered({ kind: 'hash-memory', hash, offset: done, slot: slot.shared, length })
      await engine.run({
        kind: 'check-memory',
        dataKeys: header.dataKeys ?? [],
        slot: slot.shared,
        start: front,
        end: header.dataKeys === undefined ? front : length,
        firstSegment: segment,
      })
    } finally {
      slots.giveBack(slot)
    }
    done += length
  }
}

/** Where a part but the first starts in the object. */
function objectOffset(plan: PartPlan, partNumber: number): number {
  return plan.headerLength + (partNumber - 1) * plan.segmentsPerPart * ENCRYPTED_SEGMENT_SIZE
}
