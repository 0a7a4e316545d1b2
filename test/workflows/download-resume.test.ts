import { randomBytes } from 'node:crypto'
import {
  appendFile,
  copyFile,
  link,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../../src/crypto/crypt4gh/format.ts'
import { generateKeyPair, type KeyPair } from '../../src/crypto/keys/key-pair.ts'
import { StorageError } from '../../src/storage/errors.ts'
import type { ObjectEntry } from '../../src/storage/object-store.ts'
import { createMemoryStore } from '../../src/storage/memory-store.ts'
import { openJournal } from '../../src/transfer/journal/open-journal.ts'
import { transferId } from '../../src/transfer/journal/transfer-id.ts'
import { AppError } from '../../src/util/errors.ts'
import { download, type DownloadRequest } from '../../src/workflows/download.ts'
import type { TransferEvent } from '../../src/workflows/transfer-event.ts'
import { countingStore, type CountingStore } from '../support/counting-store.ts'
import { filesBelow } from '../support/files.ts'
import { sealedObject } from '../support/sealed-object.ts'

const BUCKET = 'animine-data-import-1'
const ENDPOINT = 'https://s3.example.org'
/** A range is one segment, so that an object of little more than a MiB has many of them. */
const RANGE = ENCRYPTED_SEGMENT_SIZE
const SEGMENTS = 21
const PLAINTEXT = randomBytes((SEGMENTS - 1) * SEGMENT_SIZE + 4711)

let folder: string
let stateFolder: string
let counting: CountingStore
let reader: KeyPair
let object: Buffer

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-resume-'))
  stateFolder = await mkdtemp(join(tmpdir(), 'sealift-state-'))
  counting = countingStore(createMemoryStore())
  await counting.store.createBucket(BUCKET)
  reader = await generateKeyPair()
  object = await sealedObject(PLAINTEXT, reader)
  await counting.store.putObject(BUCKET, 'run/reads.c4gh', object)
})
afterEach(async () => {
  await rm(folder, { recursive: true })
  await rm(stateFolder, { recursive: true })
})

function fetchInto(destination: string, more: Partial<DownloadRequest> = {}) {
  const journal = { endpoint: ENDPOINT, stateFolder, command: ['download', '…'], folder }
  return download({
    store: counting.store,
    bucket: BUCKET,
    source: 'run/reads.c4gh',
    destination: join(folder, destination),
    identities: [reader],
    decrypt: true,
    force: false,
    rangeSize: RANGE,
    threads: 0,
    journal,
    ...more,
  })
}

/** Numbers of the ranges that were fetched, without the read of the header. */
function fetchedRanges(headerLength = 124): number[] {
  return counting.gets
    .filter(({ range }) => range !== undefined && range.offset >= headerLength)
    .map(({ range }) => Math.floor(((range?.offset ?? 0) - headerLength) / RANGE))
    .sort((a, b) => a - b)
}

/** Stops a run when so many ranges of the body were asked for. */
async function stopAfter(ranges: number, destination = 'reads', more: Partial<DownloadRequest> = {}) {
  const controller = new AbortController()
  let asked = 0
  counting.beforeGet = ({ range }) => {
    if ((range?.offset ?? 0) === 0) return
    asked += 1
    if (asked > ranges) controller.abort(new AppError('TERMINATED', 'terminated'))
  }
  const stopped: unknown = await fetchInto(destination, { ...more, signal: controller.signal }).catch(
    (error: unknown) => error,
  )
  counting.forget()
  return stopped
}

function networkGone(): StorageError {
  return new StorageError('ENDPOINT_UNREACHABLE', 'the network is gone', { operation: 'GetObject' })
}

async function journals(): Promise<string[]> {
  return (await readdir(stateFolder)).filter((name) => name.endsWith('.jsonl'))
}

