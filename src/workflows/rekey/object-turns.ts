/**
 * Lets work go on while its weights together stay below a limit; what comes later waits for its turn, first come first
 * served, however light it is.
 */
export class ObjectTurns {
  #free: number
  readonly #limit: number
  readonly #waiting: { weight: number; begin: () => void }[] = []

  constructor(limit: number) {
    this.#limit = limit
    this.#free = limit
  }

  /** @param weight - above the limit it counts as the limit: such work goes on alone */
  async take<Result>(weight: number, work: () => Promise<Result>): Promise<Result> {
    const taken = Math.min(weight, this.#limit)
    if (this.#waiting.length === 0 && this.#free >= taken) this.#free -= taken
    else await new Promise<void>((begin) => this.#waiting.push({ weight: taken, begin }))
    try {
      return await work()
    } finally {
      this.#free += taken
      this.#wake()
    }
  }

  /** What is woken has its weight already: nobody can come in between. */
  #wake(): void {
    for (
      let next = this.#waiting[0];
      next !== undefined && next.weight <= this.#free;
      next = this.#waiting[0]
    ) {
      this.#waiting.shift()
      this.#free -= next.weight
      next.begin()
    }
  }
}
