import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decryptStream } from '../../src/crypto/crypt4gh/crypt4gh.ts'
import { SEGMENT_SIZE } from '../../src/crypto/crypt4gh/format.ts'
import { encryptedBodySize } from '../../src/crypto/crypt4gh/sizes.ts'
import { fingerprint } from '../../src/crypto/keys/fingerprint.ts'
import { generateKeyPair, type KeyPair } from '../../src/crypto/keys/key-pair.ts'
import { createMemoryStore } from '../../src/storage/memory-store.ts'
import { createS3Store } from '../../src/storage/s3/s3-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { planParts } from '../../src/transfer/part-plan.ts'
import { AppError } from '../../src/util/errors.ts'
import { folderTar } from '../../src/workflows/folder-tar.ts'
import { uploadStream, type StreamUploadRequest } from '../../src/workflows/upload-stream.ts'
import type { TransferProgress } from '../../src/workflows/transfer-progress.ts'
import { fault, faultyStore } from '../storage/faulty-store.ts'
import { backends } from '../support/backends.ts'
import { sha256Tree } from '../support/files.ts'

const MIB = 1024 ** 2
const BUCKET = 'animine-data-import-1'
/** Plaintext bytes in a part of 5 MiB. */
const PART = planParts(0, 124, 5 * MIB).segmentsPerPart * SEGMENT_SIZE

let folder: string
let store: Store
let reader: KeyPair

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-stream-'))
  store = createMemoryStore()
  await store.createBucket(BUCKET)
  reader = await generateKeyPair()
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

async function* pieces(content: Uint8Array, size = 64 * 1024): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < content.length; start += size) yield content.subarray(start, start + size)
}

function send(plaintext: AsyncIterable<Uint8Array>, more: Partial<StreamUploadRequest> = {}) {
  return uploadStream({
    store,
    plaintext,
    name: '-',
    bucket: BUCKET,
    objectKey: 'run.c4gh',
    recipients: [
      { name: 'reader.pub', publicKey: reader.publicKey, fingerprint: fingerprint(reader.publicKey) },
    ],
    force: false,
    partSize: 5 * MIB,
    threads: 0,
    ...more,
  })
}

/** The object, opened with the reader's key. */
async function opened(objectKey = 'run.c4gh', from: Store = store): Promise<Buffer> {
  const { body } = await from.getObject(BUCKET, objectKey)
  const chunks: Uint8Array[] = []
  for await (const chunk of decryptStream(body, [reader])) chunks.push(Uint8Array.from(chunk))
  return Buffer.concat(chunks)
}

async function leftBehind(): Promise<string[]> {
  const left: string[] = []
  for await (const { objectKey } of store.listObjects(BUCKET)) left.push(objectKey)
  for await (const { uploadId } of store.listMultipartUploads(BUCKET)) left.push(uploadId)
  return left
}

function digest(algorithm: string, content: Uint8Array): string {
  return createHash(algorithm).update(content).digest('hex')
}

describe('a stream of unknown length', () => {
  it.each([
    ['nothing', 0, 1],
    ['one byte', 1, 1],
    ['exactly a segment', SEGMENT_SIZE, 1],
    ['exactly a part', PART, 1],
    ['a byte more than a part', PART + 1, 2],
    ['several parts', 3 * PART + 100_000, 4],
    ['several whole parts', 3 * PART, 3],
  ])('comes back byte for byte: %s', async (_what, size, parts) => {
    const content = randomBytes(size)
    const sent = await send(pieces(content), { md5: true })
    expect(sent).toMatchObject({
      source: '-',
      plaintextSize: size,
      objectSize: 124 + encryptedBodySize(size),
      parts,
      sha256: digest('sha256', content),
      md5: digest('md5', content),
      overwriteChecked: true,
    })
    expect(['head', 'etag']).toContain(sent.sizeCheckedBy)
    expect((await opened()).equals(content)).toBe(true)
  })

  it('may come in pieces of any size', async () => {
    const content = randomBytes(PART + 3 * SEGMENT_SIZE + 5)
    const cuts = fc.array(fc.integer({ min: 0, max: content.length }), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(cuts, async (ends) => {
        const plaintext = (async function* () {
          let start = 0
          for (const end of [...ends.sort((a, b) => a - b), content.length]) {
            yield content.subarray(start, end)
            start = end
          }
        })()
        const { sha256, md5 } = await send(plaintext, { force: true })
        expect(sha256).toBe(digest('sha256', content))
        expect(md5).toBeUndefined()
        expect((await opened()).equals(content)).toBe(true)
      }),
      { numRuns: 10 },
    )
  })

  it('is sealed by worker threads with the same plaintext', async () => {
    const content = randomBytes(4 * PART + 7)
    await send(pieces(content), { threads: 2, concurrency: 3 })
    expect((await opened()).equals(content)).toBe(true)
  })

  it('is sent in the parts that its expected size gives, and nothing depends on that being right', async () => {
    const content = randomBytes(2 * PART)
    for (const expectedSize of [1, content.length, 1024 * content.length, 4 * 1024 ** 4]) {
      const parts = expectedSize === 4 * 1024 ** 4 ? 1 : 2
      expect(await send(pieces(content), { expectedSize, force: true })).toMatchObject({ parts })
      expect((await opened()).equals(content)).toBe(true)
    }
  })

  it('reports each part, with a total that is never less than what is done', async () => {
    const seen: TransferProgress[] = []
    await send(pieces(randomBytes(2 * PART)), { onProgress: (progress) => seen.push(progress) })
    expect(seen.map(({ doneBytes }) => doneBytes).at(-1)).toBe(124 + encryptedBodySize(2 * PART))
    expect(seen.every(({ doneBytes, totalBytes }) => doneBytes <= totalBytes)).toBe(true)
    expect(seen.length).toBe(3)
  })
})