describe('a download that was stopped', () => {
  it('says how far it came and how to go on, and leaves no half of a file under its name', async () => {
    const stopped = await stopAfter(7)
    const [journal] = await journals()
    const id = journal?.replace('.jsonl', '') ?? 'none'
    expect(stopped).toMatchObject({
      code: 'RESUMABLE',
      message: expect.stringMatching(/^stopped after \d+(\.\d)? KiB of 1\.3 MiB$/) as string,
      hints: ['run the same command again: it goes on where it stopped', `or: sealift transfer resume ${id}`],
      cause: { code: 'TERMINATED' },
    })
    expect(await filesBelow(folder)).toEqual(['.reads.partial'])
    expect((await stat(join(folder, '.reads.partial'))).mode & 0o777).toBe(0o600)
  })

  it.each([1, 2, 3, 11, 19, 20])(
    'goes on after %i ranges, and fetches none of them again',
    async (ranges) => {
      await stopAfter(ranges)
      const result = await fetchInto('reads')
      expect((await readFile(join(folder, 'reads'))).equals(PLAINTEXT)).toBe(true)
      expect(await filesBelow(folder)).toEqual(['reads'])
      expect(await journals()).toEqual([])
      const [file] = result.files
      // At most what was in flight is fetched again.
      const again = fetchedRanges()
      expect(again.length).toBeLessThanOrEqual(SEGMENTS - Math.max(0, ranges - 4))
      expect(new Set(again).size).toBe(again.length)
      expect(file?.earlierBytes).toBe(object.length - 124 - bytesOfRanges(again))
      expect(file).toMatchObject({ alreadyHere: false })
      expect(file).not.toHaveProperty('startedOver')
    },
  )

  it('can be stopped again and again', async () => {
    for (let run = 0; run < 3; run += 1) await stopAfter(5)
    await fetchInto('reads')
    expect((await readFile(join(folder, 'reads'))).equals(PLAINTEXT)).toBe(true)
    expect(fetchedRanges().length).toBeLessThan(SEGMENTS)
  })

  it('as the object is stored goes on the same way', async () => {
    await stopAfter(9, 'reads.c4gh', { decrypt: false })
    const result = await fetchInto('reads.c4gh', { decrypt: false })
    expect((await readFile(join(folder, 'reads.c4gh'))).equals(object)).toBe(true)
    expect(result.files[0]?.earlierBytes).toBeGreaterThan(0)
    expect(fetchedRanges(0).length).toBeLessThan(SEGMENTS)
  })

  it('without a folder for journals leaves nothing, and ends with the reason of the stop', async () => {
    expect(await stopAfter(7, 'reads', { journal: undefined })).toMatchObject({ code: 'TERMINATED' })
    expect(await filesBelow(folder)).toEqual([])
  })

  it('with an edit list starts again: its plaintext has no ranges of its own', async () => {
    const edited = await sealedObject(PLAINTEXT, reader, [10n, 1_000_000n])
    await counting.store.putObject(BUCKET, 'run/reads.c4gh', edited)
    expect(await stopAfter(7)).toMatchObject({ code: 'RESUMABLE' })
    expect(await filesBelow(folder)).toEqual([])
    expect(await journals()).toEqual([])
    await fetchInto('reads')
    const kept = PLAINTEXT.subarray(10, 1_000_010)
    expect((await readFile(join(folder, 'reads'))).equals(kept)).toBe(true)
  })
})

function bytesOfRanges(ranges: readonly number[]): number {
  const body = object.length - 124
  return ranges.reduce((sum, index) => sum + Math.min(RANGE, body - index * RANGE), 0)
}

