import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StorageError } from '../../src/storage/errors.ts'
import { DEFAULT_RETRY_POLICY, retrying, waitBefore } from '../../src/storage/retrying.ts'
import { fault } from './faulty-store.ts'

/** Fails as often as asked, then succeeds; waits are noted, not waited. */
function rehearse(failures: unknown[], options: Parameters<typeof retrying>[1] = {}) {
  const waits: number[] = []
  let attempts = 0
  const run = retrying(
    async (attemptNumber) => {
      attempts = attemptNumber
      if (attemptNumber <= failures.length) throw failures[attemptNumber - 1]
      return 'done'
    },
    {
      random: () => 1,
      now: () => waits.reduce((sum, wait) => sum + wait, 0),
      sleep: async (seconds) => {
        waits.push(seconds)
      },
      ...options,
    },
  )
  return { run, waits, attempts: () => attempts }
}

describe('trying again', () => {
  it('rides out a store that is busy for a while, with growing waits', async () => {
    const busy = fault('UploadPart')
    const { run, waits } = rehearse([busy, busy, busy])
    expect(await run).toBe('done')
    expect(waits).toEqual([0.5, 1, 2])
  })

  it('does not repeat what was refused', async () => {
    const denied = fault('UploadPart', 'ACCESS_DENIED', false)
    const { run, waits } = rehearse([denied])
    await expect(run).rejects.toBe(denied)
    expect(waits).toEqual([])
  })

  it('does not hide a bug', async () => {
    const bug = new TypeError('a bug')
    await expect(rehearse([bug]).run).rejects.toBe(bug)
  })

  it('gives up after the attempts it was given, with the last failure', async () => {
    const failures = [1, 2, 3].map(() => fault('PutObject'))
    const { run, attempts } = rehearse(failures, { policy: { attempts: 3 } })
    await expect(run).rejects.toBe(failures[2])
    expect(attempts()).toBe(3)
  })

  it('starts no wait that would end after the total time', async () => {
    const failures = Array.from({ length: 50 }, () => fault('PutObject'))
    const policy = { attempts: 50, baseDelay: 1, maxDelay: 10, totalTime: 20 }
    const { run, waits } = rehearse(failures, { policy })
    await expect(run).rejects.toBeInstanceOf(StorageError)
    expect(waits).toEqual([1, 2, 4, 8])
  })

  it('waits as long as the server asks', async () => {
    const busy = new StorageError('STORE_FAILURE', 'busy', {
      operation: 'PutObject',
      retryable: true,
      retryAfter: 7,
    })
    const { run, waits } = rehearse([busy])
    await run
    expect(waits).toEqual([7])
  })

  it('an abort wakes the wait', async () => {
    const abort = new AbortController()
    const reason = new Error('the user left')
    const { run } = rehearse([fault('PutObject')], {
      signal: abort.signal,
      sleep: undefined,
      policy: { baseDelay: 30, totalTime: 100 },
      onRetry: () => {
        abort.abort(reason)
      },
    })
    await expect(run).rejects.toBe(reason)
  })

  it('an abort during an attempt is not taken for a failure of the store', async () => {
    const abort = new AbortController()
    const reason = new Error('the user left')
    const run = retrying(
      () => {
        abort.abort(reason)
        return Promise.reject(fault('PutObject'))
      },
      { signal: abort.signal },
    )
    await expect(run).rejects.toBe(reason)
  })
})

describe('waits', () => {
  it('are spread from zero to a bound that doubles and ends, never shorter than asked for', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 60 }),
        fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: undefined }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (attemptNumber, retryAfter, random) => {
          const wait = waitBefore(attemptNumber, retryAfter, DEFAULT_RETRY_POLICY, () => random)
          expect(wait).toBeGreaterThanOrEqual(Math.min(retryAfter ?? 0, DEFAULT_RETRY_POLICY.maxDelay))
          expect(wait).toBeLessThanOrEqual(DEFAULT_RETRY_POLICY.maxDelay)
        },
      ),
    )
  })
})
