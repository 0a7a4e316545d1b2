import { describe, expect, it } from 'vitest'
import { AppError } from '../../../src/util/errors.ts'
import { runObjects, type ObjectRun } from '../../../src/workflows/many-objects/run-objects.ts'

async function* objects(count: number, seen?: { pulled: number }): AsyncGenerator<{ objectKey: string }> {
  for (let index = 0; index < count; index++) {
    if (seen !== undefined) seen.pulled += 1
    yield { objectKey: `o${index}` }
  }
}

const GO_ON = 'run it again'

function run(
  count: number,
  work: (objectKey: string) => void | Promise<void>,
  signal?: AbortSignal,
): Promise<ObjectRun> {
  const options = { concurrency: 16, goOn: GO_ON, signal }
  return runObjects(objects(count), async ({ objectKey }) => work(objectKey), options)
}

const failure = (code: 'ACCESS_DENIED' | 'BUCKET_NOT_FOUND', objectKey: string): AppError =>
  new AppError(code, `${objectKey} failed`)

describe('a run over many objects', () => {
  it('goes on after a failure, and names it', async () => {
    const result = await run(100, (objectKey) => {
      if (objectKey === 'o7') throw failure('ACCESS_DENIED', objectKey)
    })
    expect(result).toMatchObject({
      done: 99,
      failedCount: 1,
      failed: [{ name: 'o7', code: 'ACCESS_DENIED' }],
    })
  })

  it('keeps a thousand failures and counts the others', async () => {
    const result = await run(3000, (objectKey) => {
      if (objectKey !== 'o5') throw failure('ACCESS_DENIED', objectKey)
    })
    expect(result).toMatchObject({ done: 1, failedCount: 2999 })
    expect(result.failed).toHaveLength(1000)
  })

  it('throws the first failure when nothing succeeded', async () => {
    const failing = run(3, (objectKey) => {
      throw failure('ACCESS_DENIED', objectKey)
    })
    await expect(failing).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: 'o0 failed',
      hints: [expect.stringContaining('3 objects failed')],
    })
  })

  it('ends with what every object would meet, and with a bug', async () => {
    const hopeless = run(1000, (objectKey) => {
      if (objectKey === 'o40') throw failure('BUCKET_NOT_FOUND', objectKey)
    })
    await expect(hopeless).rejects.toMatchObject({
      code: 'BUCKET_NOT_FOUND',
      hints: [expect.stringMatching(/4\d objects were done; run it again/)],
    })
    const bug = new TypeError('a bug')
    await expect(run(10, () => Promise.reject(bug))).rejects.toBe(bug)
  })

  it('pulls no further than it works', async () => {
    const seen = { pulled: 0 }
    let done = 0
    await runObjects(
      objects(500, seen),
      async () => {
        await new Promise((resolve) => setImmediate(resolve))
        done += 1
        expect(seen.pulled - done).toBeLessThanOrEqual(16)
      },
      { concurrency: 16, goOn: GO_ON },
    )
    expect(done).toBe(500)
  })

  it('tells after an interrupt how to go on', async () => {
    const stop = new AbortController()
    const stopped = run(
      1000,
      (objectKey) => {
        if (objectKey === 'o30') stop.abort(new AppError('INTERRUPTED', 'interrupted'))
      },
      stop.signal,
    )
    await expect(stopped).rejects.toMatchObject({
      code: 'INTERRUPTED',
      hints: [expect.stringContaining('done; run it again')],
    })
  })
})
