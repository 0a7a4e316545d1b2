import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { SEGMENT_SIZE } from '../../../src/crypto/crypt4gh/format.ts'
import { generateKeyPair, type KeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { createMemoryStore } from '../../../src/storage/memory-store.ts'
import { RequestGate } from '../../../src/transfer/request-gate.ts'
import { SegmentCache } from '../../../src/transfer/segment-cache.ts'
import { OpenedObjects, type OpeningRules } from '../../../src/workflows/serve/opened-objects.ts'
import { countingStore, type CountingStore } from '../../support/counting-store.ts'
import { sealedObject } from '../../support/sealed-object.ts'

const bucket = 'animine-data-import-1'
const signal = new AbortController().signal
const PLAINTEXT = randomBytes(3 * SEGMENT_SIZE)

let counting: CountingStore
let reader: KeyPair
let cache: SegmentCache
let seconds: number

beforeEach(async () => {
  counting = countingStore(createMemoryStore())
  await counting.store.createBucket(bucket)
  reader = await generateKeyPair()
  cache = new SegmentCache(8 * SEGMENT_SIZE)
  seconds = 0
  await put('reads.bam.c4gh', await sealedObject(PLAINTEXT, reader))
  counting.forget()
})

async function put(objectKey: string, bytes: Uint8Array): Promise<void> {
  await counting.store.putObject(bucket, objectKey, bytes)
}

function objects(more: Partial<OpeningRules> = {}): OpenedObjects {
  const shared = { store: counting.store, cache, gate: new RequestGate(4) }
  const now = (): number => seconds
  const rules = { bucket, identities: [reader], senders: undefined, plainToo: false, shared, signal, now }
  return new OpenedObjects({ ...rules, ...more })
}

const sealed = (objectKey: string) => [{ objectKey, sealed: true }]
const any = (objectKey: string) => [{ objectKey, sealed: false }]

async function readAll(opened: Awaited<ReturnType<OpenedObjects['openFirst']>>): Promise<Buffer> {
  const chunks: Buffer[] = []
  const range = { offset: 0, length: opened.file.size }
  for await (const chunk of opened.access.stream(range, { bounded: true, signal })) {
    chunks.push(Buffer.from(chunk))
  }
  return Buffer.concat(chunks)
}

describe('an object', () => {
  it('is opened once for many readers, and looked at again after a while', async () => {
    const opened = objects()
    const both = await Promise.all([1, 2].map(() => opened.openFirst(sealed('reads.bam.c4gh'))))
    expect(both[0]).toBe(both[1])
    expect(await opened.openFirst(any('reads.bam.c4gh'))).toBe(both[0])
    expect(counting.heads).toHaveLength(1)
    expect(counting.gets).toHaveLength(1)
    seconds = 11
    expect(await opened.openFirst(sealed('reads.bam.c4gh'))).toBe(both[0])
    expect(counting.heads).toHaveLength(2)
    expect(counting.gets).toHaveLength(1)
  })

  it('that was replaced is opened anew, and what was in memory of it is wiped', async () => {
    const opened = objects()
    const first = await opened.openFirst(sealed('reads.bam.c4gh'))
    expect((await readAll(first)).equals(PLAINTEXT)).toBe(true)
    expect(cache.size).toBe(3)
    const other = randomBytes(100)
    await put('reads.bam.c4gh', await sealedObject(other, reader))
    // Nobody asks the store within some seconds, but no byte of the old one comes from it.
    expect(await opened.openFirst(sealed('reads.bam.c4gh'))).toBe(first)
    seconds = 11
    const second = await opened.openFirst(sealed('reads.bam.c4gh'))
    expect((await readAll(second)).equals(other)).toBe(true)
    expect(second.file.etag).not.toBe(first.file.etag)
    expect(second.file.etag).toMatch(/^"[\w-]{22}"$/)
    expect(cache.size).toBe(1)
  })

  it('that is known to have changed is looked at at once', async () => {
    const opened = objects()
    const first = await opened.openFirst(sealed('reads.bam.c4gh'))
    await put('reads.bam.c4gh', await sealedObject(randomBytes(100), reader))
    await expect(readAll(first)).rejects.toMatchObject({ code: 'OBJECT_CHANGED' })
    opened.forget(first.access)
    expect((await opened.openFirst(sealed('reads.bam.c4gh'))).file.size).toBe(100)
  })

  it('that was deleted is gone', async () => {
    const opened = objects()
    await opened.openFirst(sealed('reads.bam.c4gh'))
    await counting.store.deleteObject(bucket, 'reads.bam.c4gh')
    seconds = 11
    await expect(opened.openFirst(sealed('reads.bam.c4gh'))).rejects.toMatchObject({
      code: 'OBJECT_NOT_FOUND',
    })
  })

  it('for somebody else, or by somebody else, is refused', async () => {
    const stranger = await generateKeyPair()
    const strangers = objects({ identities: [stranger] })
    await expect(strangers.openFirst(sealed('reads.bam.c4gh'))).rejects.toMatchObject({
      code: 'NO_MATCHING_KEY',
    })
    const distrusting = objects({ senders: [stranger.publicKey] })
    await expect(distrusting.openFirst(sealed('reads.bam.c4gh'))).rejects.toMatchObject({
      code: 'UNEXPECTED_SENDER',
    })
  })
})

describe('an object that is not encrypted', () => {
  it('is served only when that was asked for', async () => {
    await put('reads.bam.bai', randomBytes(100))
    const candidates = [...sealed('reads.bam.bai.c4gh'), ...any('reads.bam.bai')]
    await expect(objects().openFirst(candidates)).rejects.toMatchObject({ code: 'NOT_CRYPT4GH' })
    expect((await objects({ plainToo: true }).openFirst(candidates)).file.size).toBe(100)
  })

  it('does not pass for a sealed one by its name', async () => {
    await put('notes.txt.c4gh', randomBytes(100))
    const opened = objects({ plainToo: true })
    await expect(opened.openFirst(sealed('notes.txt.c4gh'))).rejects.toMatchObject({ code: 'NOT_CRYPT4GH' })
    await put('notes.txt', await sealedObject(randomBytes(7), reader))
    const candidates = [...sealed('notes.txt.c4gh'), ...any('notes.txt')]
    expect((await opened.openFirst(candidates)).file.size).toBe(7)
  })
})

it('many objects are opened, and those of long ago closed', async () => {
  const opened = objects()
  const object = await sealedObject(randomBytes(10), reader)
  for (let number = 0; number < 260; number += 1) await put(`${number}`, object)
  for (let number = 0; number < 260; number += 1) await readAll(await opened.openFirst(any(`${number}`)))
  counting.forget()
  await opened.openFirst(any('259'))
  expect(counting.heads).toEqual([])
  await opened.openFirst(any('0'))
  expect(counting.heads).toEqual(['0'])
})