describe('whatever ranges an earlier run has done', () => {
  it('the others are fetched, each once, and the file is the same', async () => {
    let run = 0
    const subset = fc.uniqueArray(fc.nat({ max: SEGMENTS - 1 }))
    await fc.assert(
      fc.asyncProperty(subset, async (done) => {
        run += 1
        const name = `reads-${run}`
        await leaveEarlierRun(name, done)
        counting.forget()
        const { files } = await fetchInto(name)
        expect((await readFile(join(folder, name))).equals(PLAINTEXT)).toBe(true)
        const missing = Array.from({ length: SEGMENTS }, (_, index) => index).filter((i) => !done.includes(i))
        expect(fetchedRanges()).toEqual(missing)
        expect(files[0]?.earlierBytes).toBe(bytesOfRanges(done))
      }),
      { numRuns: 25 },
    )
  })
})

/** Writes a partial file in which only some ranges are good, and the journal of the run that was killed over it. */
async function leaveEarlierRun(name: string, done: readonly number[]): Promise<void> {
  const path = join(folder, name)
  const partial = join(folder, `.${name}.partial`)
  const content = randomBytes(PLAINTEXT.length)
  for (const index of done) {
    PLAINTEXT.copy(content, index * SEGMENT_SIZE, index * SEGMENT_SIZE, (index + 1) * SEGMENT_SIZE)
  }
  await writeFile(partial, content, { mode: 0o600 })
  const identity = {
    direction: 'download' as const,
    endpoint: ENDPOINT,
    bucket: BUCKET,
    objectKey: 'run/reads.c4gh',
    paths: [path],
  }
  const id = transferId({ ...identity, readers: 'decrypt' })
  const journal = await openJournal(stateFolder, {
    ...{ type: 'transfer', version: 1, id, ...identity },
    ...{ command: [], folder, startedAt: new Date().toISOString() },
  })
  const { etag, size } = await counting.store.headObject(BUCKET, 'run/reads.c4gh')
  const partialInode = String((await stat(partial, { bigint: true })).ino)
  const objectKey = 'run/reads.c4gh'
  await journal.append({
    ...{ type: 'download', objectKey, path, partial, partialInode, etag, size, rangeSize: RANGE },
  })
  for (const index of done) await journal.append({ type: 'ranges', objectKey, runs: [[index, index]] })
  await journal.close()
}

describe('a download that failed', () => {
  it('because the network was gone goes on, and says so', async () => {
    let asked = 0
    counting.beforeGet = () => {
      asked += 1
      if (asked > 12) throw networkGone()
    }
    await expect(fetchInto('reads')).rejects.toMatchObject({
      code: 'ENDPOINT_UNREACHABLE',
      hints: expect.arrayContaining([expect.stringContaining('sealift transfer resume')]) as string[],
    })
    counting.forget()
    await fetchInto('reads')
    expect((await readFile(join(folder, 'reads'))).equals(PLAINTEXT)).toBe(true)
    expect(fetchedRanges().length).toBeLessThanOrEqual(SEGMENTS - 7)
  })

  it('because a segment is not genuine leaves nothing to go on with', async () => {
    const damaged = Buffer.from(object)
    const at = damaged.length - 100
    damaged[at] = (damaged[at] ?? 0) ^ 1
    await counting.store.putObject(BUCKET, 'run/reads.c4gh', damaged)
    await expect(fetchInto('reads')).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    expect(await filesBelow(folder)).toEqual([])
    expect(await journals()).toEqual([])
  })

  it('because the object was replaced meanwhile leaves nothing to go on with', async () => {
    const other = await sealedObject(PLAINTEXT.subarray(1), reader)
    let asked = 0
    counting.beforeGet = async () => {
      asked += 1
      if (asked === 6) await counting.store.putObject(BUCKET, 'run/reads.c4gh', other)
    }
    await expect(fetchInto('reads')).rejects.toMatchObject({ code: 'OBJECT_CHANGED' })
    expect(await filesBelow(folder)).toEqual([])
    expect(await journals()).toEqual([])
  })

  it('because its name was taken meanwhile is one rename away from its end', async () => {
    counting.beforeGet = async ({ range }) => {
      if (range?.offset !== 0) await writeFile(join(folder, 'reads'), 'mine')
    }
    await expect(fetchInto('reads')).rejects.toMatchObject({ code: 'FILE_EXISTS' })
    counting.forget()
    expect(await readFile(join(folder, 'reads'), 'utf8')).toBe('mine')
    await fetchInto('reads', { force: true })
    expect((await readFile(join(folder, 'reads'))).equals(PLAINTEXT)).toBe(true)
    expect(fetchedRanges()).toEqual([])
  })
})

