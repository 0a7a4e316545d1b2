import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../crypto/crypt4gh/format.ts'
import { plaintextBodySize } from '../crypto/crypt4gh/sizes.ts'

/** Range size aimed at when reading, bytes. */
export const DEFAULT_RANGE_SIZE = 8 * 1024 ** 2

/** A run of whole segments of a stored object. Sizes and offsets in bytes. */
export interface PlannedRange {
  /** Where its first segment starts in the object. */
  objectOffset: number
  length: number
  /** Number of its first segment in the object, from 0. */
  firstSegment: number
  plaintextOffset: number
  plaintextLength: number
}

export interface RangePlan {
  plaintextSize: number
  rangeCount: number
  /** Bytes of every range but the last. */
  bytesPerRange: number
  /** Bytes of the largest range: what a buffer must hold. */
  largestRange: number
  /** @param index - from 0 */
  range(index: number): PlannedRange
}

/**
 * Cuts the body of a sealed object into runs of whole segments that can be fetched and opened each alone.
 *
 * @throws AppError AUTHENTICATION_FAILED when no plaintext gives an object of that size
 */
export function planRanges(
  objectSize: number,
  headerLength: number,
  rangeSize: number = DEFAULT_RANGE_SIZE,
): RangePlan {
  const bodySize = objectSize - headerLength
  const plaintextSize = plaintextBodySize(bodySize)
  const segmentsPerRange = Math.max(1, Math.floor(rangeSize / ENCRYPTED_SEGMENT_SIZE))
  const bytesPerRange = segmentsPerRange * ENCRYPTED_SEGMENT_SIZE
  const rangeCount = Math.ceil(bodySize / bytesPerRange)

  const range = (index: number): PlannedRange => {
    if (!Number.isInteger(index) || index < 0 || index >= rangeCount) {
      throw new RangeError(`range ${index} of ${rangeCount}`)
    }
    const firstSegment = index * segmentsPerRange
    const plaintextOffset = firstSegment * SEGMENT_SIZE
    const length = Math.min(bytesPerRange, bodySize - index * bytesPerRange)
    return {
      objectOffset: headerLength + index * bytesPerRange,
      length,
      firstSegment,
      plaintextOffset,
      plaintextLength: plaintextBodySize(length),
    }
  }
  return { plaintextSize, rangeCount, bytesPerRange, largestRange: Math.min(bytesPerRange, bodySize), range }
}

/** Cuts an object that is kept as it is stored: the "plaintext" of its ranges are their own bytes. */
export function planStoredRanges(objectSize: number, rangeSize: number = DEFAULT_RANGE_SIZE): RangePlan {
  const rangeCount = Math.ceil(objectSize / rangeSize)
  const range = (index: number): PlannedRange => {
    if (!Number.isInteger(index) || index < 0 || index >= rangeCount) {
      throw new RangeError(`range ${index} of ${rangeCount}`)
    }
    const objectOffset = index * rangeSize
    const length = Math.min(rangeSize, objectSize - objectOffset)
    return {
      objectOffset,
      length,
      firstSegment: 0,
      plaintextOffset: objectOffset,
      plaintextLength: length,
    }
  }
  const largestRange = Math.min(rangeSize, objectSize)
  return { plaintextSize: objectSize, rangeCount, bytesPerRange: rangeSize, largestRange, range }
}
