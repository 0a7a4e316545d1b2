import { resolve } from 'node:path'
import { partialName } from '../util/resumable-file.ts'
import type { UnfinishedDownloadState } from './journal/journal-state.ts'
import type { TransferJournal } from './journal/transfer-journal.ts'
import type { ObjectVersion } from './download-options.ts'
import type { RangePlan } from './range-plan.ts'

/** What an earlier run wrote down about a download: of use, or why it is not. */
export type RecordedDownload =
  | { record: UnfinishedDownloadState; startedOver?: undefined }
  | { record?: undefined; startedOver?: string | undefined }

/**
 * Looks up what an earlier run wrote down. It is of use when it is about the same object and the same file, and when
 * its ranges fit into our buffers.
 *
 * @param path - the final name
 * @param longestRange - bytes of a buffer
 */
export function recordedDownload(
  journal: TransferJournal | undefined,
  objectKey: string,
  path: string,
  version: ObjectVersion,
  longestRange: number,
): RecordedDownload {
  const record = journal?.earlier.downloads.get(objectKey)
  if (record === undefined) return {}
  const { begun } = record
  if (begun.etag !== version.etag || begun.size !== version.size) {
    return { startedOver: 'the object was replaced since the earlier run' }
  }
  if (begun.path !== resolve(path) || begun.partial !== resolve(partialName(path))) {
    return { startedOver: 'the earlier run wrote to another file' }
  }
  const { rangeSize } = begun
  if (!Number.isSafeInteger(rangeSize) || rangeSize < 1 || rangeSize > longestRange) {
    return { startedOver: 'the earlier run used larger ranges' }
  }
  return { record }
}

/** The ranges that are recorded and in the plan. */
export function recordedRanges(record: UnfinishedDownloadState, plan: RangePlan): ReadonlySet<number> {
  const ranges = new Set<number>()
  for (const index of record.ranges) {
    if (Number.isInteger(index) && index >= 0 && index < plan.rangeCount) ranges.add(index)
  }
  return ranges
}

/** Bytes a partial file has at least, when these ranges were written to it. */
export function writtenUpTo(ranges: ReadonlySet<number>, plan: RangePlan): number {
  let last = -1
  for (const index of ranges) last = Math.max(last, index)
  if (last === -1) return 0
  const { plaintextOffset, plaintextLength } = plan.range(last)
  return plaintextOffset + plaintextLength
}
