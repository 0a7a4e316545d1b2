import type { ObjectStore } from '../../storage/object-store.ts'

/** What was asked of a store. */
export interface FetchCounts {
  /** GetObject requests, those that were tried again not counted. */
  fetches: number
  /** Bytes of objects that arrived, as they are stored. */
  fetchedBytes: number
}

/** A store that counts what is read from it. */
export function countedStore(store: ObjectStore, counts: FetchCounts): ObjectStore {
  const getObject: ObjectStore['getObject'] = async (...args) => {
    counts.fetches += 1
    const answer = await store.getObject(...args)
    return {
      ...answer,
      body: counted(answer.body, counts),
      destroy: () => {
        answer.destroy()
      },
    }
  }
  // All else, and what kind of store it is, stays as it was: retries depend on it.
  return new Proxy(store, {
    get(target, property) {
      if (property === 'getObject') return getObject
      const value: unknown = Reflect.get(target, property)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

async function* counted(
  body: AsyncIterable<Uint8Array>,
  counts: FetchCounts,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of body) {
    counts.fetchedBytes += chunk.length
    yield chunk
  }
}
