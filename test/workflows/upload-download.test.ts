import { execFileSync } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { appendFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SEGMENT_SIZE } from '../../src/crypto/crypt4gh/format.ts'
import { sealHeader } from '../../src/crypto/crypt4gh/seal-header.ts'
import { newDataKey, sealSegments } from '../../src/crypto/crypt4gh/segment.ts'
import { encryptedBodySize } from '../../src/crypto/crypt4gh/sizes.ts'
import { fingerprint } from '../../src/crypto/keys/fingerprint.ts'
import { generateKeyPair, type KeyPair } from '../../src/crypto/keys/key-pair.ts'
import { createMemoryStore } from '../../src/storage/memory-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { download, type DownloadRequest } from '../../src/workflows/download.ts'
import type { Recipient } from '../../src/workflows/recipients.ts'
import type { TransferProgress } from '../../src/workflows/transfer-progress.ts'
import { upload, type UploadRequest } from '../../src/workflows/upload.ts'
import { filesBelow, sha256 } from '../support/files.ts'

const MIB = 1024 ** 2
const BUCKET = 'animine-data-import-1'

let folder: string
let store: Store
let reader: KeyPair

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-transfer-'))
  store = createMemoryStore()
  await store.createBucket(BUCKET)
  reader = await generateKeyPair()
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

function recipient(keyPair: KeyPair): Recipient {
  return { name: 'reader.pub', publicKey: keyPair.publicKey, fingerprint: fingerprint(keyPair.publicKey) }
}

function send(sources: string[], target: string, more: Partial<UploadRequest> = {}) {
  return upload({
    store,
    sources,
    bucket: BUCKET,
    target,
    recipients: [recipient(reader)],
    force: false,
    ...more,
  })
}

function fetchBack(source: string, destination: string, more: Partial<DownloadRequest> = {}) {
  return download({
    store,
    bucket: BUCKET,
    source,
    destination,
    identities: [reader],
    decrypt: true,
    force: false,
    ...more,
  })
}

