/**
 * How much of an object to fetch when a segment is missing; pure. Whoever reads on where the last fetch ended reads in
 * order, and gets twice as much the next time; whoever comes from elsewhere gets what was asked for, or little when no
 * end was named: programs that look at a region ask for everything from there on and hang up when they have enough.
 */

/** Segments of the first fetch for a reader that named no end: 256 KiB. */
export const FIRST_WINDOW = 4

/** Segments of a fetch at most: 2 MiB. */
export const LARGEST_WINDOW = 32

/** Readers of an object that are remembered beyond their requests. */
const REMEMBERED = 16

/** What was fetched last for a reader. */
export interface Stretch {
  /** First segment of it. */
  readonly begin: number
  /** First segment after it. The caller takes some back when it fetched fewer. */
  end: number
  /** Segments that this reader is trusted with, as far as it read in order. */
  readonly window: number
}

/** The readers of one object. */
export class ReadAhead {
  /** The one that was seen last stands last. */
  readonly #stretches: Stretch[] = []

  /**
   * What to fetch for a reader that misses a segment.
   *
   * @param certain - segments from there on that were asked for by name; undefined when no end was named
   * @param own - the stretch before, within the same request
   */
  next(segment: number, certain: number | undefined, own: Stretch | undefined): Stretch {
    const earlier = own ?? this.#stretches.find(({ end }) => end === segment)
    const window = windowAfter(earlier, certain, own !== undefined)
    // Within a request the end is known; only a request that continues an earlier one is read ahead of.
    const ahead = certain === undefined || (earlier !== undefined && own === undefined) ? window : 0
    const count = Math.min(LARGEST_WINDOW, Math.max(1, certain ?? 0, ahead))
    const stretch: Stretch = { begin: segment, end: segment + count, window }
    this.#remember(stretch, earlier)
    return stretch
  }

  #remember(stretch: Stretch, earlier: Stretch | undefined): void {
    const index = earlier === undefined ? -1 : this.#stretches.indexOf(earlier)
    if (index >= 0) this.#stretches.splice(index, 1)
    this.#stretches.push(stretch)
    if (this.#stretches.length > REMEMBERED) this.#stretches.shift()
  }
}

function windowAfter(earlier: Stretch | undefined, certain: number | undefined, within: boolean): number {
  if (earlier === undefined) return certain === undefined ? FIRST_WINDOW : FIRST_WINDOW / 2
  // A long request is one request: it says nothing about whether another one follows.
  if (within && certain !== undefined) return earlier.window
  return Math.min(LARGEST_WINDOW, earlier.window * 2)
}
