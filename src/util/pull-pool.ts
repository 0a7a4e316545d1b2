/**
 * Runs `work` over the items with at most `concurrency` at a time. The items are pulled, one when a worker is free,
 * so an endless or costly iterable is never read ahead. After the first failure nothing more is pulled;
 * what is in flight is awaited, then the failure is thrown: cleanup that follows never races with work.
 */
export async function forEachPulled<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  concurrency: number,
  work: (item: Item) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
  const failures: unknown[] = []
  // A field, because other workers change it while this one waits.
  const state = { ended: false }

  const stillWanted = (): boolean => !state.ended
  const pull = async (): Promise<void> => {
    while (stillWanted()) {
      const next = await iterator.next()
      if (next.done === true) state.ended = true
      // Another worker may have failed while this one waited for its item.
      else if (stillWanted()) await work(next.value)
    }
  }
  const worker = async (): Promise<void> => {
    try {
      await pull()
    } catch (error) {
      state.ended = true
      failures.push(error)
    }
  }
  const stop = (): void => {
    state.ended = true
  }
  signal?.throwIfAborted()
  signal?.addEventListener('abort', stop, { once: true })
  try {
    await Promise.all(Array.from({ length: concurrency }, worker))
  } finally {
    signal?.removeEventListener('abort', stop)
    await iterator.return?.()
  }
  signal?.throwIfAborted()
  if (failures.length > 0) throw failures[0]
}