describe.each(backends())('a stream that is sent to $name', ({ skipped, start }) => {
  it.skipIf(skipped !== undefined)('arrives as it does in memory', { timeout: 120_000 }, async () => {
    const backend = await start()
    const s3 = createS3Store({ endpoint: backend.endpoint, credentials: backend.projects.group })
    try {
      await s3.createBucket(BUCKET)
      for (const size of [0, 10, 2 * PART + 9]) {
        const content = randomBytes(size)
        const sent = await send(pieces(content), { store: s3, force: true })
        expect(sent).toMatchObject({ sha256: digest('sha256', content), parts: size > PART ? 3 : 1 })
        expect((await opened('run.c4gh', s3)).equals(content)).toBe(true)
      }
      const endless = (async function* () {
        yield* pieces(randomBytes(2 * PART))
        throw new AppError('FILE_UNREADABLE', 'cannot read -: EIO')
      })()
      const failing = send(endless, { store: s3, objectKey: 'half.c4gh' })
      await expect(failing).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
      for await (const left of s3.listMultipartUploads(BUCKET)) expect(left).toBeUndefined()
    } finally {
      s3.close()
      await backend.close()
    }
  })
})

describe('a stream that is read back after it was sent', () => {
  it('is as it was sent', async () => {
    for (const size of [0, 5, 2 * PART + 9]) {
      const sent = await send(pieces(randomBytes(size)), { verify: true, force: true })
      expect(sent.verified).toBe('tags')
    }
  })

  it('is not delivered when the store gives other bytes back', async () => {
    for (const wrongAt of [20, 124 + 5000, PART + 100_000]) {
      const lying = faultyStore(store, {
        getObject: async (bucket, objectKey, options) => {
          const answer = await store.getObject(bucket, objectKey, options)
          let offset = options?.range?.offset ?? 0
          const body = (async function* () {
            for await (const chunk of answer.body) {
              const copy = Uint8Array.from(chunk)
              const index = wrongAt - offset
              if (index in copy) copy[index]! ^= 1
              offset += chunk.length
              yield copy
            }
          })()
          return { ...answer, body }
        },
      })
      const sending = send(pieces(randomBytes(2 * PART)), { store: lying.store, verify: true, force: true })
      const code = wrongAt < 124 ? 'INTEGRITY' : 'AUTHENTICATION_FAILED'
      await expect(sending).rejects.toMatchObject({ code })
    }
  })
})

