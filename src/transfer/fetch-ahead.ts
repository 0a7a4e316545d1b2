/**
 * Fetches items with up to `ahead` of them under way, and gives the results in their order. Nothing is fetched before
 * somebody asks, and no more than `ahead` results wait to be taken: a slow reader slows the fetching down.
 * Leaving early aborts what is under way and waits for it.
 */
export async function* fetchAhead<Item, Result>(
  items: Iterable<Item>,
  ahead: number,
  fetch: (item: Item, signal: AbortSignal) => Promise<Result>,
  signal?: AbortSignal,
): AsyncGenerator<Result, void, undefined> {
  const left = new AbortController()
  const both = signal === undefined ? left.signal : AbortSignal.any([signal, left.signal])
  const iterator = items[Symbol.iterator]()
  const underWay: Promise<Result>[] = []
  const startNext = (): void => {
    const next = iterator.next()
    if (next.done === true) return
    const result = fetch(next.value, both)
    // It is awaited in its turn; until then its failure is no unhandled one.
    result.catch(() => undefined)
    underWay.push(result)
  }
  try {
    for (let started = 0; started < ahead; started += 1) startNext()
    for (let first = underWay.shift(); first !== undefined; first = underWay.shift()) {
      const result = await first
      startNext()
      yield result
    }
  } finally {
    left.abort()
    await Promise.allSettled(underWay)
  }
}