describe('between two runs', () => {
  beforeEach(async () => {
    await stopAfter(12)
  })
  const partial = () => join(folder, '.reads.partial')

  it('the object may be replaced: all of it is fetched again', async () => {
    const other = randomBytes(PLAINTEXT.length)
    await counting.store.putObject(BUCKET, 'run/reads.c4gh', await sealedObject(other, reader))
    const { files } = await fetchInto('reads')
    expect((await readFile(join(folder, 'reads'))).equals(other)).toBe(true)
    expect(files[0]).toMatchObject({
      earlierBytes: 0,
      startedOver: 'the object was replaced since the earlier run',
    })
    expect(fetchedRanges()).toHaveLength(SEGMENTS)
  })

  it.each([
    ['removed', () => rm(partial())],
    ['cut short', () => truncate(partial(), 10)],
    [
      'replaced by another',
      async () => {
        await copyFile(partial(), `${partial()}.new`)
        await rename(`${partial()}.new`, partial())
      },
    ],
  ])('the partial file may be %s: all of it is fetched again', async (_how, change) => {
    await change()
    const { files } = await fetchInto('reads')
    expect((await readFile(join(folder, 'reads'))).equals(PLAINTEXT)).toBe(true)
    expect(files[0]?.startedOver).toBe('the partial file of the earlier run is gone or was changed')
    expect(fetchedRanges()).toHaveLength(SEGMENTS)
  })

  it('larger parts may be asked for: it goes on with its own; smaller ones: it starts over', async () => {
    const { files } = await fetchInto('reads', { rangeSize: 3 * RANGE })
    expect((await readFile(join(folder, 'reads'))).equals(PLAINTEXT)).toBe(true)
    expect(files[0]?.earlierBytes).toBeGreaterThan(0)
    await stopAfter(4, 'again', { rangeSize: 3 * RANGE })
    const again = await fetchInto('again')
    expect(again.files[0]?.startedOver).toBe('the earlier run used larger ranges')
    expect((await readFile(join(folder, 'again'))).equals(PLAINTEXT)).toBe(true)
  })

  it('a dry run says what is to be gone on with, and changes nothing', async () => {
    const before = await readFile(join(stateFolder, (await journals())[0] ?? ''))
    const { planned, files } = await fetchInto('reads', { dryRun: true })
    expect(files).toEqual([])
    expect(planned).toMatchObject([{ objectKey: 'run/reads.c4gh', state: 'resume' }])
    expect(await readFile(join(stateFolder, (await journals())[0] ?? ''))).toEqual(before)
    expect(counting.gets).toEqual([])
  })
})

describe('a run that was killed after the file had its name', () => {
  it('is recognised: nothing is fetched', async () => {
    const all = Array.from({ length: SEGMENTS }, (_, index) => index)
    await leaveEarlierRun('reads', all)
    await link(join(folder, '.reads.partial'), join(folder, 'reads'))
    counting.forget()
    const { planned } = await fetchInto('reads', { dryRun: true, force: true })
    expect(planned).toMatchObject([{ state: 'resume' }])
    expect(await filesBelow(folder)).toEqual(['.reads.partial', 'reads'])
    const { files } = await fetchInto('reads')
    expect(files[0]?.earlierBytes).toBe(object.length)
    expect(fetchedRanges()).toEqual([])
    expect(await filesBelow(folder)).toEqual(['reads'])
    expect(await journals()).toEqual([])
  })
})