describe('a stream is read no faster than it can be sent', () => {
  it('however long the store takes', async () => {
    let read = 0
    let stored = 0
    let mostAhead = 0
    const slow = faultyStore(store, {
      uploadPart: async (upload, partNumber, body, options) => {
        await sleep(5)
        const answer = await store.uploadPart(upload, partNumber, body, options)
        stored += body.length
        return answer
      },
    })
    const plaintext = (async function* () {
      for await (const piece of pieces(randomBytes(10 * PART))) {
        read += piece.length
        mostAhead = Math.max(mostAhead, read - stored)
        yield piece
      }
    })()
    await send(plaintext, { store: slow.store, concurrency: 2 })
    // Two parts on their way, two buffers of plaintext, and the piece that tells whether it goes on.
    expect(mostAhead).toBeLessThan(4 * PART + 2 * 64 * 1024)
    expect(mostAhead).toBeGreaterThan(PART)
  })

  it('with fewer parts at a time where memory is short, and not at all where it holds no two', async () => {
    let atOnce = 0
    let most = 0
    const counting = faultyStore(store, {
      uploadPart: async (...args) => {
        most = Math.max(most, ++atOnce)
        await sleep(2)
        atOnce -= 1
        return store.uploadPart(...args)
      },
    })
    const content = randomBytes(6 * PART)
    await send(pieces(content), { store: counting.store, concurrency: 4, memory: 11 * MIB })
    expect(most).toBe(1)
    expect((await opened()).equals(content)).toBe(true)
    const refused = send(pieces(content), { memory: 6 * MIB, force: true })
    await expect(refused).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      hints: [expect.stringMatching(/--expected-size/), expect.stringMatching(/--memory/)],
    })
  })
})

