import type { Outcome, VerifiedObject } from './verdict.ts'
import { MOST_KEPT } from './verify-request.ts'

/** What is remembered first where not everything can be. */
type Rank = 'damaged' | 'problem' | 'warning' | 'plain'

/** Adds up what a run finds. The worst is remembered first; the counts are of all objects. */
export class VerifyTally {
  readonly #counts: Record<Outcome, number> = {
    whole: 0,
    unproven: 0,
    damaged: 0,
    'not-for-us': 0,
    'not-crypt4gh': 0,
  }
  readonly #kept: Record<Rank, VerifiedObject[]> = { damaged: [], problem: [], warning: [], plain: [] }
  #bytes = 0

  /** @param bytes - of the object that were checked */
  add(object: VerifiedObject, bytes: number): void {
    this.#counts[object.outcome] += 1
    this.#bytes += bytes
    const kept = this.#kept[rankOf(object)]
    if (kept.length < MOST_KEPT) kept.push(object)
  }

  end(): { objects: VerifiedObject[]; omitted: number; counts: Record<Outcome, number>; bytes: number } {
    const { damaged, problem, warning, plain } = this.#kept
    const objects = [...damaged, ...problem, ...warning, ...plain].slice(0, MOST_KEPT)
    const total = Object.values(this.#counts).reduce((sum, count) => sum + count, 0)
    return { objects, omitted: total - objects.length, counts: this.#counts, bytes: this.#bytes }
  }
}

function rankOf({ outcome, code, findings }: VerifiedObject): Rank {
  if (outcome === 'damaged') return 'damaged'
  if (code !== undefined) return 'problem'
  return findings.length > 0 ? 'warning' : 'plain'
}