describe('a folder that was stopped', () => {
  const small = Array.from({ length: 30 }, (_, index) => `run/small-${String(index).padStart(2, '0')}.c4gh`)

  beforeEach(async () => {
    for (const objectKey of small) {
      await counting.store.putObject(BUCKET, objectKey, await sealedObject(Buffer.from(objectKey), reader))
    }
  })

  /** Lets only so many objects through. */
  async function stopAfterObjects(objects: number): Promise<void> {
    let asked = 0
    counting.beforeGet = () => {
      asked += 1
      if (asked > objects) throw networkGone()
    }
    await fetchInto('run', { source: 'run/' }).catch(() => undefined)
    counting.forget()
  }

  it('fetches only what is missing, each small object with one request', async () => {
    await stopAfterObjects(17)
    const done = (await filesBelow(join(folder, 'run'))).filter((name) => name.startsWith('small'))
    expect(done.length).toBeGreaterThan(5)
    const events: TransferEvent[] = []
    const { files, failed } = await fetchInto('run', {
      source: 'run/',
      onEvent: (event) => {
        events.push(event)
      },
    })
    expect(failed).toEqual([])
    expect(files.filter(({ alreadyHere }) => alreadyHere)).toHaveLength(done.length)
    const again = counting.gets.filter(({ objectKey }) => objectKey.includes('small'))
    expect(again).toHaveLength(small.length - done.length)
    expect(counting.heads).toEqual(['run/reads.c4gh'])
    for (const objectKey of small) {
      const file = join(folder, 'run', objectKey.slice(4, -5))
      expect(await readFile(file, 'utf8')).toBe(objectKey)
    }
    expect((await readFile(join(folder, 'run', 'reads'))).equals(PLAINTEXT)).toBe(true)
    expect(await journals()).toEqual([])
    expect(events[0]).toMatchObject({ event: 'started', totalFiles: 31 })
    expect(events.filter(({ event }) => event === 'file')).toHaveLength(31)
    expect(events.at(-1)).toMatchObject({ event: 'finished', files: 31, failedFiles: 0 })
  })

  it('does not take a file for done by its name: not without a record, not when it was changed, not when the object was', async () => {
    await stopAfterObjects(17)
    const [changed, replaced] = (await filesBelow(join(folder, 'run'))).filter((name) =>
      name.startsWith('small'),
    )
    await appendFile(join(folder, 'run', changed ?? ''), '!')
    const body = await sealedObject(Buffer.from('a new version'), reader)
    await counting.store.putObject(BUCKET, `run/${replaced ?? ''}.c4gh`, body)
    await writeFile(join(folder, 'run', 'small-29'), 'not from here')
    const { failed } = await fetchInto('run', { source: 'run/' })
    const refused = [`run/${changed ?? ''}.c4gh`, `run/${replaced ?? ''}.c4gh`, 'run/small-29.c4gh']
    expect(failed.map(({ name }) => name).sort()).toEqual(refused.sort())
    expect(new Set(failed.map(({ code }) => code))).toEqual(new Set(['FILE_EXISTS']))
    expect(await readFile(join(folder, 'run', 'small-29'), 'utf8')).toBe('not from here')
    // What is done stays written down for the run that is told what to do about them.
    const forced = await fetchInto('run', { source: 'run/', force: true })
    expect(forced.files.filter(({ alreadyHere }) => alreadyHere)).toHaveLength(28)
    expect(await readFile(join(folder, 'run', replaced ?? ''), 'utf8')).toBe('a new version')
  })

  it('by a signal says how far it came, and goes on', async () => {
    const stopped = await stopAfter(3, 'run', { source: 'run/' })
    expect(stopped).toMatchObject({
      code: 'RESUMABLE',
      message: expect.stringMatching(/^stopped after \d+ of 31 files, /) as string,
    })
    expect(await fetchInto('run', { source: 'run/' })).toMatchObject({ failed: [] })
    expect(await filesBelow(join(folder, 'run'))).toHaveLength(31)
  })

  it('still refuses keys that name files elsewhere', async () => {
    await counting.store.putObject(
      BUCKET,
      'run/../evil.c4gh',
      await sealedObject(Buffer.from('evil'), reader),
    )
    for (let run = 0; run < 2; run += 1) {
      const { failed, files } = await fetchInto('run', { source: 'run/' })
      expect(failed).toMatchObject([{ name: 'run/../evil.c4gh', code: 'UNSAFE_PATH' }])
      expect(files.every(({ alreadyHere }) => alreadyHere)).toBe(run === 1)
    }
    expect(await filesBelow(folder)).not.toContain('evil')
  })

  it('is chosen from by patterns for the names of the objects or of the files', async () => {
    const only = { include: ['small-1*'], exclude: ['small-11', 'small-12.c4gh'] }
    const { files, excluded } = await fetchInto('run', { source: 'run/', ...only })
    expect(files).toHaveLength(8)
    expect(excluded).toBe(23)
    await expect(fetchInto('run', { source: 'run/', include: ['*.cram'] })).rejects.toMatchObject({
      code: 'OBJECT_NOT_FOUND',
    })
  })

  it('asked for by another sender is not taken for checked', async () => {
    await stopAfterObjects(17)
    const stranger = await generateKeyPair()
    const checked = fetchInto('run', { source: 'run/', senders: [stranger.publicKey], force: true })
    await expect(checked).rejects.toMatchObject({ code: 'UNEXPECTED_SENDER' })
  })
})

