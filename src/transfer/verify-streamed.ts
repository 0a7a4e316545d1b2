import type { ObjectName, ObjectStore } from '../storage/object-store.ts'
import { AppError } from '../util/errors.ts'
import { sameBytes } from '../util/bytes.ts'
import { forEachPulled } from '../util/pull-pool.ts'
import { fetchRange } from './fetch-range.ts'
import { planRanges } from './range-plan.ts'
import type { SegmentEngine } from './segment-engine.ts'
import { SlotPool } from './slot-pool.ts'

/** Bytes fetched at a time. */
const WINDOW = 2 * 1024 ** 2

export interface VerifyStreamedOptions {
  store: ObjectStore
  engine: SegmentEngine
  concurrency: number
  signal?: AbortSignal | undefined
}

/**
 * Reads an object that was uploaded from a stream back and throws it away: the header must be the one that was sent, and
 * every segment's tag is checked. That the segments are in their places its ETag tells, which the upload compared.
 *
 * @throws AppError INTEGRITY, AUTHENTICATION_FAILED: the object must not be used; ACCESS_DENIED when it may not be read back
 */
export async function verifyStreamed(
  target: ObjectName,
  stored: { size: number; etag: string | undefined },
  header: Uint8Array,
  dataKey: Uint8Array,
  options: VerifyStreamedOptions,
): Promise<void> {
  const { store, engine, concurrency, signal } = options
  const etag = stored.etag ?? (await store.headObject(target.bucket, target.objectKey, { signal })).etag
  const front = { offset: 0, length: header.length }
  if (!sameBytes(await fetchRange(store, target, front, etag, signal), header)) {
    throw new AppError(
      'INTEGRITY',
      `s3://${target.bucket}/${target.objectKey} has another header than was sent`,
      { hints: ['this object must not be used: delete it and upload again'] },
    )
  }
  const plan = planRanges(stored.size, header.length, WINDOW)
  const slots = new SlotPool(concurrency, plan.largestRange)
  await forEachPulled(
    upTo(plan.rangeCount),
    concurrency,
    async (index) => {
      const { objectOffset: offset, length, firstSegment } = plan.range(index)
      const slot = await slots.take()
      try {
        await fetchRange(store, target, { offset, length }, etag, signal, slot.bytes.subarray(0, length))
        await engine.run({
          kind: 'check-memory',
          dataKeys: [dataKey],
          slot: slot.shared,
          start: 0,
          end: length,
          firstSegment,
        })
      } finally {
        slots.giveBack(slot)
      }
    },
    signal,
  )
}

function* upTo(count: number): Generator<number> {
  for (let index = 0; index < count; index += 1) yield index
}
