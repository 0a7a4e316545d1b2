import { FetchThreads } from '../../src/transfer/fetch-threads.ts'

/** What became of the ranges that threads were asked to fetch. */
export interface ThreadFetches {
  /** Fetched, opened and written by a thread. */
  brought: number
  /** Left to be fetched the ordinary way. */
  left: number
}

/** Counts in this process until it is ended: that harm was done to a thread can be seen nowhere else. */
export function countThreadFetches(): { counts: ThreadFetches; end: () => void } {
  const counts: ThreadFetches = { brought: 0, left: 0 }
  const run = Reflect.get(FetchThreads.prototype, 'run')
  FetchThreads.prototype.run = async function (this: FetchThreads, ...args) {
    const done = await run.apply(this, args)
    counts[done ? 'brought' : 'left'] += 1
    return done
  }
  return {
    counts,
    end() {
      FetchThreads.prototype.run = run
    },
  }
}
