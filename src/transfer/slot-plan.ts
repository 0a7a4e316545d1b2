import { AppError } from '../util/errors.ts'
import { WINDOW_SIZE } from './streamed-part.ts'

/** Bytes of buffers a transfer takes when nothing else is said. */
const DEFAULT_MEMORY = 64 * 1024 ** 2

/** The part of a job's memory that buffers may take: the process itself and its threads need the most. */
const SHARE_OF_MEMORY = 8

/** Bytes of buffers for this process: fewer where its cgroup has little memory, as in a small batch job. */
export function defaultMemory(available = process.constrainedMemory()): number {
  // Node answers 0 or an absurdly large number where nothing is limited.
  return available > 0 ? Math.min(DEFAULT_MEMORY, Math.floor(available / SHARE_OF_MEMORY)) : DEFAULT_MEMORY
}

/** The buffers of a run. */
export interface SlotPlan {
  count: number
  /** Bytes of each. Parts that are larger are streamed through them. */
  size: number
}

/**
 * Buffers for parts of these sizes within a limit: whole parts, fewer of them where not `concurrency` fit; and windows of
 * 2 MiB for objects of which not even two parts fit (from some 320 GiB on, at the defaults).
 *
 * @param partSizes - bytes of the largest part of each object
 * @param headerLength - bytes of the longest header
 * @param memory - bytes of all buffers together
 * @throws AppError USAGE when not even windows fit
 */
export function planSlots(
  partSizes: readonly number[],
  headerLength: number,
  concurrency: number,
  memory: number = defaultMemory(),
): SlotPlan {
  const largestWhole = Math.floor(memory / Math.min(2, concurrency))
  const window = headerLength + WINDOW_SIZE
  const whole = partSizes.reduce((most, size) => (size <= largestWhole ? Math.max(most, size) : most), 1)
  const streams = partSizes.some((size) => size > largestWhole)
  const size = streams ? Math.max(whole, window) : whole
  const count = Math.min(concurrency, Math.floor(memory / size))
  if (count > 0) return { count, size }
  const needed = Math.ceil(window / 1024 ** 2)
  throw new AppError('USAGE', `${memory} bytes of memory are too few for any part`, {
    hints: [`give --memory ${needed}M or more`],
  })
}
