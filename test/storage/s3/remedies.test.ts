import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConnection } from '../../../src/storage/s3/credentials.ts'
import { freshCredentials } from '../../../src/storage/s3/fresh-credentials.ts'
import type { Credentials } from '../../../src/storage/s3/connection.ts'
import type { S3Store } from '../../../src/storage/s3/s3-store.ts'
import { withRetry } from '../../../src/storage/with-retry.ts'
import { collect } from '../../conformance/steps.ts'
import { type PracticeStore, startPracticeStore } from './practice-store.ts'

let practice: PracticeStore | undefined
let homeDirectory: string
beforeEach(async () => {
  homeDirectory = await mkdtemp(join(tmpdir(), 'sealift-home-'))
  await mkdir(join(homeDirectory, '.aws'))
})
afterEach(async () => {
  await practice?.close()
  practice = undefined
  await rm(homeDirectory, { recursive: true })
})

const MINUTE = 60_000
const bytes = new Uint8Array(100_000).fill(7)
const streamed = {
  length: bytes.length,
  async *open() {
    yield bytes
  },
}

describe.each([20, -20])("a machine whose clock is %d minutes from the store's", (minutes) => {
  const start = async () => {
    practice = await startPracticeStore({ now: () => new Date(Date.now() + minutes * MINUTE) })
    const notices: string[] = []
    const store = practice.store({ onNotice: (message) => notices.push(message) })
    return { store, notices }
  }
  /** One that does not know yet what time it is at the store. */
  const anotherStore = (): S3Store => {
    if (practice === undefined) throw new RangeError('no sandbox')
    return practice.store()
  }

  it('goes on with the time of the store, and says so once', async () => {
    const { store, notices } = await start()
    await store.createBucket('bucket')
    await store.putObject('bucket', 'x', bytes)
    expect(await store.headObject('bucket', 'x')).toMatchObject({ size: bytes.length })
    const where = minutes > 0 ? 'behind' : 'ahead of'
    expect(notices).toEqual([
      `this machine's clock is 20 minutes ${where} the store's; going on with the store's time`,
    ])
  })

  it.each(['bucketState', 'headObject'] as const)(
    '%s, whose refusal has no reason with it, finds it out too',
    async (question) => {
      const { store } = await start()
      await store.createBucket('bucket')
      await store.putObject('bucket', 'x', bytes)
      const other = anotherStore()
      const answer =
        question === 'bucketState' ? other.bucketState('bucket') : other.headObject('bucket', 'x')
      await expect(answer).resolves.toEqual(
        question === 'bucketState' ? 'visible' : expect.objectContaining({ size: bytes.length }),
      )
    },
  )

  it('many requests at the start are all corrected', async () => {
    const { store } = await start()
    await store.createBucket('bucket')
    const other = anotherStore()
    const puts = Array.from({ length: 12 }, (_, n) => other.putObject('bucket', `object-${n}`, bytes))
    await Promise.all(puts)
    expect(await collect(store.listObjects('bucket'))).toHaveLength(12)
  })

  it('a streamed part is sent again by who can open it again', async () => {
    const { store } = await start()
    await store.createBucket('bucket')
    const upload = {
      bucket: 'bucket',
      objectKey: 'x',
      uploadId: await store.createMultipartUpload('bucket', 'x'),
    }
    const once = anotherStore().uploadPart(upload, 1, streamed)
    await expect(once).rejects.toMatchObject({ code: 'CLOCK_SKEW', retryable: true })
    const patient = withRetry(anotherStore(), { sleep: async () => undefined })
    await expect(patient.uploadPart(upload, 1, streamed)).resolves.toMatchObject({ partNumber: 1 })
  })
})

it('a clock that is a minute off is nothing to talk about', async () => {
  practice = await startPracticeStore({ now: () => new Date(Date.now() + MINUTE) })
  const notices: string[] = []
  const store = practice.store({ onNotice: (message) => notices.push(message) })
  await store.createBucket('bucket')
  expect(notices).toEqual([])
})

