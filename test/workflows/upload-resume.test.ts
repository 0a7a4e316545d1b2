import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseHeader } from '../../src/crypto/crypt4gh/header.ts'
import { openHeader } from '../../src/crypto/crypt4gh/open-header.ts'
import { fingerprint } from '../../src/crypto/keys/fingerprint.ts'
import { generateKeyPair, type KeyPair } from '../../src/crypto/keys/key-pair.ts'
import { createMemoryStore } from '../../src/storage/memory-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { download } from '../../src/workflows/download.ts'
import { upload, type UploadRequest } from '../../src/workflows/upload.ts'
import { collect, read } from '../conformance/steps.ts'
import { fault, faultyStore } from '../storage/faulty-store.ts'

const BUCKET = 'import'
const MIB = 1024 ** 2
const PART = 5 * MIB

let folder: string
let memory: Store
let producer: KeyPair
let reader: KeyPair

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-resume-'))
  memory = createMemoryStore()
  await memory.createBucket(BUCKET)
  producer = await generateKeyPair()
  reader = await generateKeyPair()
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

const recipient = ({ publicKey }: KeyPair) => ({
  name: fingerprint(publicKey),
  publicKey,
  fingerprint: fingerprint(publicKey),
})

/** The same command as before: same sources, target and recipients. */
function send(store: Store, name: string, more: Partial<UploadRequest> = {}) {
  return upload({
    store,
    sources: [join(folder, name)],
    bucket: BUCKET,
    target: 'run/',
    recipients: [recipient(reader)],
    force: false,
    partSize: PART,
    concurrency: 2,
    threads: 0,
    journal: {
      endpoint: 'http://store.example',
      stateFolder: join(folder, 'state'),
      command: ['upload', name, `s3://${BUCKET}/run/`],
      folder,
    },
    ...more,
  })
}

/** A store whose network goes away at one part, and the numbers of the parts that arrived. */
function cutAt(part: number) {
  const arrived: number[] = []
  const { store } = faultyStore(memory, {
    uploadPart: async (...args) => {
      if (args[1] >= part) throw fault('UploadPart', 'ENDPOINT_UNREACHABLE')
      const answer = await memory.uploadPart(...args)
      arrived.push(args[1])
      return answer
    },
  })
  return { store, arrived }
}

function counting() {
  const sent: number[] = []
  const { store } = faultyStore(memory, {
    uploadPart: (...args) => {
      sent.push(args[1])
      return memory.uploadPart(...args)
    },
  })
  return { store, sent }
}

async function opened(objectKey: string): Promise<Buffer> {
  const path = join(folder, `opened-${randomBytes(4).toString('hex')}`)
  await download({
    store: memory,
    bucket: BUCKET,
    source: objectKey,
    destination: path,
    identities: [reader],
    decrypt: true,
    force: false,
  })
  return readFile(path)
}

async function dataKeysOf(objectKey: string): Promise<number> {
  const header = parseHeader(await read(memory, BUCKET, objectKey))
  if ('needed' in header) throw new TypeError('the object ends within its header')
  return (await openHeader(header, [reader])).dataKeys.length
}

const journals = async () => (await readdir(join(folder, 'state'))).filter((name) => name.endsWith('.jsonl'))
const unfinished = () => collect(memory.listMultipartUploads(BUCKET))

