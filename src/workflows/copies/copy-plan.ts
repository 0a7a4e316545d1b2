import { MAX_OBJECT_SIZE, MAX_PART_COUNT, MAX_PART_SIZE, MIN_PART_SIZE } from '../../transfer/part-plan.ts'
import { AppError } from '../../util/errors.ts'

const MIB = 1024 ** 2

/**
 * Bytes that one request copies when nothing else decides: the server answers only when it is done, and a connection
 * that is silent for a minute is given up.
 */
export const COPIED_PART_SIZE = 256 * MIB

/** What becomes the first part instead of bytes of the source. In bytes. */
export interface Beginning {
  length: number
  /** How many of the source's first bytes it stands for. */
  replaces: number
}

/** The ranges of an object that become the parts of its copy. Sizes in bytes. */
export interface CopyPlan {
  /** Of the source. */
  size: number
  /** Every part but the last, and the first where it is a beginning. */
  partSize: number
  partCount: number
  /** Where the bytes of a part are in the source, and how many are stored: they differ for a beginning alone. */
  part(partNumber: number): { offset: number; length: number; stored: number }
}

/**
 * Plans a copy in parts. Where the ETag tells how many parts the object was stored in, the smallest whole number of MiB
 * that gives as many is taken for their size: most tools cut so (aws, rclone, s5cmd), and the copy then has the same ETag.
 *
 * @param partSize - bytes, taken instead of what suits best; grows where there would be more than 10 000 parts
 * @throws AppError UNSUPPORTED for an object over 5 TiB
 */
export function planCopy(size: number, etag: string, partSize?: number, beginning?: Beginning): CopyPlan {
  if (size > MAX_OBJECT_SIZE) throw new AppError('UNSUPPORTED', `no S3 object has ${size} bytes`)
  if (size < 1) throw new RangeError('an empty object has no parts')
  const parts = beginning === undefined ? MAX_PART_COUNT : MAX_PART_COUNT - 1
  const least = Math.ceil((size - (beginning?.replaces ?? 0)) / parts)
  const stored = beginning === undefined ? storedPartSize(size, etag) : undefined
  return planOf(size, Math.max(partSize ?? stored ?? COPIED_PART_SIZE, least), beginning)
}

/** The same plan again, for parts whose size is known. Throws RangeError for more than 10 000. */
export function planOf(size: number, partSize: number, beginning?: Beginning): CopyPlan {
  const first = beginning === undefined ? 0 : 1
  const from = beginning?.replaces ?? 0
  if (from > size) throw new RangeError(`a beginning of ${from} bytes in an object of ${size}`)
  const partCount = first + Math.ceil((size - from) / partSize)
  if (partCount > MAX_PART_COUNT || partSize > MAX_PART_SIZE) throw new RangeError('not a plan S3 takes')
  const part = (partNumber: number): { offset: number; length: number; stored: number } => {
    if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > partCount) {
      throw new RangeError(`part ${partNumber} of ${partCount}`)
    }
    if (beginning !== undefined && partNumber === 1) {
      return { offset: 0, length: from, stored: beginning.length }
    }
    const offset = from + (partNumber - 1 - first) * partSize
    const length = Math.min(partSize, size - offset)
    return { offset, length, stored: length }
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