describe('a stream that does not come to its end leaves nothing in the store', () => {
  it('when reading it fails', async () => {
    const failing = (async function* () {
      yield* pieces(randomBytes(2 * PART))
      throw new AppError('FILE_UNREADABLE', 'cannot read -: EIO')
    })()
    await expect(send(failing)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
    expect(await leftBehind()).toEqual([])
  })

  it('when a part can not be stored, though its source hangs', async () => {
    const refusing = faultyStore(store, {
      uploadPart: () => Promise.reject(fault('UploadPart', 'ACCESS_DENIED', false)),
    })
    const hanging = (async function* () {
      yield* pieces(randomBytes(2 * PART))
      await new Promise(() => undefined)
    })()
    const sending = send(hanging, { store: refusing.store, memory: 11 * MIB })
    await expect(sending).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    expect(await leftBehind()).toEqual([])
  })

  it('when it is interrupted, and the error says that it can not be gone on with', async () => {
    const interrupt = new AbortController()
    const hanging = (async function* () {
      yield* pieces(randomBytes(2 * PART + 1))
      interrupt.abort(new AppError('INTERRUPTED', 'interrupted'))
      await new Promise(() => undefined)
    })()
    await expect(send(hanging, { signal: interrupt.signal })).rejects.toMatchObject({
      code: 'INTERRUPTED',
      message: 'the upload was interrupted',
      hints: [expect.stringMatching(/nothing of it was kept.*start it again/)],
    })
    expect(await leftBehind()).toEqual([])
    await expect(send(pieces(randomBytes(5)), { signal: interrupt.signal })).rejects.toMatchObject({
      code: 'INTERRUPTED',
    })
  })

  it('when the store has other parts than were sent', async () => {
    const losing = faultyStore(store, {
      async *listParts(...args) {
        for await (const part of store.listParts(...args)) if (part.partNumber !== 2) yield part
      },
    })
    const sending = send(pieces(randomBytes(3 * PART)), { store: losing.store })
    await expect(sending).rejects.toMatchObject({ code: 'INTEGRITY' })
    expect(await leftBehind()).toEqual([])
  })

  it('when it is Crypt4GH already, or the object exists, or nobody could open it', async () => {
    const sealed = (): AsyncIterable<Uint8Array> => pieces(Buffer.from('crypt4gh and more'), 3)
    await expect(send(sealed())).rejects.toMatchObject({ code: 'ALREADY_ENCRYPTED' })
    await expect(send(pieces(randomBytes(5)), { recipients: [] })).rejects.toMatchObject({ code: 'USAGE' })
    await expect(send(pieces(randomBytes(5)), { objectKey: 'run/' })).rejects.toMatchObject({ code: 'USAGE' })
    expect(await leftBehind()).toEqual([])
    await send(sealed(), { encryptAgain: true })
    const unread = pieces(randomBytes(5))
    await expect(send(unread)).rejects.toMatchObject({ code: 'OBJECT_EXISTS' })
    expect((await opened()).toString()).toBe('crypt4gh and more')
  })
})

describe('a folder as one archive', () => {
  let run: string
  const long = `${'d'.repeat(90)}/${'e'.repeat(90)}`

  beforeEach(async () => {
    run = join(folder, 'run_12')
    await mkdir(join(run, long), { recursive: true })
    await mkdir(join(run, 'nothing in here'))
    const files: Record<string, Uint8Array> = {
      empty: new Uint8Array(),
      'reads.fastq': randomBytes(PART + 100),
      block: randomBytes(512),
      'näyte\n1': Buffer.from('x'),
      '-rf': Buffer.from('y'),
      [`${long}/${'f'.repeat(120)}`]: Buffer.from('deep'),
      [`${long}/short`]: Buffer.from('deep, too'),
    }
    for (const [name, content] of Object.entries(files)) await writeFile(join(run, name), content)
    await chmod(join(run, '-rf'), 0o640)
    await utimes(join(run, '-rf'), 1_600_000_000, 1_600_000_000)
  })

  async function archive(paths = [run], options: Parameters<typeof folderTar>[1] = {}): Promise<Buffer> {
    const { plaintext, size } = await folderTar(paths, options)
    const chunks: Uint8Array[] = []
    for await (const chunk of plaintext) chunks.push(chunk)
    const bytes = Buffer.concat(chunks)
    expect(bytes.length).toBe(size)
    return bytes
  }

  it('is unpacked by tar as it was, after it went through the store', async () => {
    const { plaintext, size } = await folderTar([run])
    const sent = await send(plaintext, { name: run, objectKey: 'run.tar.c4gh', expectedSize: size })
    expect(sent).toMatchObject({ plaintextSize: size, parts: 2 })
    const out = join(folder, 'out')
    await mkdir(out)
    execFileSync('tar', ['-xpf', '-', '-C', out], { input: await opened('run.tar.c4gh') })
    expect(await sha256Tree(join(out, 'run_12'))).toEqual(await sha256Tree(run))
    expect(await readdir(join(out, 'run_12', 'nothing in here'))).toEqual([])
    const { mode, mtimeMs } = await stat(join(out, 'run_12', '-rf'))
    expect([mode & 0o777, mtimeMs]).toEqual([0o640, 1_600_000_000_000])
  })

  it('is the same every time, and tells nothing of its owner', async () => {
    const bytes = await archive()
    expect((await archive()).equals(bytes)).toBe(true)
    const listing = execFileSync('tar', ['--numeric-owner', '-tvf', '-'], { input: bytes }).toString()
    expect(listing.split('\n').filter((line) => line !== '' && !line.includes(' 0/0 '))).toEqual([])
  })

  it('holds what the patterns and the policy for links say, or the files of a list', async () => {
    const names = (bytes: Buffer): string[] =>
      execFileSync('tar', ['-tf', '-'], { input: bytes }).toString().trim().split('\n')
    expect(names(await archive([run], { include: ['reads*', 'empty'] }))).toEqual([
      'run_12/empty',
      'run_12/reads.fastq',
    ])
    await symlink('empty', join(run, 'link'))
    const notes: string[] = []
    await archive([run], { links: 'skip', onLeftOut: ({ path }) => notes.push(path) })
    expect(notes).toEqual([join(run, 'link')])
    expect(names(await archive([join(run, 'empty')]))).toEqual(['empty'])
    await expect(folderTar([run, run])).rejects.toMatchObject({ code: 'USAGE' })
    await expect(folderTar([run], { include: ['nowhere'] })).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('is not finished when a file changes after it was listed, or while it is read', async () => {
    const before = await folderTar([run])
    await appendFile(join(run, '-rf'), 'more')
    await expect(send(before.plaintext)).rejects.toMatchObject({ code: 'FILE_CHANGED' })
    const during = await folderTar([run])
    const plaintext = (async function* () {
      let first = true
      for await (const chunk of during.plaintext) {
        if (first) await appendFile(join(run, 'reads.fastq'), 'more')
        first = false
        yield chunk
      }
    })()
    await expect(send(plaintext)).rejects.toMatchObject({ code: 'FILE_CHANGED' })
    const gone = await folderTar([run])
    await rm(join(run, 'empty'))
    await expect(send(gone.plaintext)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
    expect(await leftBehind()).toEqual([])
  })

  it('lets its files go when nobody reads on', async () => {
    const { plaintext } = await folderTar([run])
    for await (const chunk of plaintext) {
      expect(chunk.length).toBeGreaterThan(0)
      break
    }
    const open = await readdir('/proc/self/fd')
    const paths = await Promise.all(open.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
    expect(paths.filter((path) => path.startsWith(run))).toEqual([])
  })
})
