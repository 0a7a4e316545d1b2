import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { decryptStream, encryptStream } from '../../src/crypto/crypt4gh/crypt4gh.ts'
import { SEGMENT_SIZE } from '../../src/crypto/crypt4gh/format.ts'
import { readHeader } from '../../src/crypto/crypt4gh/header.ts'
import { openReader } from '../../src/crypto/crypt4gh/reader.ts'
import { rearrangeStream } from '../../src/crypto/crypt4gh/rearrange.ts'
import { reencryptHeader } from '../../src/crypto/crypt4gh/reencrypt.ts'
import { generateKeyPair, type KeyPair } from '../../src/crypto/keys/key-pair.ts'
import { serializePublicKey } from '../../src/crypto/keys/public-key-file.ts'
import { serializeSecretKey } from '../../src/crypto/keys/secret-key-file.ts'
import { rangeOfStream } from '../../src/util/byte-range.ts'
import { notingSource, sealedFile } from '../crypto/crypt4gh/sealed-files.ts'
import { chunked, collect, concat } from '../crypto/vectors.ts'
import { missing } from '../support/requirements.ts'
import { goTool, pythonTool, type Crypt4ghTool } from './crypt4gh-tools.ts'

const STORED = randomBytes(5 * SEGMENT_SIZE + 321)

/** Inside a segment, across some, on their edges, to the end. */
const RANGES: [offset: number, length: number | undefined][] = [
  [10, 20],
  [0, SEGMENT_SIZE],
  [SEGMENT_SIZE - 1, 2],
  [70_000, 200_000],
  [3 * SEGMENT_SIZE, 5],
  [4 * SEGMENT_SIZE + 9, undefined],
  [5 * SEGMENT_SIZE, undefined],
]

let folder: string
let alice: KeyPair
let bob: KeyPair

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-header-interop-'))
  alice = await generateKeyPair()
  bob = await generateKeyPair()
  for (const [name, keyPair] of Object.entries({ alice, bob })) {
    await writeFile(join(folder, `${name}.sec`), await serializeSecretKey(keyPair, {}))
    await writeFile(join(folder, `${name}.pub`), serializePublicKey(keyPair.publicKey))
  }
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

const PEERS = [
  { name: 'crypt4gh-python', tool: pythonTool },
  { name: 'crypt4gh-go', tool: goTool },
] as const

describe.each(PEERS)('$name', ({ name, tool }) => {
  const skipped = missing(name)
  const peer = (): Crypt4ghTool => tool(folder)

  it.skipIf(skipped).each([1, 2])(
    'reads what we rearrange, once and twice, with %i data keys',
    async (keys) => {
      const { header, body } = await sealedFile(STORED, [alice], keys)
      for (const [offset, length] of RANGES) {
        const wanted = part(offset, length)
        const once = await rearranged(concat(header, body), offset, length, [alice.publicKey, bob.publicKey])
        expect(wanted.equals(await peer().decrypt(once, 'bob.sec')), `from ${offset}`).toBe(true)
        const twice = await rearranged(once, 1, wanted.length - 2, [bob.publicKey])
        const inner = await peer().decrypt(twice, 'bob.sec')
        expect(wanted.subarray(1, -1).equals(inner), `from ${offset}, again`).toBe(true)
      }
    },
  )

  it.skipIf(skipped).each([1, 2])(
    'reads what we reencrypt, with %i data keys and an edit list',
    async (keys) => {
      const file = await reencrypted(keys)
      const wanted = Buffer.concat([STORED.subarray(100, 100_100), STORED.subarray(100_105, 170_105)])
      expect(wanted.equals(await peer().decrypt(file, 'bob.sec'))).toBe(true)
    },
  )

  it.skipIf(skipped)('reads ranges that we encrypt', async () => {
    for (const [offset, length] of RANGES) {
      const range = rangeOfStream(chunked(STORED, 50_000), { offset, length })
      const file = await collect(encryptStream(range, [bob.publicKey]))
      const opened = await peer().decrypt(file, 'bob.sec')
      expect(part(offset, length).equals(opened), `from ${offset}`).toBe(true)
    }
  })

  it.skipIf(skipped)('writes what we read at random and rearrange', async () => {
    const file = await peer().encrypt(STORED, ['alice.pub'], 'bob.sec')
    const reader = await openReader(notingSource(file), [alice])
    expect(reader.senders).toEqual([bob.publicKey])
    for (const [offset, length] of RANGES) {
      const wanted = part(offset, length)
      expect(wanted.equals(await reader.readAt(offset, wanted.length))).toBe(true)
      const cut = await rearranged(file, offset, length, [])
      expect(wanted.equals(await collect(decryptStream(chunked(cut), [alice])))).toBe(true)
    }
  })
})

describe.skipIf(missing('crypt4gh-python'))('crypt4gh-python alone', () => {
  it('finds our sender in what we reencrypt', async () => {
    const args = ['decrypt', '--sk', 'bob.sec', '--sender_pk', 'alice.pub']
    expect(await pythonTool(folder).run(args, await reencrypted(1))).toHaveLength(170_000)
  })

  it('rearranges and reencrypts what we read at random', async () => {
    const python = pythonTool(folder)
    const file = await python.encrypt(STORED, ['alice.pub'])
    // Its range ends one byte early: A-B are the bytes from A up to, not including, B - 1.
    const cut = await python.run(['rearrange', '--sk', 'alice.sec', '--range', '70000-200001'], file)
    const renewed = await python.reencrypt(cut, 'alice.sec', ['bob.pub'])
    for (const [bytes, identity] of [
      [cut, alice],
      [renewed, bob],
    ] as const) {
      const reader = await openReader(notingSource(bytes), [identity])
      expect(reader.size).toBe(130_000)
      expect(part(70_000, 130_000).equals(await reader.readAt(0, reader.size))).toBe(true)
      expect(part(140_000, 9).equals(await reader.readAt(70_000, 9))).toBe(true)
    }
  })
})

/** For bob, sent by alice, with an edit list. */
async function reencrypted(keyCount: number): Promise<Uint8Array> {
  const { header, body } = await sealedFile(STORED, [alice], keyCount, [100n, 100_000n, 5n, 70_000n])
  const read = await readHeader(chunked(header))
  await read.close()
  const options = { keepUnopened: false, sender: alice }
  return concat(await reencryptHeader(read.header, [alice], [bob.publicKey], options), body)
}

async function rearranged(
  file: Uint8Array,
  offset: number,
  length: number | undefined,
  recipients: Uint8Array[],
): Promise<Uint8Array> {
  const range = { offset, length, exact: true }
  return collect(rearrangeStream(chunked(file, 100_000), [alice], recipients, range))
}

function part(offset: number, length: number | undefined): Buffer {
  return STORED.subarray(offset, length === undefined ? undefined : offset + length)
}
