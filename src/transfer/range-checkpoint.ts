/** The first and the last number of each run of adjacent ranges. */
export type Runs = readonly (readonly [number, number])[]

/**
 * Writes down in the background which ranges are done: all that finished since the last time at once, one write after
 * the other. Whoever finishes a range never waits for the disk.
 */
export class RangeCheckpoint {
  readonly #record: (runs: Runs) => Promise<void>
  #finished: number[] = []
  #running: Promise<void> | undefined
  #failure: { error: unknown } | undefined
  #paused = false

  /** @param record - makes the ranges durable, then says so durably; never called twice at a time */
  constructor(record: (runs: Runs) => Promise<void>) {
    this.#record = record
  }

  /** A range is written. Throws what an earlier record failed with. */
  add(index: number): void {
    if (this.#failure !== undefined) throw this.#failure.error
    this.#finished.push(index)
    this.#running ??= this.#recordFinished()
  }

  /** Waits until everything that was added is recorded. Throws what a record failed with. */
  async settle(): Promise<void> {
    this.#paused = false
    if (this.#finished.length > 0) this.#running ??= this.#recordFinished()
    await this.#running
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** Records nothing more for now, because the whole may be done, and waits for the record under way. */
  async pause(): Promise<void> {
    this.#paused = true
    await this.#running
    if (this.#failure !== undefined) throw this.#failure.error
  }

  async #recordFinished(): Promise<void> {
    try {
      while (this.#finished.length > 0 && !this.#paused) {
        const finished = this.#finished
        this.#finished = []
        await this.#record(runsOf(finished))
      }
    } catch (error) {
      this.#failure = { error }
    }
    this.#running = undefined
  }
}

function runsOf(indices: readonly number[]): Runs {
  const runs: [number, number][] = []
  for (const index of indices.toSorted((a, b) => a - b)) {
    const last = runs.at(-1)
    if (last?.[1] === index - 1) last[1] = index
    else runs.push([index, index])
  }
  return runs
}
