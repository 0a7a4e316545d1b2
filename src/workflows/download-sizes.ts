/** How much of a download is in memory at a time; pure. All sizes in bytes. */
import { ENCRYPTED_SEGMENT_SIZE } from '../crypto/crypt4gh/format.ts'
import { DEFAULT_RANGE_SIZE } from '../transfer/range-plan.ts'
import { AppError } from '../util/errors.ts'
import { formatByteSize } from '../util/byte-size.ts'

/** Ranges in flight over all objects together. */
const DEFAULT_CONCURRENCY = 4

/** Ranges longer than this help nobody, and each is a buffer. */
const LONGEST_RANGE = 512 * 1024 ** 2

/** Shorter ranges cost more requests than the memory is worth, unless they are asked for. */
const SHORT_RANGE = 1024 ** 2

/** What objects that are fetched whole may take together, and how many of them help to hide the network's delay. */
const SMALL_MEMORY = 16 * 1024 ** 2
const MOST_SMALL_AT_ONCE = 32

export interface DownloadSizes {
  concurrency: number
  rangeSize: number
}

/**
 * Ranges in flight and their size, so that all of them together stay within `memory`: first shorter ranges, then fewer.
 *
 * @throws AppError USAGE for sizes that no segment fits into, or beyond all use
 */
export function downloadSizes(asked: {
  concurrency?: number | undefined
  rangeSize?: number | undefined
  memory?: number | undefined
}): DownloadSizes {
  const { concurrency = DEFAULT_CONCURRENCY, rangeSize = DEFAULT_RANGE_SIZE, memory = Infinity } = asked
  if (rangeSize < ENCRYPTED_SEGMENT_SIZE || rangeSize > LONGEST_RANGE) {
    const limits = `${formatByteSize(ENCRYPTED_SEGMENT_SIZE)} to ${formatByteSize(LONGEST_RANGE)}`
    throw new AppError('USAGE', `ranges of ${rangeSize} bytes can not be fetched, only ${limits}`)
  }
  if (memory < ENCRYPTED_SEGMENT_SIZE) {
    throw new AppError(
      'USAGE',
      `${memory} bytes of memory do not hold a segment of ${ENCRYPTED_SEGMENT_SIZE}`,
    )
  }
  if (concurrency * rangeSize <= memory) return { concurrency, rangeSize }
  const shorter = Math.max(Math.floor(memory / concurrency), Math.min(SHORT_RANGE, rangeSize, memory))
  return { concurrency: Math.max(1, Math.min(concurrency, Math.floor(memory / shorter))), rangeSize: shorter }
}

/**
 * How many objects that are fetched whole are at work at the same time.
 *
 * @param largest - of these objects
 */
export function smallAtOnce(largest: number, memory = Infinity): number {
  // The object and its plaintext.
  const fitting = Math.floor(Math.min(SMALL_MEMORY, memory) / (2 * Math.max(1, largest)))
  return Math.max(1, Math.min(MOST_SMALL_AT_ONCE, fitting))
}