describe('an upload whose network goes away', () => {
  const content = randomBytes(28 * MIB)
  const digest = createHash('sha256').update(content).digest('hex')

  it('is gone on with by the same command, under a second data key for what was missing', async () => {
    await writeFile(join(folder, 'reads.bam'), content)
    const cut = cutAt(4)
    const failed = send(cut.store, 'reads.bam')
    await expect(failed).rejects.toMatchObject({
      code: 'ENDPOINT_UNREACHABLE',
      hints: expect.arrayContaining([expect.stringContaining('sealift transfer resume')]) as unknown,
    })
    expect(cut.arrived.sort()).toEqual([1, 2, 3])
    expect(await unfinished()).toHaveLength(1)

    const again = counting()
    const result = await send(again.store, 'reads.bam', { verify: true })
    expect(again.sent.sort()).toEqual([1, 4, 5, 6])
    expect(result.objects[0]).toMatchObject({ sha256: digest, dataKeyCount: 2, verified: 'parts' })
    expect(result.foundBytes).toBeGreaterThan(2 * PART - MIB)
    expect(await dataKeysOf('run/reads.bam.c4gh')).toBe(2)
    expect((await opened('run/reads.bam.c4gh')).equals(content)).toBe(true)
    expect(await unfinished()).toEqual([])
    expect(await journals()).toEqual([])
  })

  it('keeps its one data key when an own identity is among the recipients', async () => {
    await writeFile(join(folder, 'reads.bam'), content)
    const recipients = [recipient(reader), recipient(producer)]
    await expect(send(cutAt(4).store, 'reads.bam', { recipients })).rejects.toMatchObject({
      code: 'ENDPOINT_UNREACHABLE',
    })
    const again = counting()
    const result = await send(again.store, 'reads.bam', {
      recipients,
      identities: async () => [producer],
      verify: true,
    })
    expect(again.sent.sort()).toEqual([4, 5, 6])
    expect(result.objects[0]).toMatchObject({ sha256: digest, dataKeyCount: 1, verified: 'tags' })
    expect((await opened('run/reads.bam.c4gh')).equals(content)).toBe(true)
  })

  it('goes on however often it is cut', async () => {
    await writeFile(join(folder, 'reads.bam'), content)
    for (const part of [2, 3, 5]) {
      // Part 1 is sent with every new data key; those below the cut arrive.
      await expect(send(cutAt(part).store, 'reads.bam')).rejects.toMatchObject({
        code: 'ENDPOINT_UNREACHABLE',
      })
    }
    const result = await send(memory, 'reads.bam')
    expect(result.objects[0]?.dataKeyCount).toBe(4)
    expect((await opened('run/reads.bam.c4gh')).equals(content)).toBe(true)
  })

  it('starts again when the file is not what it was, and leaves nothing of the first behind', async () => {
    await writeFile(join(folder, 'reads.bam'), content)
    await expect(send(cutAt(4).store, 'reads.bam')).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE' })
    const other = randomBytes(28 * MIB)
    await writeFile(join(folder, 'reads.bam'), other)
    const again = counting()
    await send(again.store, 'reads.bam')
    expect(again.sent).toHaveLength(6)
    expect(await dataKeysOf('run/reads.bam.c4gh')).toBe(1)
    expect((await opened('run/reads.bam.c4gh')).equals(other)).toBe(true)
    expect(await unfinished()).toEqual([])
  })

  it('starts again when the bucket owner aborted it', async () => {
    await writeFile(join(folder, 'reads.bam'), content)
    await expect(send(cutAt(4).store, 'reads.bam')).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE' })
    for (const each of await unfinished()) await memory.abortMultipartUpload(each)
    const again = counting()
    await send(again.store, 'reads.bam')
    expect(again.sent).toHaveLength(6)
    expect((await opened('run/reads.bam.c4gh')).equals(content)).toBe(true)
  })

  it('goes on with the part size it began with', async () => {
    await writeFile(join(folder, 'reads.bam'), content)
    await expect(send(cutAt(4).store, 'reads.bam')).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE' })
    const again = counting()
    await send(again.store, 'reads.bam', { partSize: 7 * MIB })
    expect(again.sent.sort()).toEqual([1, 4, 5, 6])
    expect((await opened('run/reads.bam.c4gh')).equals(content)).toBe(true)
  })

  it('stopped by a signal says that it can be gone on with, and how far it came', async () => {
    await writeFile(join(folder, 'reads.bam'), content)
    const stop = new AbortController()
    const { store } = faultyStore(memory, {
      uploadPart: async (...args) => {
        const answer = await memory.uploadPart(...args)
        if (args[1] === 3) stop.abort(new DOMException('stop', 'AbortError'))
        return answer
      },
    })
    await expect(send(store, 'reads.bam', { signal: stop.signal })).rejects.toMatchObject({
      code: 'RESUMABLE',
      message: expect.stringMatching(/0 of 1 files and \d+ % of the bytes are stored/) as unknown,
    })
    await send(memory, 'reads.bam')
    expect((await opened('run/reads.bam.c4gh')).equals(content)).toBe(true)
  })
})

