/**
 * Works on items ahead of the reader and gives the results in the order of the items. At most `atOnce` are worked on at
 * the same time and at most `window` are held, done or not: a slow one holds the reader up and not the work, and memory
 * stays flat. After the first failure nothing more is begun; what is under way is awaited, then the failure is thrown.
 */
export async function* mapInOrder<Item, Result>(
  items: AsyncIterable<Item>,
  work: (item: Item) => Promise<Result>,
  { atOnce, window }: { atOnce: number; window: number },
): AsyncGenerator<Result, void, undefined> {
  const turns = new Turns(atOnce)
  const ended = new AbortController()
  const held: Promise<Result>[] = []
  const begin = async (item: Item): Promise<Result> => {
    await turns.take()
    try {
      ended.signal.throwIfAborted()
      return await work(item)
    } catch (error) {
      ended.abort()
      throw error
    } finally {
      turns.give()
    }
  }
  const iterator = items[Symbol.asyncIterator]()
  let exhausted = false
  try {
    for (;;) {
      while (!exhausted && held.length < window && !ended.signal.aborted) {
        const next = await iterator.next()
        if (next.done === true) {
          exhausted = true
        } else {
          const result = begin(next.value)
          // It is awaited when its turn comes: until then its failure has a listener here.
          result.catch(() => undefined)
          held.push(result)
        }
      }
      const first = held.shift()
      if (first === undefined) return
      yield await first
    }
  } finally {
    ended.abort()
    await Promise.allSettled(held)
    await iterator.return?.()
  }
}

/** Lets a number of workers in, the others in the order in which they came. */
class Turns {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(atOnce: number) {
    this.#free = atOnce
  }

  async take(): Promise<void> {
    if (this.#free > 0) this.#free -= 1
    else
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
      })
  }

  give(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free += 1
    else next()
  }
}
