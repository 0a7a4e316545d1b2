import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { sealHeader } from '../../src/crypto/crypt4gh/seal-header.ts'
import { newDataKey } from '../../src/crypto/crypt4gh/segment.ts'
import { fingerprint } from '../../src/crypto/keys/fingerprint.ts'
import { generateKeyPair, type KeyPair } from '../../src/crypto/keys/key-pair.ts'
import { createMemoryStore } from '../../src/storage/memory-store.ts'
import type { ByteRange } from '../../src/storage/object-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { inspectFile, inspectObject, type InspectRequest } from '../../src/workflows/inspect.ts'
import type { Recipient } from '../../src/workflows/recipients.ts'
import { identityOf, index, readVector } from '../crypto/vectors.ts'

const BUCKET = 'animine-data-import-1'
const WITHOUT_KEY: InspectRequest = { identities: [], recipients: [], nonces: false }

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-inspect-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

async function inspect(content: Uint8Array, request: Partial<InspectRequest> = {}, name = 'reads.bam.c4gh') {
  const path = join(folder, name)
  await writeFile(path, content)
  return inspectFile(path, { ...WITHOUT_KEY, ...request })
}

function recipient(name: string, { publicKey }: KeyPair): Recipient {
  return { name, publicKey, fingerprint: fingerprint(publicKey) }
}

describe('a file without any key', () => {
  it('shows packets, senders and sizes', async () => {
    const bob = recipient('bob.pub', await identityOf('bob'))
    const result = await inspect(readVector('files/py-size-65537.c4gh'), { recipients: [bob] })
    expect(result).toMatchObject({
      size: 65_717,
      content: 'crypt4gh',
      header: {
        length: 124,
        packets: [{ length: 108, method: 0, sender: bob.fingerprint }],
        senders: [{ fingerprint: bob.fingerprint, name: 'bob.pub', packets: 1 }],
      },
      body: { segments: 2, storedSize: 65_537, strayBytes: 0, noncesCompared: false },
      findings: [],
    })
    expect(result.header?.senders[0]?.words.split('-')).toHaveLength(10)
    expect(result.body).not.toHaveProperty('plaintextSize')
    expect(result).not.toHaveProperty('dataKeys')
  })

  it.each(index.vectors)('gives an answer or a reason for $name', async ({ name, file, size }) => {
    const bytes = readVector(file)
    const broken = /^bad-(version|packet-length-(0|3|4|7|huge))$|^trunc-in-packet$/.test(name)
    const looked = inspect(bytes)
    if (broken) {
      await expect(looked).rejects.toMatchObject({ code: 'INVALID_HEADER' })
      return
    }
    const content = name === 'bad-magic' || name === 'trunc-in-magic' ? 'other' : 'crypt4gh'
    expect(await looked).toMatchObject({ content, size })
  })

  it('names bytes at the end that are no segment', async () => {
    const bytes = Buffer.concat([readVector('files/py-size-65536.c4gh'), Buffer.alloc(27)])
    const { body, findings } = await inspect(bytes)
    expect(body).toMatchObject({ strayBytes: 27, storedSize: 65_536, segments: 1 })
    expect(findings).toMatchObject([{ finding: 'stray-bytes' }])
  })

  it('gives an answer or a reason for hostile bytes, too', async () => {
    const header = readVector('files/py-reencrypt.c4gh').subarray(0, 600)
    const alice = await identityOf('alice')
    const change = fc.tuple(fc.nat(599), fc.nat(255))
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 6 }), fc.nat(600), async (changes, length) => {
        const bytes = Uint8Array.from(header)
        for (const [at, byte] of changes) bytes[at] = byte
        try {
          const result = await inspect(bytes.subarray(0, length), { nonces: true, identities: [alice] })
          expect(result.size).toBe(length)
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_HEADER' })
        }
      }),
    )
  })

  it('guesses a body whose header is kept elsewhere', async () => {
    const result = await inspect(readVector('files/py-size-65537.c4gh').subarray(124))
    expect(result).toMatchObject({ content: 'headerless', body: { segments: 2, storedSize: 65_537 } })
    expect(result.reasons).toContain('its name ends in .c4gh')
  })
})

describe('the nonces of all segments', () => {
  it('show reuse, and nothing in sound files', async () => {
    for (const { name, file, expected } of index.vectors.filter(({ expected }) => expected !== 'reject')) {
      const { findings, body } = await inspect(readVector(file), { nonces: true })
      expect(body?.noncesCompared).toBe(true)
      const found = findings.map(({ finding }) => finding)
      expect({ name, found }).toEqual({ name, found: expected === 'accept-insecure' ? ['nonce-reuse'] : [] })
    }
  })
})

