import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../crypto/crypt4gh/format.ts'
import { encryptedBodySize } from '../crypto/crypt4gh/sizes.ts'
import { AppError } from '../util/errors.ts'

/** S3's limits for multipart uploads (Amazon S3 User Guide, "Multipart upload limits"), in bytes where sizes. */
export const MIN_PART_SIZE = 5 * 1024 ** 2
export const MAX_PART_SIZE = 5 * 1024 ** 3
export const MAX_PART_COUNT = 10_000
export const MAX_OBJECT_SIZE = 5 * 1024 ** 4

/** Part size aimed at when none is asked for, bytes. Smaller ones cost time, larger ones memory (bench/results.md). */
const DEFAULT_PART_SIZE = 16 * 1024 ** 2

/** What one part of a sealed object holds. Sizes and offsets in bytes. */
interface PlannedPart {
  /** From 1. */
  partNumber: number
  /** Where its plaintext starts in the source. */
  plaintextOffset: number
  plaintextLength: number
  /** Bytes of header in front: the whole header in part 1, none elsewhere. */
  headerLength: number
  /** Bytes stored: header and encrypted segments. */
  size: number
}

/** How a source is cut into parts that end on segment boundaries. */
export interface PartPlan {
  plaintextSize: number
  headerLength: number
  /** Bytes of the finished object. */
  objectSize: number
  /** Segments in every part but the last. */
  segmentsPerPart: number
  partCount: number
  /** Bytes of the largest part: what a buffer must hold. */
  largestPart: number
  part(partNumber: number): PlannedPart
}

/**
 * Plans the parts of a sealed object: part 1 is the header and k segments, every other part k segments,
 * so that part n and its range of the source are arithmetic. k grows until there are at most 10 000 parts.
 *
 * @param partSize - bytes aimed at; rounded to whole segments, and up where S3's limits ask for it
 * @throws AppError USAGE for a part size outside S3's limits, UNSUPPORTED for an object over 5 TiB
 */
export function planParts(
  plaintextSize: number,
  headerLength: number,
  partSize: number = DEFAULT_PART_SIZE,
): PartPlan {
  const objectSize = headerLength + encryptedBodySize(plaintextSize)
  refuseSizes(partSize, objectSize, plaintextSize)
  const segments = Math.ceil(plaintextSize / SEGMENT_SIZE)
  const segmentsPerPart = Math.max(segmentsFor(partSize), Math.ceil(segments / MAX_PART_COUNT))
  return planPartsOf(segmentsPerPart, plaintextSize, headerLength)
}

/**
 * The same plan for parts of so many segments: that of an upload that was begun earlier, whatever part size is asked for now.
 *
 * @throws AppError UNSUPPORTED when they would be more than 10 000
 */
export function planPartsOf(segmentsPerPart: number, plaintextSize: number, headerLength: number): PartPlan {
  const objectSize = headerLength + encryptedBodySize(plaintextSize)
  const segments = Math.ceil(plaintextSize / SEGMENT_SIZE)
  const partCount = Math.max(1, Math.ceil(segments / segmentsPerPart))
  if (partCount > MAX_PART_COUNT) {
    throw new AppError('UNSUPPORTED', `${partCount} parts are more than S3's ${MAX_PART_COUNT}`)
  }
  const plaintextPerPart = segmentsPerPart * SEGMENT_SIZE

  const part = (partNumber: number): PlannedPart => {
    if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > partCount) {
      throw new RangeError(`part ${partNumber} of ${partCount}`)
    }
    const plaintextOffset = (partNumber - 1) * plaintextPerPart
    const plaintextLength = Math.min(plaintextPerPart, plaintextSize - plaintextOffset)
    const ownHeader = partNumber === 1 ? headerLength : 0
    return {
      partNumber,
      plaintextOffset,
      plaintextLength,
      headerLength: ownHeader,
      size: ownHeader + encryptedBodySize(plaintextLength),
    }
  }
  const largestPart = part(1).size
  return { plaintextSize, headerLength, objectSize, segmentsPerPart, partCount, largestPart, part }
}

function refuseSizes(partSize: number, objectSize: number, plaintextSize: number): void {
  if (partSize < MIN_PART_SIZE || partSize > MAX_PART_SIZE) {
    throw new AppError('USAGE', `a part size of ${partSize} bytes is outside S3's 5 MiB to 5 GiB`)
  }
  if (objectSize > MAX_OBJECT_SIZE) {
    throw new AppError('UNSUPPORTED', `${plaintextSize} bytes are more than one S3 object can hold (5 TiB)`, {
      hints: ['split the file and upload the pieces'],
    })
  }
}

/** Whole segments nearest below the size, but never so few that a part would fall under S3's minimum. */
function segmentsFor(partSize: number): number {
  return Math.max(
    Math.floor(partSize / ENCRYPTED_SEGMENT_SIZE),
    Math.ceil(MIN_PART_SIZE / ENCRYPTED_SEGMENT_SIZE),
  )
}
