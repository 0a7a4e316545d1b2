import { ENCRYPTED_SEGMENT_SIZE } from '../crypto/crypt4gh/format.ts'
import { encryptedBodySize } from '../crypto/crypt4gh/sizes.ts'
import { MAX_OBJECT_SIZE, MAX_PART_COUNT } from './part-plan.ts'

/** How the parts of a stream grow, so that 10 000 of them are enough for 5 TiB although nobody knows how much will come. */
export interface PartGrowth {
  /** Segments in each part until `evenUntil` segments were sent. */
  evenSegments: number
  evenUntil: number
}

/**
 * A part is never smaller than what was sent so far divided by this. At the growth of a 1350th a part, 5 TiB need fewer
 * than 10 000 parts even from 5 MiB on, and the last part stays below 5 GiB.
 */
const SENT_PER_PART = 1350

/** A part that must grow grows by an eighth at least: buffers are replaced some fifty times, not with each part. */
const GROWTH_STEP = 9 / 8

/** Segments of the largest object. */
const MAX_SEGMENTS = Math.floor(MAX_OBJECT_SIZE / ENCRYPTED_SEGMENT_SIZE)

/**
 * With an expected size the parts are equal up to there, and as many as leave enough for growing up to 5 TiB afterwards.
 *
 * @param leastSegments - segments that every part but the last has at least
 * @param expectedSize - bytes of plaintext that will probably come
 */
export function planGrowth(leastSegments: number, expectedSize = 0): PartGrowth {
  const evenUntil = Math.min(
    MAX_SEGMENTS,
    Math.ceil(encryptedBodySize(expectedSize) / ENCRYPTED_SEGMENT_SIZE),
  )
  if (evenUntil <= leastSegments * SENT_PER_PART) return { evenSegments: leastSegments, evenUntil }
  // Each growing part multiplies what was sent by 1 + 1/1350 or more; some are lost to rounding.
  const growing = Math.ceil(SENT_PER_PART * Math.log(MAX_SEGMENTS / evenUntil)) + 10
  const even = MAX_PART_COUNT - growing
  return { evenSegments: Math.max(leastSegments, Math.ceil(evenUntil / even)), evenUntil }
}

/**
 * How many segments the next part has, unless the stream ends in it.
 *
 * @param sentSegments - in all parts before it
 * @param previousSegments - in the part before it; 0 for the first
 */
export function nextPartSegments(growth: PartGrowth, sentSegments: number, previousSegments: number): number {
  if (sentSegments < growth.evenUntil) return growth.evenSegments
  const least = Math.max(growth.evenSegments, Math.ceil(sentSegments / SENT_PER_PART))
  if (least <= previousSegments) return previousSegments
  return Math.max(least, Math.ceil(previousSegments * GROWTH_STEP))
}
