import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { generateKeyPair, serializePublicKey, serializeSecretKey, type KeyPair } from '../../src/index.ts'
import { createMemoryStore } from '../../src/storage/memory-store.ts'
import type { ReaderChange } from '../../src/workflows/rekey/reader-change.ts'
import { rekeyObject, type RekeyedObject } from '../../src/workflows/rekey/rekey-object.ts'
import { read } from '../conformance/steps.ts'
import { edited, sealedFile } from '../crypto/crypt4gh/sealed-files.ts'
import { concat } from '../crypto/vectors.ts'
import { missing } from '../support/requirements.ts'
import { goTool, pythonTool, type Crypt4ghTool } from './crypt4gh-tools.ts'

const MIB = 1024 ** 2
const BUCKET = 'import'

/** One that is rewritten whole, and one that is copied in several parts. */
const SIZES = { small: 300_000, large: 17 * MIB + 321 }

/** Has the object first, and gets the new readers in. */
let owner: KeyPair
let former: KeyPair
const added: KeyPair[] = []
let home: string

const NEW_READERS = ['alice', 'bob', 'carol'] as const

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'sealift-rekeyed-'))
  const create = async (name: string): Promise<KeyPair> => {
    const keyPair = await generateKeyPair()
    await writeFile(join(home, `${name}.sec`), await serializeSecretKey(keyPair, {}))
    await writeFile(join(home, `${name}.pub`), serializePublicKey(keyPair.publicKey))
    return keyPair
  }
  owner = await create('owner')
  former = await create('former')
  for (const name of NEW_READERS) added.push(await create(name))
})
afterAll(async () => {
  await rm(home, { recursive: true })
})

/** Puts an object into a store, changes its readers there, and gives it back. */
async function rekeyed(
  object: Uint8Array,
  change: Partial<ReaderChange>,
): Promise<{ result: RekeyedObject; bytes: Buffer }> {
  const store = createMemoryStore()
  await store.createBucket(BUCKET)
  await store.putObject(BUCKET, 'reads.c4gh', object)
  const name = { bucket: BUCKET, objectKey: 'reads.c4gh' }
  const whole = { identities: [owner], added: [], removed: [], dropOthers: false, ...change }
  const options = { force: false, versioned: false, partSize: 5 * MIB }
  const result = await rekeyObject(store, { source: name, target: name }, whole, options)
  const bytes = await read(store, BUCKET, 'reads.c4gh')
  expect(bytes).toHaveLength(result.size)
  return { result, bytes }
}

/** Each of the three new readers gets the plaintext, and whoever was removed gets nothing. */
async function expectReaders(
  tool: Crypt4ghTool,
  object: Uint8Array,
  plaintext: Uint8Array,
  removed: readonly string[],
): Promise<void> {
  for (const name of NEW_READERS) {
    expect((await tool.decrypt(object, `${name}.sec`)).equals(plaintext), name).toBe(true)
  }
  for (const name of removed) await expect(tool.decrypt(object, `${name}.sec`)).rejects.toThrow()
}

const publicKeys = (keyPairs: readonly KeyPair[]): Uint8Array[] => keyPairs.map(({ publicKey }) => publicKey)

describe.each([
  { name: 'crypt4gh-python', tool: pythonTool },
  { name: 'crypt4gh-go', tool: goTool },
] as const)('$name', ({ name, tool }) => {
  const peer = (): Crypt4ghTool => tool(home)

  describe.skipIf(missing(name))('reads an object that got three readers instead of its old ones', () => {
    it.each(Object.entries(SIZES))('%s', async (kind, size) => {
      const stored = randomBytes(size)
      const { header, body } = await sealedFile(stored, [owner, former])
      const change = { added: publicKeys(added), removed: publicKeys([owner, former]) }
      const { result, bytes } = await rekeyed(concat(header, body), change)
      expect(result).toMatchObject({ packetsBefore: 2, packetsAfter: 3, stillReadable: false })
      expect(result.way).toBe(kind === 'small' ? 'rewritten' : 'copied')
      expect(result.parts > 2).toBe(kind === 'large')
      await expectReaders(peer(), bytes, stored, ['owner', 'former'])
    })

    it.each(Object.entries(SIZES))('%s, with two data keys and an edit list', async (_kind, size) => {
      const stored = randomBytes(size)
      const editList = [70_000n, 100_000n, 5n, 12_345n]
      const { header, body } = await sealedFile(stored, [owner, former], 2, editList)
      const change = { added: publicKeys(added), removed: publicKeys([owner, former]) }
      const { bytes } = await rekeyed(concat(header, body), change)
      await expectReaders(peer(), bytes, edited(stored, editList), ['owner', 'former'])
    })
  })

  describe.skipIf(missing(name))('writes an object that we change', () => {
    it.each(Object.entries(SIZES))('%s: three readers more, and nobody less', async (_kind, size) => {
      const stored = randomBytes(size)
      const object = await peer().encrypt(stored, ['owner.pub', 'former.pub'], 'former.sec')
      const { result, bytes } = await rekeyed(object, { added: publicKeys(added) })
      expect(result).toMatchObject({ packetsDropped: 0, stillReadable: true })
      await expectReaders(peer(), bytes, stored, [])
      for (const still of ['owner', 'former']) {
        expect((await peer().decrypt(bytes, `${still}.sec`)).equals(stored), still).toBe(true)
      }
    })

    it('large: three readers instead of those it was written for', async () => {
      const stored = randomBytes(SIZES.large)
      const object = await peer().encrypt(stored, ['owner.pub', 'former.pub'], 'former.sec')
      const change = { exactly: publicKeys(added), dropOthers: true }
      const { bytes } = await rekeyed(object, change)
      await expectReaders(peer(), bytes, stored, ['owner', 'former'])
    })
  })
})
