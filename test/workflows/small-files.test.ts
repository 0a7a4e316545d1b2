import { appendFileSync, rmSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fingerprint } from '../../src/crypto/keys/fingerprint.ts'
import { generateKeyPair, type KeyPair } from '../../src/crypto/keys/key-pair.ts'
import { createMemoryStore } from '../../src/storage/memory-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { SmallFileThreads } from '../../src/transfer/small-file-threads.ts'
import { download } from '../../src/workflows/download.ts'
import { SmallFiles } from '../../src/workflows/small-files.ts'
import { upload, type UploadRequest } from '../../src/workflows/upload.ts'
import { sha256Tree } from '../support/files.ts'

const BUCKET = 'animine-data-import-1'

/** So many that most of them go through threads. */
const COUNT = 400

let folder: string
let store: Store
let reader: KeyPair

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-many-'))
  store = createMemoryStore()
  await store.createBucket(BUCKET)
  reader = await generateKeyPair()
  await mkdir(join(folder, 'run'))
  for (let index = 0; index < COUNT; index += 1) {
    await writeFile(tile(index), randomBytes(index % 300))
  }
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

const tile = (index: number) => join(folder, 'run', `tile-${String(index).padStart(4, '0')}`)

function send(more: Partial<UploadRequest> = {}) {
  const { publicKey } = reader
  return upload({
    store,
    sources: [join(folder, 'run')],
    bucket: BUCKET,
    target: 'run/',
    recipients: [{ name: 'reader.pub', publicKey, fingerprint: fingerprint(publicKey) }],
    force: false,
    ...more,
  })
}

describe('many small files', () => {
  it('arrive as they are, each told of once and known by its digests', async () => {
    const events: string[] = []
    const result = await send({ onEvent: ({ event }) => events.push(event) })
    expect(result.failed).toEqual([])
    expect(result.objects).toHaveLength(COUNT)
    expect(result.objects.every(({ sizeCheckedBy, parts }) => sizeCheckedBy === 'etag' && parts === 1)).toBe(
      true,
    )
    const told = (event: string) => events.filter((one) => one === event).length
    expect([told('part'), told('object'), told('finished')]).toEqual([COUNT, COUNT, 1])
    const destination = `${join(folder, 'back')}/`
    const request = { store, bucket: BUCKET, source: 'run/', destination, force: false }
    await download({ ...request, identities: [reader], decrypt: true })
    const sent = await sha256Tree(join(folder, 'run'))
    expect(await sha256Tree(join(folder, 'back'))).toEqual(sent)
    expect(result.objects.map(({ sha256 }) => sha256)).toEqual(
      Object.entries(sent)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, sha256]) => sha256),
    )
  })

  it('fail one by one as ever: changed, gone, sealed already', async () => {
    const [changed, gone, sealed] = [tile(COUNT - 3), tile(COUNT - 2), tile(COUNT - 1)]
    await writeFile(sealed, 'crypt4gh and what follows')
    let isBegun = false
    const { objects, failed } = await send({
      onEvent: ({ event }) => {
        if (event !== 'part' || isBegun) return
        isBegun = true
        // All files are listed now, and these are far from being read.
        appendFileSync(changed, 'more')
        rmSync(gone)
      },
    })
    expect(objects).toHaveLength(COUNT - 3)
    expect(failed.map(({ name, code }) => [name, code]).sort()).toEqual([
      [changed, 'FILE_CHANGED'],
      [gone, 'FILE_NOT_FOUND'],
      [sealed, 'ALREADY_ENCRYPTED'],
    ])
    for (const path of [changed, gone, sealed]) {
      const objectKey = `${path.slice(folder.length + 1)}.c4gh`
      await expect(store.headObject(BUCKET, objectKey)).rejects.toThrow(/there is no object/)
    }
  })

  it('replace nothing that is there', async () => {
    const objectKey = `${tile(COUNT - 1).slice(folder.length + 1)}.c4gh`
    await store.putObject(BUCKET, objectKey, Buffer.from('other'))
    const { objects, failed } = await send()
    expect(objects).toHaveLength(COUNT - 1)
    expect(failed.map(({ code }) => code)).toEqual(['OBJECT_EXISTS'])
    expect((await store.headObject(BUCKET, objectKey)).size).toBe('other'.length)
  })
})

describe('the threads of small files', () => {
  const sealing = async () => ({
    recipients: [reader.publicKey],
    sender: await generateKeyPair(),
    digests: 'sha256' as const,
    encryptAgain: false,
  })

  it('are there for many files that come together, and end with the last of them', async () => {
    const files = new SmallFiles(await sealing())
    const given: (SmallFileThreads | undefined)[] = []
    const work = async (threads: SmallFileThreads | undefined) => {
      given.push(threads)
      await new Promise(setImmediate)
    }
    await Promise.all(Array.from({ length: 200 }, () => files.withThreads(work)))
    expect(given[0]).toBeUndefined()
    const last = given.at(-1)
    expect(last).toBeInstanceOf(SmallFileThreads)
    const slot = new SharedArrayBuffer(1000)
    const identity = { size: 0, mtimeNs: '0', inode: '0' }
    expect(await last?.seal({ path: tile(0), identity, slot })).toBeUndefined()
    await files.withThreads(work)
    expect(given.at(-1)).toBeUndefined()
  })

  it('are not there for a recipient that is none: taken the ordinary way, a file tells what is wrong', async () => {
    const files = new SmallFiles({ ...(await sealing()), recipients: [new Uint8Array(32)] })
    const given: unknown[] = []
    const work = async (threads: SmallFileThreads | undefined) => {
      given.push(threads)
      await new Promise(setImmediate)
    }
    await Promise.all(Array.from({ length: 200 }, () => files.withThreads(work)))
    expect(given).toEqual(Array(200).fill(undefined))
  })
})