describe('a listing', () => {
  it('that is out of date when the turn of an object comes is not trusted', async () => {
    const put = async (objectKey: string, plaintext: Buffer) =>
      counting.store.putObject(BUCKET, objectKey, await sealedObject(plaintext, reader))
    await put('new/a.c4gh', Buffer.from('a'))
    await put('new/b.c4gh', Buffer.from('b'))
    await put('new/large.c4gh', PLAINTEXT)
    const inner = counting.store
    const store = new Proxy(inner, {
      get(target, property, receiver) {
        if (property !== 'listObjects') return Reflect.get(target, property, receiver) as unknown
        return async function* (...args: Parameters<typeof inner.listObjects>) {
          const entries: ObjectEntry[] = []
          for await (const entry of target.listObjects(...args)) entries.push(entry)
          await put('new/b.c4gh', Buffer.from('a newer and longer b'))
          await put('new/large.c4gh', PLAINTEXT.subarray(7))
          yield* entries
        }
      },
    })
    const { failed } = await fetchInto('new', { store, source: 'new/' })
    expect(failed).toEqual([])
    expect(counting.heads.sort()).toEqual(['new/b.c4gh', 'new/large.c4gh'])
    expect(await readFile(join(folder, 'new', 'b'), 'utf8')).toBe('a newer and longer b')
    expect((await readFile(join(folder, 'new', 'large'))).equals(PLAINTEXT.subarray(7))).toBe(true)
  })

  it('that has an object shorter than it is does not cut it', async () => {
    const plaintext = PLAINTEXT.subarray(0, 3 * SEGMENT_SIZE)
    for (const name of ['a', 'b']) {
      await counting.store.putObject(BUCKET, `cut/${name}.c4gh`, await sealedObject(plaintext, reader))
    }
    const inner = counting.store
    const store = new Proxy(inner, {
      get(target, property, receiver) {
        if (property !== 'listObjects') return Reflect.get(target, property, receiver) as unknown
        return async function* (...args: Parameters<typeof inner.listObjects>) {
          // Two whole segments less: what is left would be a valid file.
          for await (const entry of target.listObjects(...args))
            yield { ...entry, size: entry.size - 2 * RANGE }
        }
      },
    })
    await fetchInto('cut', { store, source: 'cut/' })
    for (const name of ['a', 'b']) {
      expect((await readFile(join(folder, 'cut', name))).equals(plaintext)).toBe(true)
    }
  })
})
