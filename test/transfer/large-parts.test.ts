import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fingerprint } from '../../src/crypto/keys/fingerprint.ts'
import { decryptStream, generateKeyPair, type KeyPair } from '../../src/index.ts'
import { createMemoryStore } from '../../src/storage/memory-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { withRetry } from '../../src/storage/with-retry.ts'
import { upload, type UploadRequest } from '../../src/workflows/upload.ts'
import { read } from '../conformance/steps.ts'
import { fault, faultyStore } from '../storage/faulty-store.ts'
import { startPracticeStore } from '../storage/s3/practice-store.ts'

const MIB = 1024 ** 2
const content = randomBytes(41 * MIB + 12_345)
const digest = createHash('sha256').update(content).digest('hex')
const md5 = createHash('md5').update(content).digest('hex')

let folder: string
let reader: KeyPair
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-large-'))
  reader = await generateKeyPair()
  await writeFile(join(folder, 'reads'), content)
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

/** Parts of 16 MiB where all buffers together may take 12 MiB: they can only be streamed. */
async function send(store: Store, more: Partial<UploadRequest> = {}) {
  await store.createBucket('import').catch(() => undefined)
  const { publicKey } = reader
  const { objects } = await upload({
    store,
    sources: [join(folder, 'reads')],
    bucket: 'import',
    target: 'reads.c4gh',
    recipients: [{ name: 'reader', publicKey, fingerprint: fingerprint(publicKey) }],
    force: false,
    partSize: 16 * MIB,
    concurrency: 2,
    memory: 12 * MIB,
    md5: true,
    ...more,
  })
  return objects[0]
}

async function opened(store: Store): Promise<Buffer> {
  const object = one(await read(store, 'import', 'reads.c4gh'))
  const chunks: Uint8Array[] = []
  for await (const chunk of decryptStream(object, [reader])) chunks.push(Uint8Array.from(chunk))
  return Buffer.concat(chunks)
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

describe.each([0, 2])('parts larger than the buffers, with %i threads', (threads) => {
  it('are streamed, and what arrives is the file', async () => {
    const store = createMemoryStore()
    const bodies: boolean[] = []
    const seen = faultyStore(store, {
      uploadPart: (...args) => {
        bodies.push(args[2] instanceof Uint8Array)
        return store.uploadPart(...args)
      },
    })
    const object = await send(seen.store, { threads, verify: true })
    expect(bodies).toEqual([false, false, false])
    expect(object).toMatchObject({ sha256: digest, md5, parts: 3, verified: 'tags' })
    expect((await opened(store)).equals(content)).toBe(true)
  })

  it('are streamed even when one part is the whole object', async () => {
    const store = createMemoryStore()
    const object = await send(store, { threads, partSize: 64 * MIB, verify: true })
    expect(object).toMatchObject({ sha256: digest, md5, parts: 1, verified: 'tags' })
    expect((await opened(store)).equals(content)).toBe(true)
  })

  it('are sealed anew when they are sent again, under other nonces', async () => {
    const store = createMemoryStore()
    const sent: Uint8Array[] = []
    const { store: faulty } = faultyStore(store, {
      uploadPart: async (...args) => {
        const [, partNumber, body] = args
        if (partNumber === 1 && !(body instanceof Uint8Array)) {
          for await (const chunk of body.open()) {
            sent.push(Uint8Array.from(chunk.subarray(0, 400)))
            break
          }
          if (sent.length === 1) throw fault('UploadPart')
        }
        return store.uploadPart(...args)
      },
    })
    await send(withRetry(faulty, { sleep: () => Promise.resolve() }), { threads })
    expect(sent).toHaveLength(2)
    // The header is the same, the first nonce behind it is not.
    expect(Buffer.compare(sent[0]!.subarray(0, 124), sent[1]!.subarray(0, 124))).toBe(0)
    expect(Buffer.compare(sent[0]!.subarray(124, 136), sent[1]!.subarray(124, 136))).not.toBe(0)
    expect((await opened(store)).equals(content)).toBe(true)
  })

  it('are refused when the store answers for other bytes than were sent', async () => {
    const store = createMemoryStore()
    const { store: lying } = faultyStore(store, {
      uploadPart: async (upload, partNumber, body, options) => {
        if (body instanceof Uint8Array) return store.uploadPart(upload, partNumber, body, options)
        const chunks: Uint8Array[] = []
        for await (const chunk of body.open()) chunks.push(Uint8Array.from(chunk))
        const damaged = Buffer.concat(chunks)
        damaged[1000]! ^= 1
        return store.uploadPart(upload, partNumber, damaged, options)
      },
    })
    await expect(send(lying, { threads })).rejects.toMatchObject({ code: 'INTEGRITY' })
  })

  it('are refused when the store answers before it had all of them', async () => {
    const store = createMemoryStore()
    const { store: hasty } = faultyStore(store, {
      uploadPart: async (upload, partNumber, body, options) => {
        if (body instanceof Uint8Array) return store.uploadPart(upload, partNumber, body, options)
        let first = new Uint8Array()
        for await (const chunk of body.open()) {
          first = Uint8Array.from(chunk)
          break
        }
        return store.uploadPart(upload, partNumber, first, options)
      },
    })
    await expect(send(hasty, { threads })).rejects.toMatchObject({ code: 'INTEGRITY' })
  })

  it.each([
    { slots: 1, memory: 3 },
    { slots: 3, memory: 7 },
  ])('are streamed over the network through $slots buffers, each used again and again', async (buffers) => {
    const practice = await startPracticeStore()
    try {
      const store = practice.store()
      const memory = buffers.memory * MIB
      // More parts than buffers want to be on their way.
      const object = await send(store, { threads, partSize: 8 * MIB, concurrency: 4, memory })
      expect(object).toMatchObject({ sha256: digest, md5, parts: 6 })
      expect((await opened(store)).equals(content)).toBe(true)
    } finally {
      await practice.close()
    }
  })
})
