import { hashMemory, hashRange, endHash, type HashEnd, type HashMemory, type HashRange } from './hash-task.ts'
import {
  checkFile,
  checkMemory,
  openFromFile,
  openFromMemory,
  type CheckFile,
  type CheckMemory,
  type OpenFromFile,
  type OpenFromMemory,
} from './open-task.ts'
import {
  sealMemory,
  sealToFile,
  sealToMemory,
  type SealMemory,
  type SealToFile,
  type SealToMemory,
} from './seal-task.ts'

import type { SegmentTaskResult } from './task-result.ts'

/**
 * The work on segments that may run in a worker thread: read a range, seal or open it, hash or write it.
 * Synchronous on purpose: a thread does one task at a time. File descriptors are valid in all threads of the process.
 * All sizes and offsets are bytes; offsets into segments are always on segment boundaries.
 */
export type SegmentTask =
  SealToMemory | SealMemory | SealToFile | OpenFromMemory | OpenFromFile | CheckFile | CheckMemory

/** Work that goes through a hash in the order of the bytes: one thread does all of it, first come, first served. */
export type OrderedTask = HashRange | HashMemory | HashEnd

/**
 * Runs one task to its end.
 *
 * @throws AppError FILE_CHANGED when the source ends early, AUTHENTICATION_FAILED when a segment is not genuine;
 * and what node:fs throws
 */
export function runSegmentTask(task: SegmentTask | OrderedTask): SegmentTaskResult {
  switch (task.kind) {
    case 'seal-to-memory':
      return sealToMemory(task)
    case 'seal-memory':
      return sealMemory(task)
    case 'seal-to-file':
      return sealToFile(task)
    case 'open-from-memory':
      return openFromMemory(task)
    case 'open-from-file':
      return openFromFile(task)
    case 'check-file':
      return checkFile(task)
    case 'check-memory':
      return checkMemory(task)
    case 'hash-range':
      return hashRange(task)
    case 'hash-memory':
      return hashMemory(task)
    case 'hash-end':
      return endHash(task)
  }
}
