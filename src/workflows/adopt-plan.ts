import { MAX_OBJECT_SIZE, MAX_PART_COUNT, MAX_PART_SIZE, MIN_PART_SIZE } from '../transfer/part-plan.ts'
import { AppError } from '../util/errors.ts'

const MIB = 1024 ** 2

/**
 * Bytes that one request copies when nothing else decides: the server answers only when it is done, and a connection
 * that is silent for a minute is given up.
 */
const COPIED_PART_SIZE = 256 * MIB

/** The ranges of an object that are copied part by part. Sizes in bytes. */
export interface CopyPlan {
  size: number
  /** Every part but the last. */
  partSize: number
  partCount: number
  part(partNumber: number): { offset: number; length: number }
}

/**
 * Plans a copy in parts. Where the ETag tells how many parts the object was stored in, the smallest whole number of MiB
 * that gives as many is taken for their size: most tools cut so (aws, rclone, s5cmd), and the copy then has the same ETag.
 *
 * @param partSize - bytes, taken instead of what suits best; grows where there would be more than 10 000 parts
 * @throws AppError UNSUPPORTED for an object over 5 TiB
 */
export function planCopy(size: number, etag: string, partSize?: number): CopyPlan {
  if (size > MAX_OBJECT_SIZE) throw new AppError('UNSUPPORTED', `no S3 object has ${size} bytes`)
  if (size < 1) throw new RangeError('an empty object has no parts')
  const least = Math.ceil(size / MAX_PART_COUNT)
  return planOf(size, Math.max(partSize ?? storedPartSize(size, etag) ?? COPIED_PART_SIZE, least))
}

/** The same plan again, for parts whose size is known. Throws RangeError for more than 10 000. */
export function planOf(size: number, partSize: number): CopyPlan {
  const partCount = Math.ceil(size / partSize)
  if (partCount > MAX_PART_COUNT || partSize > MAX_PART_SIZE) throw new RangeError('not a plan S3 takes')
  const part = (partNumber: number): { offset: number; length: number } => {
    if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > partCount) {
      throw new RangeError(`part ${partNumber} of ${partCount}`)
    }
    const offset = (partNumber - 1) * partSize
    return { offset, length: Math.min(partSize, size - offset) }
  }
  return { size, partSize, partCount, part }
}

function storedPartSize(size: number, etag: string): number | undefined {
  const count = Number(/^[0-9a-f]{32}-(\d{1,5})$/.exec(etag)?.[1] ?? 0)
  if (count < 2 || count > MAX_PART_COUNT) return undefined
  const partSize = Math.ceil(size / count / MIB) * MIB
  const isPossible = partSize >= MIN_PART_SIZE && partSize <= MAX_PART_SIZE
  return isPossible && Math.ceil(size / partSize) === count ? partSize : undefined
}