async function stored(objectKey: string): Promise<Uint8Array> {
  const { body } = await store.getObject(BUCKET, objectKey)
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

describe('a file that is uploaded and downloaded', () => {
  it('comes back byte for byte, whatever its size, and never lies readable in the store', async () => {
    const size = fc.oneof(
      fc.constantFrom(0, 1, SEGMENT_SIZE - 1, SEGMENT_SIZE, SEGMENT_SIZE + 1),
      fc.integer({ min: 0, max: 12 * MIB }),
    )
    let run = 0
    await fc.assert(
      fc.asyncProperty(size, async (bytes) => {
        run += 1
        const source = join(folder, `reads-${run}`)
        const content = randomBytes(bytes)
        await writeFile(source, content)
        const sent = await send([source], `${run}.c4gh`, { partSize: 5 * MIB })
        expect(sent.objects[0]).toMatchObject({
          plaintextSize: bytes,
          sizeCheckedBy: expect.stringMatching(/^(head|etag)$/) as unknown,
        })
        const object = Buffer.from(await stored(`${run}.c4gh`))
        expect(object.length).toBe(124 + encryptedBodySize(bytes))
        if (bytes >= 16) expect(object.includes(content.subarray(0, 16))).toBe(false)
        await fetchBack(`${run}.c4gh`, join(folder, `back-${run}`))
        expect(await sha256(join(folder, `back-${run}`))).toBe(await sha256(source))
      }),
      { numRuns: 12 },
    )
  })

  it('is sealed and opened by worker threads with the same bytes as without them', async () => {
    const source = join(folder, 'reads')
    await writeFile(source, randomBytes(21 * MIB + 5))
    await send([source], 'threads.c4gh', { threads: 2, partSize: 5 * MIB })
    await send([source], 'inline.c4gh', { threads: 0, partSize: 5 * MIB })
    await fetchBack('threads.c4gh', join(folder, 'a'), { threads: 0 })
    await fetchBack('inline.c4gh', join(folder, 'b'), { threads: 2 })
    expect(await sha256(join(folder, 'a'))).toBe(await sha256(source))
    expect(await sha256(join(folder, 'b'))).toBe(await sha256(source))
  })

  it('has another data key and other nonces every time', async () => {
    const source = join(folder, 'reads')
    await writeFile(source, Buffer.alloc(100))
    await send([source], 'one.c4gh')
    await send([source], 'two.c4gh')
    const [one, two] = [await stored('one.c4gh'), await stored('two.c4gh')]
    expect(Buffer.from(one).equals(two)).toBe(false)
    expect(one.subarray(124, 136)).not.toEqual(two.subarray(124, 136))
  })

  it('opens for each recipient and for nobody else', async () => {
    const [second, stranger] = [await generateKeyPair(), await generateKeyPair()]
    const source = join(folder, 'reads')
    await writeFile(source, 'ACGT')
    await send([source], 'reads.c4gh', { recipients: [recipient(reader), recipient(second)] })
    await fetchBack('reads.c4gh', join(folder, 'back'), { identities: [second] })
    expect(await readFile(join(folder, 'back'), 'utf8')).toBe('ACGT')
    await expect(
      fetchBack('reads.c4gh', join(folder, 'stolen'), { identities: [stranger] }),
    ).rejects.toMatchObject({ code: 'NO_MATCHING_KEY' })
    expect(await filesBelow(folder)).not.toContain('stolen')
  })
})

describe('a folder', () => {
  it('keeps its structure, and reports the progress of the whole job', async () => {
    const run = join(folder, 'run_12')
    await mkdir(join(run, 'lane 1'), { recursive: true })
    await writeFile(join(run, 'lane 1', 'größe.fastq'), randomBytes(3000))
    await writeFile(join(run, 'empty'), '')
    let last: TransferProgress | undefined
    const sent = await send([run], 'run_12/', {
      onProgress: (progress) => {
        last = progress
      },
    })
    expect(sent.objects.map(({ objectKey }) => objectKey)).toEqual([
      'run_12/empty.c4gh',
      'run_12/lane 1/größe.fastq.c4gh',
    ])
    expect(last).toMatchObject({ doneFiles: 2, totalFiles: 2 })
    expect(last?.doneBytes).toBe(last?.totalBytes)
    await fetchBack('run_12/', join(folder, 'back'))
    expect(await filesBelow(join(folder, 'back'))).toEqual(['empty', 'lane 1/größe.fastq'])
  })

  it('that cannot be delivered whole is not begun: a link to a folder, two files for one object', async () => {
    const run = join(folder, 'run')
    await mkdir(run)
    await writeFile(join(run, 'reads'), 'x')
    await symlink(folder, join(run, 'elsewhere'))
    await expect(send([run], 'run/')).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
    await rm(join(run, 'elsewhere'))
    await mkdir(join(folder, 'other'))
    await writeFile(join(folder, 'other', 'reads'), 'y')
    const twice = [join(run, 'reads'), join(folder, 'other', 'reads')]
    await expect(send(twice, 'run/')).rejects.toMatchObject({ code: 'USAGE' })
    for await (const entry of store.listObjects(BUCKET)) expect(entry).toBeUndefined()
  })

  it('delivers what it can and names what failed', async () => {
    await writeFile(join(folder, 'a'), 'a')
    await writeFile(join(folder, 'b'), 'b')
    await store.putObject(BUCKET, 'b.c4gh', Buffer.from('was here first'))
    const sent = await send([join(folder, 'a'), join(folder, 'b')], '')
    expect(sent.objects.map(({ objectKey }) => objectKey)).toEqual(['a.c4gh'])
    expect(sent.failed).toMatchObject([{ name: join(folder, 'b'), code: 'OBJECT_EXISTS' }])
    expect(Buffer.from(await stored('b.c4gh')).toString()).toBe('was here first')
  })
})

describe('what must not happen', () => {
  it('a source that changes while it is read becomes no object', async () => {
    const source = join(folder, 'reads')
    await writeFile(source, randomBytes(16 * MIB))
    let appended = false
    const sending = send([source], 'reads.c4gh', {
      partSize: 5 * MIB,
      concurrency: 1,
      threads: 0,
      onProgress: ({ doneBytes }) => {
        if (doneBytes === 0 || appended) return
        appended = true
        void appendFile(source, 'more')
      },
    })
    await expect(sending).rejects.toMatchObject({ code: 'FILE_CHANGED' })
    await expect(store.headObject(BUCKET, 'reads.c4gh')).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' })
    for await (const left of store.listMultipartUploads(BUCKET)) expect(left).toBeUndefined()
  })

  it('a source that changes after its last part was sent becomes no object either', async () => {
    const source = join(folder, 'reads')
    await writeFile(source, randomBytes(16 * MIB))
    const listParts = store.listParts.bind(store)
    vi.spyOn(store, 'listParts').mockImplementation((...args) => {
      appendFileSync(source, 'more')
      return listParts(...args)
    })
    const sending = send([source], 'reads.c4gh', { partSize: 5 * MIB, threads: 0 })
    await expect(sending).rejects.toMatchObject({ code: 'FILE_CHANGED' })
    await expect(store.headObject(BUCKET, 'reads.c4gh')).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' })
    for await (const left of store.listMultipartUploads(BUCKET)) expect(left).toBeUndefined()
  })

  it('nothing is sent without a recipient, or sealed twice by accident', async () => {
    const source = join(folder, 'reads')
    await writeFile(source, 'ACGT')
    await expect(send([source], 'x', { recipients: [] })).rejects.toMatchObject({ code: 'USAGE' })
    await send([source], 'reads.c4gh')
    await writeFile(join(folder, 'reads.c4gh'), await stored('reads.c4gh'))
    await expect(send([join(folder, 'reads.c4gh')], 'again.c4gh')).rejects.toMatchObject({
      code: 'ALREADY_ENCRYPTED',
    })
    const again = await send([join(folder, 'reads.c4gh')], 'again.c4gh', { encryptAgain: true })
    expect(again.objects).toHaveLength(1)
  })

  it('what cannot be read as a file is found before anything is sent', async () => {
    await writeFile(join(folder, 'a'), 'a')
    execFileSync('mkfifo', [join(folder, 'b')])
    await expect(send([join(folder, 'a'), join(folder, 'b')], '')).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
    })
    for await (const entry of store.listObjects(BUCKET)) expect(entry).toBeUndefined()
  })

  it('a damaged object leaves no file, and no half of one', async () => {
    const source = join(folder, 'reads')
    await writeFile(source, randomBytes(9 * MIB))
    await send([source], 'reads.c4gh')
    const object = await stored('reads.c4gh')
    const at = object.length - 100
    object[at] = (object[at] ?? 0) ^ 1
    await store.putObject(BUCKET, 'reads.c4gh', object)
    await expect(fetchBack('reads.c4gh', join(folder, 'back'))).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      message: expect.stringContaining('s3://animine-data-import-1/reads.c4gh: segment 143') as string,
    })
    expect(await filesBelow(folder)).toEqual(['reads'])
  })

  it('what is not Crypt4GH is said to be so, and can be had as it is', async () => {
    for (const content of ['', 'short', 'PK'.repeat(50)]) {
      await store.putObject(BUCKET, 'readme', Buffer.from(content))
      await expect(fetchBack('readme', join(folder, 'out'))).rejects.toMatchObject({ code: 'NOT_CRYPT4GH' })
      await fetchBack('readme', join(folder, 'out'), { decrypt: false, force: true })
      expect(await readFile(join(folder, 'out'), 'utf8')).toBe(content)
      await rm(join(folder, 'out'))
    }
  })

  it('an object key never names a file outside the folder', async () => {
    const outside = ['x/../../evil', 'x//etc/evil', 'x/./evil', 'x/a/../../../evil', 'x/..', 'x/nul\0']
    for (const objectKey of outside) await store.putObject(BUCKET, objectKey, Buffer.from('evil'))
    await store.putObject(BUCKET, 'x/good', Buffer.from('good'))
    const got = await fetchBack('x/', join(folder, 'deep', 'down'), { decrypt: false })
    expect(got.files.map(({ objectKey }) => objectKey)).toEqual(['x/good'])
    expect(got.failed.map(({ code }) => code)).toEqual(outside.map(() => 'UNSAFE_PATH'))
    expect(await filesBelow(folder)).toEqual(['deep/down/good'])
  })

  it('an existing file is kept unless it may be replaced', async () => {
    const source = join(folder, 'reads')
    await writeFile(source, 'ACGT')
    await send([source], 'reads.c4gh')
    await writeFile(source, 'mine')
    await expect(fetchBack('reads.c4gh', source)).rejects.toMatchObject({ code: 'FILE_EXISTS' })
    expect(await readFile(source, 'utf8')).toBe('mine')
    await fetchBack('reads.c4gh', source, { force: true })
    expect(await readFile(source, 'utf8')).toBe('ACGT')
  })
})

describe('an object with an edit list', () => {
  it('gives only the parts that the list keeps', async () => {
    const plaintext = randomBytes(3 * SEGMENT_SIZE)
    const dataKey = newDataKey()
    const header = await sealHeader({ dataKeys: [dataKey], editList: [10n, 20n, 70_000n, 5n] }, [
      reader.publicKey,
    ])
    const body = new Uint8Array(encryptedBodySize(plaintext.length))
    sealSegments(dataKey, plaintext, body)
    await store.putObject(BUCKET, 'part.c4gh', Buffer.concat([header, body]))
    await fetchBack('part.c4gh', join(folder, 'part'))
    const kept = Buffer.concat([plaintext.subarray(10, 30), plaintext.subarray(70_030, 70_035)])
    expect((await readFile(join(folder, 'part'))).equals(kept)).toBe(true)
  })
})
