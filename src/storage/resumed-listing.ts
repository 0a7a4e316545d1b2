import type { RequestOptions } from './object-store.ts'

/** Calls until it succeeds or the failure is not worth another attempt; attempts count from 1. */
export type Repeat = <T>(
  request: RequestOptions | undefined,
  attempt: (n: number) => Promise<T>,
) => Promise<T>

/**
 * Gives a listing's entries; when it breaks, opens it again for those not given yet.
 *
 * @param open - must leave out what `onGiven` was told
 */
export async function* resumedListing<T>(
  repeat: Repeat,
  request: RequestOptions | undefined,
  open: () => AsyncIterable<T>,
  onGiven: (entry: T) => void,
): AsyncGenerator<T> {
  let iterator = open()[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await repeat(request, (n) => {
        if (n > 1) iterator = open()[Symbol.asyncIterator]()
        return iterator.next()
      })
      if (next.done === true) return
      onGiven(next.value)
      yield next.value
    }
  } finally {
    await iterator.return?.()
  }
}

/** The entries that are wanted, as they come. */
export async function* filtered<T>(
  entries: AsyncIterable<T>,
  wanted: (entry: T) => boolean,
): AsyncGenerator<T> {
  for await (const entry of entries) if (wanted(entry)) yield entry
}