describe('credentials that end during a transfer', () => {
  /** A sandbox at which session tokens end when the test says so. */
  const start = async (code = 'ExpiredToken') => {
    const ended = new Set<string>()
    let refused = 0
    practice = await startPracticeStore({
      faults: ({ sessionToken = '' }) => {
        if (!ended.has(sessionToken)) return undefined
        refused += 1
        return { kind: 'status', status: code === 'ExpiredToken' ? 400 : 403, code }
      },
    })
    const { accessKeyId, secretAccessKey } = practice.project
    await practice.store().createBucket('bucket')
    return {
      practice,
      ended,
      refused: () => refused,
      keys: (sessionToken: string): Credentials => ({ accessKeyId, secretAccessKey, sessionToken }),
    }
  }
  const profile = ({ accessKeyId, secretAccessKey, sessionToken }: Credentials): Promise<void> =>
    writeFile(
      join(homeDirectory, '.aws', 'credentials'),
      `[default]\naws_access_key_id=${accessKeyId}\naws_secret_access_key=${secretAccessKey}\n` +
        `aws_session_token=${sessionToken ?? ''}\n`,
    )

  it.each([
    'ExpiredToken',
    'ExpiredTokenException',
    'InvalidToken',
    'TokenRefreshRequired',
    'RequestExpired',
  ])('are read again from the profile (%s)', async (code) => {
    const { practice, ended, keys } = await start(code)
    await profile(keys('one'))
    const settings = await loadConnection({ environment: {}, homeDirectory, endpoint: practice.endpoint })
    const notices: string[] = []
    const store = practice.store({ ...settings, onNotice: (message) => notices.push(message) })
    await store.putObject('bucket', 'first', bytes)
    ended.add('one')
    await profile(keys('two'))
    await store.putObject('bucket', 'second', bytes)
    expect(await store.headObject('bucket', 'second')).toMatchObject({ size: bytes.length })
    expect(notices).toEqual(['the credentials had ended, and were read again'])
  })

  it('a credential process is asked again, once for all requests that were refused', async () => {
    const { practice, ended, keys, refused } = await start()
    const { accessKeyId, secretAccessKey } = keys('')
    const runs = join(homeDirectory, 'runs')
    const script = join(homeDirectory, 'get-keys')
    await writeFile(
      script,
      `#!/bin/sh\necho run >> ${runs}\n` +
        `echo '{"Version":1,"AccessKeyId":"${accessKeyId}","SecretAccessKey":"${secretAccessKey}",` +
        `"SessionToken":"'$(wc -l < ${runs} | tr -d ' ')'"}'\n`,
    )
    await chmod(script, 0o700)
    await writeFile(join(homeDirectory, '.aws', 'config'), `[default]\ncredential_process = ${script}\n`)
    const settings = await loadConnection({ environment: {}, homeDirectory, endpoint: practice.endpoint })
    const store = practice.store(settings)
    await store.putObject('bucket', 'first', bytes)
    expect(await readFile(runs, 'utf8')).toBe('run\n')
    ended.add('1')
    await Promise.all(Array.from({ length: 10 }, (_, n) => store.putObject('bucket', `object-${n}`, bytes)))
    expect(await readFile(runs, 'utf8')).toBe('run\nrun\n')
    expect(refused()).toBe(10)
  })

  it('that have no successor end the transfer, without a second attempt', async () => {
    const { practice, ended, keys, refused } = await start()
    await profile(keys('one'))
    const settings = await loadConnection({ environment: {}, homeDirectory, endpoint: practice.endpoint })
    const store = withRetry(practice.store(settings), { sleep: async () => undefined })
    ended.add('one')
    const failure: unknown = await store.putObject('bucket', 'x', bytes).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'INVALID_CREDENTIALS', retryable: false })
    expect(refused()).toBe(1)
    expect(JSON.stringify(failure)).not.toContain(keys('').secretAccessKey)
  })

  it('of which the new ones have ended, too, are read only once', async () => {
    const { practice, ended, keys, refused } = await start()
    ended.add('one').add('two')
    let reads = 0
    const store = practice.store({
      credentials: keys('one'),
      readCredentials: async () => {
        reads += 1
        return keys('two')
      },
    })
    const put = store.putObject('bucket', 'x', bytes)
    await expect(put).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' })
    expect([reads, refused()]).toEqual([1, 2])
  })

  it('are found out by questions whose refusal has no reason with it', async () => {
    const { practice, ended, keys } = await start()
    await practice.store().putObject('bucket', 'x', bytes)
    ended.add('one')
    const settings = { credentials: keys('one'), readCredentials: async () => keys('two') }
    expect(await practice.store(settings).headObject('bucket', 'x')).toMatchObject({ size: bytes.length })
    expect(await practice.store(settings).bucketState('bucket')).toBe('visible')
  })

  it('a store tells when they end', async () => {
    const { practice, keys } = await start()
    const expiration = new Date(Date.now() + 8 * 60 * MINUTE)
    expect(await practice.store({ credentials: { ...keys('one'), expiration } }).credentialsExpireAt()) //
      .toEqual(expiration)
    expect(await practice.store().credentialsExpireAt()).toBeUndefined()
    expect(await practice.store({ credentials: 'anonymous' }).credentialsExpireAt()).toBeUndefined()
  })
})

describe('credentials with a known end', () => {
  const until = (minutes: number, token: string): Credentials => ({
    accessKeyId: 'AK',
    secretAccessKey: 'SK',
    sessionToken: token,
    expiration: new Date(minutes * MINUTE),
  })

  it('are replaced a minute before it, by one reading for all', async () => {
    let now = 0
    let reads = 0
    const credentials = freshCredentials({
      first: until(60, 'one'),
      read: async () => {
        reads += 1
        return until(120, 'two')
      },
      now: () => now,
    })
    now = 58 * MINUTE
    expect(await credentials.current()).toMatchObject({ sessionToken: 'one' })
    now = 59.5 * MINUTE
    const all = await Promise.all(Array.from({ length: 5 }, () => credentials.current()))
    expect(all.map(({ sessionToken }) => sessionToken)).toEqual(Array(5).fill('two'))
    expect(reads).toBe(1)
  })

  it('are used to their end when there are no others yet', async () => {
    let now = 59.5 * MINUTE
    const credentials = freshCredentials({
      first: until(60, 'one'),
      read: () => Promise.reject(new RangeError('no network')),
      now: () => now,
    })
    expect(await credentials.current()).toMatchObject({ sessionToken: 'one' })
    now = 61 * MINUTE
    await expect(credentials.current()).rejects.toThrow('no network')
  })
})
