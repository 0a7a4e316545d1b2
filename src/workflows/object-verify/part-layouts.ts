/**
 * How an object may have been cut into parts when it was uploaded: the ETag of a multipart upload can only be computed
 * again by who knows where each part ended. Pure; sizes in bytes.
 */
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_OVERHEAD } from '../../crypto/crypt4gh/format.ts'
import { nextPartSegments, planGrowth } from '../../transfer/part-growth.ts'
import { MAX_OBJECT_SIZE, MAX_PART_COUNT, MAX_PART_SIZE, MIN_PART_SIZE } from '../../transfer/part-plan.ts'
import { passingPlan, splicePlan } from '../rekey/splice-plan.ts'

/** So many parts of one size, one after the other. */
interface PartRun {
  count: number
  size: number
}

/** All parts of an object, in their order. */
export type PartLayout = readonly PartRun[]

const MIB = 1024 ** 2

/** Part sizes that programs have as their default or people ask for, in MiB; ours first. */
const USUAL_SIZES = [
  16, 8, 5, 10, 15, 20, 25, 32, 50, 64, 100, 128, 200, 250, 256, 500, 512, 1000, 1024, 2048, 4096,
]

/** minio-go and mc round their part size up to a multiple of this. */
const MINIO_STEP = 16 * MIB

/** Segments of the smallest part that S3 takes. */
const LEAST_SEGMENTS = Math.ceil(MIN_PART_SIZE / ENCRYPTED_SEGMENT_SIZE)

/** The parts of a stream are equal at least so long. */
const EVEN_PARTS = 1000

/** Each layout is one more MD5 of the whole object: many are tried only where that takes no time. */
const CHEAP_SIZE = 64 * MIB
const MOST_LAYOUTS_WHEN_CHEAP = 16
const MOST_LAYOUTS = 6

/**
 * Layouts that give an object of that size so many parts, the likeliest first: ours (whole segments in every part, the
 * header in front of the first), those of a header that was replaced on the server, and whole MiB, as other programs cut.
 *
 * @param headerLength - bytes of the Crypt4GH header; undefined for what has none
 * @returns none when nothing usual gives as many; the one there is for a single part
 */
export function candidateLayouts(
  size: number,
  partCount: number,
  headerLength: number | undefined,
): PartLayout[] {
  if (partCount < 1 || partCount > MAX_PART_COUNT || size > MAX_OBJECT_SIZE) return []
  if (partCount === 1) return [[{ count: 1, size }]]
  if (size < partCount) return []
  const layouts = [...sealedLayouts(size, partCount, headerLength), ...evenLayouts(size, partCount)]
  const distinct = new Map<string, PartLayout>()
  for (const layout of layouts) {
    if (partsOf(layout) === partCount) distinct.set(JSON.stringify(layout), layout)
  }
  return [...distinct.values()].slice(0, size <= CHEAP_SIZE ? MOST_LAYOUTS_WHEN_CHEAP : MOST_LAYOUTS)
}

/** Parts in a layout. */
export function partsOf(layout: PartLayout): number {
  return layout.reduce((sum, { count }) => sum + count, 0)
}

/** Parts of whole segments, as uploads of ours and replaced headers have them. */
function sealedLayouts(size: number, partCount: number, headerLength: number | undefined): PartLayout[] {
  if (headerLength === undefined || headerLength > size) return []
  const tail = (size - headerLength) % ENCRYPTED_SEGMENT_SIZE
  if (tail > 0 && tail < SEGMENT_OVERHEAD) return []
  const segments = Math.ceil((size - headerLength) / ENCRYPTED_SEGMENT_SIZE)
  const uploaded = USUAL_SIZES.flatMap((mib) => {
    const least = Math.max(LEAST_SEGMENTS, Math.floor((mib * MIB) / ENCRYPTED_SEGMENT_SIZE))
    const length = Math.max(least, Math.ceil(segments / MAX_PART_COUNT)) * ENCRYPTED_SEGMENT_SIZE
    const even = evenAfter(size, headerLength + length, length)
    return partCount <= EVEN_PARTS ? [even] : [even, grownLayout(size, headerLength, least)]
  })
  const sizes = { headerBefore: headerLength, headerAfter: headerLength, size }
  const rekeyed = [splicePlan(sizes), passingPlan(sizes)].flatMap((plan) =>
    plan === undefined ? [] : [evenAfter(size, headerLength + plan.bodyLength, plan.partSize)],
  )
  return [...uploaded, ...rekeyed]
}

/** The parts of a stream, which grow because nobody knew how much would come. */
function grownLayout(size: number, headerLength: number, leastSegments: number): PartLayout {
  const growth = planGrowth(leastSegments)
  const runs: PartRun[] = []
  let segments = 0
  for (let sent = 0, done = 0; done < size;) {
    segments = nextPartSegments(growth, sent, segments)
    const header = done === 0 ? headerLength : 0
    const length = Math.min(size - done, header + segments * ENCRYPTED_SEGMENT_SIZE)
    addPart(runs, length)
    sent += segments
    done += length
  }
  return runs
}

/** Parts of whole MiB, such as aws, rclone, s5cmd and mc send. */
function evenLayouts(size: number, partCount: number): PartLayout[] {
  const smallest = Math.ceil(size / partCount)
  const sizes = [
    Math.ceil(smallest / MIB) * MIB,
    ...USUAL_SIZES.map((mib) => mib * MIB),
    Math.ceil(smallest / MINIO_STEP) * MINIO_STEP,
  ]
  return sizes
    .filter((partSize) => partSize >= smallest && partSize <= MAX_PART_SIZE)
    .map((partSize) => evenAfter(size, partSize, partSize))
}

/** A first part, then equal ones; the last has what is left. */
function evenAfter(size: number, first: number, other: number): PartLayout {
  const runs: PartRun[] = []
  addPart(runs, Math.min(size, first))
  const rest = Math.max(0, size - first)
  const whole = Math.floor(rest / other)
  if (whole > 0) addPart(runs, other, whole)
  if (rest > whole * other) addPart(runs, rest - whole * other)
  return runs
}

function addPart(runs: PartRun[], size: number, count = 1): void {
  const last = runs.at(-1)
  if (last?.size === size) last.count += count
  else runs.push({ count, size })
}
