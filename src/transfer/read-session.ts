import type { Stretch } from './read-ahead.ts'
import { spanEnd, type SegmentSpan } from './segment-spans.ts'

/** Why fetches end whose reader went away without a reason of its own. */
const ENOUGH: unknown = AbortSignal.abort().reason

/** One request for a range of an object: what it wants, and which fetches go on for it. To be ended. */
export class ReadSession {
  readonly signal: AbortSignal
  /** Whether the reader named the end of what it wants, and will likely take all of it. */
  readonly bounded: boolean
  /** What was fetched last for it. */
  stretch: Stretch | undefined
  readonly #wanted: readonly SegmentSpan[]
  /** How to say that a fetch is not wanted any more. */
  readonly #held = new Map<object, (reason: unknown) => void>()
  readonly #giveUp = (): void => {
    this.end()
  }

  constructor(wanted: readonly SegmentSpan[], bounded: boolean, signal: AbortSignal) {
    this.#wanted = wanted
    this.bounded = bounded
    this.signal = signal
    signal.addEventListener('abort', this.#giveUp, { once: true })
  }

  /** First segment after those that lie side by side from this one on and are wanted. */
  wantedUntil(segment: number): number {
    return spanEnd(this.#wanted, segment)
  }

  /** Something is fetched for this session as well. */
  hold(fetched: object, release: (reason: unknown) => void): void {
    this.#held.set(fetched, release)
  }

  /** It has been fetched. */
  letGo(fetched: object): void {
    this.#held.delete(fetched)
  }

  /** Ends what is still fetched for this session alone. */
  end(): void {
    this.signal.removeEventListener('abort', this.#giveUp)
    const reason: unknown = this.signal.aborted ? this.signal.reason : ENOUGH
    for (const release of this.#held.values()) release(reason)
    this.#held.clear()
  }
}
