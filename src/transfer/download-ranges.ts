/**
 * A file made of ranges that are fetched in any order, each checked and written in place. With a journal it can be
 * gone on with: a range is written, synced, and only then written down (range-checkpoint.ts).
 */
import type { BigIntStats } from 'node:fs'
import { AppError } from '../util/errors.ts'
import { fileError } from '../util/file-errors.ts'
import type { PartialFile } from '../util/partial-file.ts'
import { forEachPulled } from '../util/pull-pool.ts'
import {
  beginOrGoOn,
  hasItsName,
  leaveFile,
  recordFile,
  type BegunFile,
  type RangesTarget,
} from './begun-file.ts'
import type { DownloadedObject, DownloadOptions } from './download-options.ts'
import { FetchElsewhere } from './fetch-elsewhere.ts'
import { fetchRange } from './fetch-range.ts'
import { RangeCheckpoint } from './range-checkpoint.ts'
import type { PlannedRange, RangePlan } from './range-plan.ts'

/** Checks a range that lies at the start of a buffer, and writes it into the file. */
export type WriteRange = (
  range: PlannedRange,
  shared: SharedArrayBuffer,
  bytes: Uint8Array,
  partial: PartialFile,
) => Promise<unknown>

/**
 * Fetches all ranges that an earlier run has not done, and gives the file its name.
 *
 * @param dataKeys - open the segments, for threads that may fetch them as well; absent when `write` alone knows what to do
 * @throws AppError FILE_EXISTS, DISK_FULL, INTEGRITY, what `write` throws; StorageError from the store
 */
export async function downloadRanges(
  target: RangesTarget,
  options: DownloadOptions,
  write: WriteRange,
  dataKeys?: readonly Uint8Array[],
): Promise<Pick<DownloadedObject, 'earlierBytes' | 'startedOver'>> {
  const { name, path, plan, version, recorded } = target
  if (recorded.record !== undefined && (await hasItsName(target, recorded.record))) {
    reportEarlier(version.size, options)
    return { earlierBytes: version.size, startedOver: undefined }
  }
  const begun = await beginOrGoOn(target, options)
  const { partial, journal, done } = begun
  const checkpoint = checkpointOf(target, begun)
  const earlierBytes = bytesOf(done, plan)
  let whole: BigIntStats | undefined
  try {
    if (earlierBytes > 0) reportEarlier(earlierBytes, options)
    await fetchMissing(target, begun, options, { write, dataKeys, checkpoint })
    await checkpoint?.pause()
    await refuseWrongSize(partial, path, plan.plaintextSize)
    await partial.finish(async (stats) => {
      whole = stats
      // Nothing else is written down about this file, and its name alone would prove nothing to the next run.
      if (journal === undefined && options.oneOfMany === true) {
        await recordFile(name, path, version.etag, options, stats)
      }
    })
  } catch (error) {
    await checkpoint?.settle().catch(() => undefined)
    await leaveFile(name, begun, error)
    throw fileError(error, 'write', path)
  }
  if (journal !== undefined && options.oneOfMany === true && whole !== undefined) {
    await recordFile(name, path, version.etag, options, whole)
  }
  return { earlierBytes, startedOver: begun.startedOver }
}

function checkpointOf({ name }: RangesTarget, { journal, partial }: BegunFile): RangeCheckpoint | undefined {
  if (journal === undefined) return undefined
  return new RangeCheckpoint(async (runs) => {
    await partial.file.datasync()
    await journal.append({ type: 'ranges', objectKey: name.objectKey, runs })
  })
}

function reportEarlier(bytes: number, options: DownloadOptions): void {
  options.onResume?.(bytes)
  options.onBytes?.(bytes)
}

async function fetchMissing(
  target: RangesTarget,
  { partial, done }: BegunFile,
  options: DownloadOptions,
  { write, dataKeys, checkpoint }: RangeWork,
): Promise<void> {
  const elsewhere = new FetchElsewhere(target, partial, dataKeys, options)
  const { name, version, plan } = target
  const { store, slots, signal, concurrency } = options
  const { etag, size } = version
  const fetchOne = async (index: number): Promise<void> => {
    const range = plan.range(index)
    const slot = await slots.take()
    try {
      if (!(await elsewhere.fetch(range))) {
        const bytes = slot.bytes.subarray(0, range.length)
        const wanted = { offset: range.objectOffset, length: range.length }
        await fetchRange(store, name, wanted, etag, signal, bytes, size)
        await write(range, slot.shared, bytes, partial)
      }
    } finally {
      slots.giveBack(slot)
    }
    checkpoint?.add(index)
    options.onRange?.(index, range.length)
    options.onBytes?.(range.length)
  }
  await forEachPulled(missing(plan.rangeCount, done), concurrency, fetchOne, signal)
}

interface RangeWork {
  write: WriteRange
  dataKeys: readonly Uint8Array[] | undefined
  checkpoint: RangeCheckpoint | undefined
}

function* missing(rangeCount: number, done: ReadonlySet<number>): Iterable<number> {
  for (let index = 0; index < rangeCount; index += 1) if (!done.has(index)) yield index
}

async function refuseWrongSize(partial: PartialFile, path: string, expected: number): Promise<void> {
  const { size } = await partial.file.stat()
  if (size === expected) return
  throw new AppError('INTEGRITY', `${path} has ${size} bytes where ${expected} were expected`)
}

function bytesOf(ranges: ReadonlySet<number>, plan: RangePlan): number {
  let bytes = 0
  for (const index of ranges) bytes += plan.range(index).length
  return bytes
}
