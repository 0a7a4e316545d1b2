import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StorageError } from '../../src/storage/errors.ts'
import { failure } from '../../src/storage/failure.ts'
import { DEFAULT_RETRY_POLICY, policyForOutagesOf, retrying, waitBefore } from '../../src/storage/retrying.ts'
import { SharedPause } from '../../src/storage/shared-pause.ts'
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

  it('counts the time from the first failure: a part may take long before it breaks off', async () => {
    let now = 0
    const run = retrying(
      async (attemptNumber) => {
        now += 1000
        if (attemptNumber < 2) throw fault('UploadPart')
        return 'done'
      },
      { now: () => now, sleep: async () => undefined, policy: { totalTime: 20 } },
    )
    expect(await run).toBe('done')
  })

  it('a failure that was given up is not tried again by a loop around it', async () => {
    const failures = Array.from({ length: 3 }, () => fault('GetObject'))
    const inner = rehearse(failures, { policy: { attempts: 2 } })
    const given = await inner.run.catch((error: unknown) => error)
    const outer = rehearse([given])
    await expect(outer.run).rejects.toBe(given)
    expect(outer.attempts()).toBe(1)
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

describe('a store that is away', () => {
  const away = () =>
    failure('ENDPOINT_UNREACHABLE', { operation: 'UploadPart' }, undefined, { retryable: true })
  const broken = () =>
    failure('STORE_FAILURE', { operation: 'UploadPart' }, 'ECONNRESET', { retryable: true })
  const answer = (status: number) =>
    failure('STORE_FAILURE', { operation: 'UploadPart' }, undefined, { status, retryable: true })

  it('is waited for by the clock, however often that is', async () => {
    const minutes = [away(), broken(), answer(503), answer(502), answer(504), answer(429)]
    const failures = Array.from({ length: 5 }, () => minutes).flat()
    const { run, waits } = rehearse(failures, { policy: policyForOutagesOf(900) })
    expect(await run).toBe('done')
    expect(waits).toHaveLength(30)
    expect(Math.max(...waits)).toBe(30)
  })

  it('is given up after the time that was asked for', async () => {
    const failures = Array.from({ length: 1000 }, away)
    const { run, waits } = rehearse(failures, { policy: policyForOutagesOf(900) })
    await expect(run).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE' })
    const waited = waits.reduce((sum, wait) => sum + wait, 0)
    expect(waited).toBeGreaterThan(900 - 31)
    expect(waited).toBeLessThanOrEqual(900)
  })

  it('is not waited for at all with 0', async () => {
    const { run, waits } = rehearse([away()], { policy: policyForOutagesOf(0) })
    await expect(run).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE' })
    expect(waits).toEqual([])
  })

  it('is another thing than one that answers 500 every time: that is given up sooner', async () => {
    const failures = Array.from({ length: 50 }, () => answer(500))
    const { run, attempts } = rehearse(failures, { policy: policyForOutagesOf(9000) })
    await expect(run).rejects.toMatchObject({ status: 500 })
    expect(attempts()).toBe(DEFAULT_RETRY_POLICY.attempts)
  })
})

describe('a store that asks to slow down', () => {
  const clock = () => {
    let now = 0
    const sleep = async (seconds: number): Promise<void> => {
      now += seconds
      await Promise.resolve()
    }
    return { now: () => now, sleep, random: () => 1 }
  }
  const slowDown = new StorageError('STORE_FAILURE', 'busy', {
    operation: 'UploadPart',
    status: 503,
    serverCode: 'SlowDown',
    retryable: true,
    retryAfter: 20,
  })

  it('is heard by all: what another request would send waits, too', async () => {
    const time = clock()
    const pause = new SharedPause(time)
    let told = 0
    await retrying(
      async (attemptNumber) => {
        if (attemptNumber === 1) throw slowDown
      },
      // Only the pause moves the clock: the waiting of the one that was refused is left out here.
      { ...time, sleep: async () => undefined, pause, onRetry: () => (told = time.now()) },
    )
    expect(time.now() - told).toBeGreaterThanOrEqual(20)
    const before = time.now()
    pause.extend(7)
    await retrying(async () => undefined, { ...time, pause })
    expect(time.now() - before).toBeGreaterThanOrEqual(7)
  })

  it('keeps nobody waiting for other failures', async () => {
    const time = clock()
    const pause = new SharedPause(time)
    await retrying(
      async (attemptNumber) => {
        if (attemptNumber === 1) throw fault('UploadPart', 'INTEGRITY')
      },
      { ...time, sleep: async () => undefined, pause },
    )
    expect(time.now()).toBe(0)
  })

  it('a pause is never made shorter, and those who waited do not return together', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (pauses, random) => {
          const time = clock()
          const pause = new SharedPause({ ...time, random: () => random })
          for (const seconds of pauses) pause.extend(seconds)
          await pause.passed()
          const longest = Math.max(...pauses)
          expect(time.now()).toBeGreaterThanOrEqual(longest)
          expect(time.now()).toBeLessThanOrEqual(longest + random + 1e-9)
        },
      ),
    )
  })

  it('an abort ends the waiting for a pause', async () => {
    const pause = new SharedPause()
    pause.extend(1000)
    const abort = new AbortController()
    const reason = new Error('the user left')
    const passed = pause.passed(abort.signal)
    abort.abort(reason)
    await expect(passed).rejects.toBe(reason)
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
