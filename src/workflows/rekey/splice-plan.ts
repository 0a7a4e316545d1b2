import { ENCRYPTED_SEGMENT_SIZE } from '../../crypto/crypt4gh/format.ts'
import { MAX_PART_COUNT, MAX_PART_SIZE, MIN_PART_SIZE } from '../../transfer/part-plan.ts'
import { COPIED_PART_SIZE } from '../copies/copy-plan.ts'

/** Bytes of a part that passes through this machine. */
const PASSING_PART_SIZE = 16 * 1024 ** 2

/** How a new header is put before a body that the server copies. In bytes. */
export interface SplicePlan {
  /** Of the body, sent with the header as part 1: whole segments. */
  bodyLength: number
  /** How many of the old object's first bytes part 1 stands for. */
  replaces: number
  /** Every part but the first and the last: whole segments. */
  partSize: number
}

/** The lengths of an object and its two headers, in bytes. */
export interface SpliceSizes {
  headerBefore: number
  headerAfter: number
  size: number
}

/**
 * Plans the parts of an object with a new header, so that all of them end where a segment ends and have what S3 asks for.
 *
 * @param partSize - bytes aimed at for the parts that are copied; grows where there would be more than 10 000
 * @returns undefined for an object that is no longer than part 1 would be: it is sent whole
 */
export function splicePlan(
  { headerBefore, headerAfter, size }: SpliceSizes,
  partSize: number = COPIED_PART_SIZE,
): SplicePlan | undefined {
  const body = size - headerBefore
  const bodyLength = wholeSegments(Math.max(MIN_PART_SIZE - headerAfter, 1))
  if (bodyLength >= body) return undefined
  const least = Math.max(MIN_PART_SIZE, (body - bodyLength) / (MAX_PART_COUNT - 1))
  const most = Math.floor(MAX_PART_SIZE / ENCRYPTED_SEGMENT_SIZE) * ENCRYPTED_SEGMENT_SIZE
  const aimed = Math.floor(partSize / ENCRYPTED_SEGMENT_SIZE) * ENCRYPTED_SEGMENT_SIZE
  return {
    bodyLength,
    replaces: headerBefore + bodyLength,
    partSize: Math.min(most, Math.max(aimed, wholeSegments(least))),
  }
}

/** The same for parts that pass through this machine, which are buffers. */
export function passingPlan(sizes: SpliceSizes, partSize = PASSING_PART_SIZE): SplicePlan | undefined {
  return splicePlan(sizes, Math.min(partSize, PASSING_PART_SIZE))
}

/** The smallest whole number of segments that has so many bytes, in bytes. */
function wholeSegments(bytes: number): number {
  return Math.ceil(bytes / ENCRYPTED_SEGMENT_SIZE) * ENCRYPTED_SEGMENT_SIZE
}