describe('who can open a file', () => {
  it('cannot be told from outside', async () => {
    const alice = recipient('alice.pub', await identityOf('alice'))
    const { recipients } = await inspect(readVector('files/py-size-1.c4gh'), { recipients: [alice] })
    expect(recipients).toEqual([
      { name: 'alice.pub', fingerprint: alice.fingerprint, opens: 'unknown', packets: [] },
    ])
  })

  it('is told by the secret keys of readers and senders', async () => {
    const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map(identityOf))
    const recipients = [recipient('alice.pub', alice!), recipient('carol.pub', carol!)]
    const file = readVector('files/py-size-1.c4gh')
    const verdicts = async (identity: KeyPair) =>
      (await inspect(file, { recipients, identities: [identity] })).recipients?.map(({ opens }) => opens)
    expect(await verdicts(alice!), 'the reader').toEqual(['yes', 'no'])
    expect(await verdicts(bob!), 'the sender').toEqual(['yes', 'no'])
    expect(await verdicts(carol!), 'neither').toEqual(['unknown', 'no'])
  })

  it('shows what an edit list leaves to its reader', async () => {
    const alice = await identityOf('alice')
    const { dataKeys, body, findings } = await inspect(readVector('files/edit-skip-exact-seg.c4gh'), {
      identities: [alice],
    })
    expect(dataKeys).toBe(1)
    expect(body).toMatchObject({
      plaintextSize: 10,
      storedSize: 140_000,
      hidden: [
        { first: 0, count: 1 },
        { first: 2, count: 1 },
      ],
    })
    expect(findings).toMatchObject([{ finding: 'hidden-segments' }])
  })

  it('says it when no identity fits', async () => {
    const result = await inspect(readVector('files/py-size-1.c4gh'), {
      identities: [await generateKeyPair()],
    })
    expect(result.dataKeys).toBe(0)
    expect(result.body).not.toHaveProperty('plaintextSize')
  })
})

describe('an object', () => {
  let store: Store
  let ranges: (ByteRange | undefined)[]

  beforeEach(async () => {
    const memory = createMemoryStore()
    const getObject = memory.getObject.bind(memory)
    const bucketState = memory.bucketState.bind(memory)
    const listObjects = memory.listObjects.bind(memory)
    // S3 makes no bucket with such a name, Swift does.
    const inS3 = (bucket: string) => bucket.replace('_segments', '-segments')
    ranges = []
    store = Object.assign(memory, {
      getObject: (...[bucket, objectKey, options]: Parameters<Store['getObject']>) => {
        ranges.push(options?.range)
        return getObject(bucket, objectKey, options)
      },
      bucketState: (bucket: string) => bucketState(inS3(bucket)),
      listObjects: (...[bucket, options]: Parameters<Store['listObjects']>) =>
        listObjects(inS3(bucket), options),
    })
    await store.createBucket(BUCKET)
  })

  const look = (objectKey: string) => inspectObject(store, { bucket: BUCKET, objectKey }, WITHOUT_KEY)

  it('is told by its first bytes', async () => {
    await store.putObject(BUCKET, 'reads.bam.c4gh', readVector('files/py-size-3M17.c4gh'))
    expect(await look('reads.bam.c4gh')).toMatchObject({
      name: `s3://${BUCKET}/reads.bam.c4gh`,
      content: 'crypt4gh',
      body: { storedSize: 3_145_745 },
    })
    expect(ranges).toEqual([{ offset: 0, length: 65_536 }])
  })

  it('with a header longer than the first read is fetched as far as that goes', async () => {
    const readers = await Promise.all(Array.from({ length: 700 }, generateKeyPair))
    const header = await sealHeader(
      { dataKeys: [newDataKey()] },
      readers.map(({ publicKey }) => publicKey),
    )
    await store.putObject(BUCKET, 'many.c4gh', Buffer.concat([header, new Uint8Array(300_000)]))
    const result = await look('many.c4gh')
    expect(result.header).toMatchObject({ length: 16 + 108 * 700, senders: [{ packets: 700 }] })
    expect(ranges.map((range) => range?.length)).toEqual([65_536, 131_072])
  })

  it('without bytes is a Swift manifest when its pieces are beside it', async () => {
    await store.putObject(BUCKET, 'big.bam.c4gh', new Uint8Array())
    expect(await look('big.bam.c4gh')).toMatchObject({ content: 'empty' })
    await store.createBucket(`${BUCKET}-segments`)
    expect(await look('big.bam.c4gh'), 'pieces of other objects alone').toMatchObject({ content: 'empty' })
    await store.putObject(`${BUCKET}-segments`, 'big.bam.c4gh/1700000000/0001', new Uint8Array(5))
    const result = await look('big.bam.c4gh')
    expect(result).toMatchObject({ content: 'swift-manifest', size: 0 })
    expect(result.reasons.join()).toContain(`${BUCKET}_segments`)
  })

  it('cannot have its nonces compared', async () => {
    await expect(
      inspectObject(store, { bucket: BUCKET, objectKey: 'x' }, { ...WITHOUT_KEY, nonces: true }),
    ).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('that is not there is not found', async () => {
    await expect(look('nothing')).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' })
  })
})