describe('a folder whose upload was cut', () => {
  const names = ['a', 'b', 'c', 'd']
  const content = (name: string) => Buffer.alloc(70_000, name)

  /** Sends it until one file fails, and counts what the next run sends. */
  const cutFolder = async () => {
    const { mkdir } = await import('node:fs/promises')
    await mkdir(join(folder, 'run'))
    for (const name of names) await writeFile(join(folder, 'run', name), content(name))
    const { store } = faultyStore(memory, {
      putObject: (...args) =>
        args[1].endsWith('c.c4gh')
          ? Promise.reject(fault('PutObject', 'ACCESS_DENIED', false))
          : memory.putObject(...args),
    })
    const { failed } = await send(store, 'run')
    expect(failed).toMatchObject([{ code: 'ACCESS_DENIED' }])
  }
  const sendAgain = async (more: Partial<UploadRequest> = {}) => {
    const sent: string[] = []
    const { store } = faultyStore(memory, {
      putObject: (...args) => {
        sent.push(args[1])
        return memory.putObject(...args)
      },
    })
    const result = await send(store, 'run', more)
    return { sent, result }
  }

  it('sends only what is not there yet', async () => {
    await cutFolder()
    const { sent, result } = await sendAgain()
    expect(sent).toEqual(['run/c.c4gh'])
    expect(result.objects.map(({ objectKey }) => objectKey)).toEqual(names.map((name) => `run/${name}.c4gh`))
    for (const name of names) expect((await opened(`run/${name}.c4gh`)).equals(content(name))).toBe(true)
    expect(await journals()).toEqual([])
  })

  it('knows a file by its content when only its time is another', async () => {
    await cutFolder()
    await utimes(join(folder, 'run', 'a'), 1, 1)
    expect((await sendAgain()).sent).toEqual(['run/c.c4gh'])
  })

  it('does not take another object of the same name for its own', async () => {
    await cutFolder()
    await memory.putObject(BUCKET, 'run/b.c4gh', Buffer.from('somebody else was here'))
    const { sent, result } = await sendAgain()
    expect(sent).toEqual(['run/c.c4gh'])
    expect(result.failed).toMatchObject([{ code: 'OBJECT_EXISTS' }])
  })

  it('sends a file that has changed only with --force, because its object is there', async () => {
    await cutFolder()
    await writeFile(join(folder, 'run', 'b'), Buffer.alloc(70_000, 'x'))
    const { sent, result } = await sendAgain()
    expect(sent).toEqual(['run/c.c4gh'])
    expect(result.failed).toMatchObject([{ code: 'OBJECT_EXISTS' }])
    const forced = await sendAgain({ force: true })
    expect(forced.sent).toEqual(['run/b.c4gh'])
  })
})

it('an object whose answer was lost with the process is found by its ETag', async () => {
  await writeFile(join(folder, 'small'), 'a small file')
  const { store } = faultyStore(memory, {
    putObject: async (...args) => {
      await memory.putObject(...args)
      throw fault('PutObject', 'ENDPOINT_UNREACHABLE')
    },
  })
  await expect(send(store, 'small')).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE' })
  const result = await send(memory, 'small')
  expect(result.objects[0]?.foundBytes).toBeGreaterThan(0)
  expect((await opened('run/small.c4gh')).toString()).toBe('a small file')
})
