import { randomBytes } from 'node:crypto'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import {
  decryptStream,
  generateKeyPair,
  sealHeader,
  sealStream,
  serializePublicKey,
  serializeSecretKey,
} from '../../src/index.ts'
import type { KeyPair } from '../../src/index.ts'
import { BINS, outputOf } from '../support/programs.ts'
import { findProgram, missing } from '../support/requirements.ts'
import { edited } from '../support/edited.ts'
import { dropIn, goKeygen, goTool, keygen, PASSPHRASE, pythonTool, sealift } from './crypt4gh-tools.ts'
import type { Crypt4ghTool } from './crypt4gh-tools.ts'

const SIZES = [0, 1, 65_535, 65_536, 65_537, 3 * 1024 ** 2 + 17]
const PLAINTEXT = randomBytes(3 * 1024 ** 2 + 17)

/** Everybody a file can be made for: reader-0 to reader-49. */
const READERS = Array.from({ length: 50 }, (_, index) => `reader-${index}`)

let home: string
const pairs: KeyPair[] = []

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'sealift-interop-'))
  for (const name of READERS) {
    const keyPair = await generateKeyPair()
    pairs.push(keyPair)
    await writeFile(join(home, `${name}.sec`), await serializeSecretKey(keyPair, {}))
    await writeFile(join(home, `${name}.pub`), serializePublicKey(keyPair.publicKey))
  }
})
afterAll(async () => {
  await rm(home, { recursive: true })
})

const publicKeys = (count: number): string[] => READERS.slice(0, count).map((name) => `${name}.pub`)

/** One that begins, one amid and one that ends the list. */
const someReaders = (count: number): string[] =>
  [...new Set([0, Math.floor(count / 2), count - 1])].map((index) => `reader-${index}.sec`)

type Pair = Pick<Crypt4ghTool, 'encrypt' | 'decrypt'>

/** Files of every size and for any number of readers, from one tool to the other. */
function readsFilesOf(writer: () => Pair, reader: () => Pair): void {
  it.each(SIZES)('of %i bytes', async (size) => {
    const plaintext = PLAINTEXT.subarray(0, size)
    const sealed = await writer().encrypt(plaintext, publicKeys(3), 'reader-9.sec')
    const opened = await reader().decrypt(sealed, `reader-${size % 3}.sec`)
    expect(opened.equals(plaintext)).toBe(true)
  })

  it.each([1, 3, 50])('for %i recipients', async (count) => {
    const plaintext = PLAINTEXT.subarray(0, 100_000)
    const sealed = await writer().encrypt(plaintext, publicKeys(count), 'reader-9.sec')
    for (const secretKey of someReaders(count)) {
      expect((await reader().decrypt(sealed, secretKey)).equals(plaintext), secretKey).toBe(true)
    }
    if (count < READERS.length) await expect(reader().decrypt(sealed, 'reader-49.sec')).rejects.toThrow()
  })
}

/** A key pair as files, made by the program that defines its kind. */
interface KeyKind {
  title: string
  make(name: string): Promise<void>
  /** What the peer can do with it; both by default. */
  peer?: 'public key only' | undefined
}

const ssh = (cipher?: string): KeyKind => ({
  title: `OpenSSH ed25519, ${cipher ?? 'no passphrase'}`,
  async make(name) {
    const protection = cipher === undefined ? ['-N', ''] : ['-N', PASSPHRASE, '-Z', cipher]
    await outputOf(['ssh-keygen', '-q', '-t', 'ed25519', ...protection, '-f', `${name}.sec`], { home })
    await rename(join(home, `${name}.sec.pub`), join(home, `${name}.pub`))
  },
})

const openssl = (algorithm: 'x25519' | 'ed25519'): KeyKind => ({
  title: `OpenSSL ${algorithm}`,
  peer: algorithm === 'ed25519' ? 'public key only' : undefined,
  async make(name) {
    const secretKey = ['-out', `${name}.sec`]
    await outputOf(['openssl', 'genpkey', '-algorithm', algorithm, ...secretKey], { home })
    await outputOf(['openssl', 'pkey', '-in', `${name}.sec`, '-pubout', '-out', `${name}.pub`], { home })
  },
})

const c4gh = (title: string, command: () => readonly string[], encrypted: boolean): KeyKind => ({
  title: `Crypt4GH, made by ${title}, ${encrypted ? 'passphrase' : 'no passphrase'}`,
  make: (name) => keygen(command(), home, name, encrypted),
})
const ours = (encrypted: boolean): KeyKind =>
  c4gh('our crypt4gh-keygen', () => [process.execPath, BINS['crypt4gh-keygen']], encrypted)
const python = (encrypted: boolean): KeyKind =>
  c4gh('the reference', () => [findProgram('crypt4gh-keygen')!], encrypted)
const go = (format: 'crypt4gh' | 'openssl'): KeyKind => ({
  title: `${format}, made by Go`,
  async make(name) {
    await goKeygen(home, name, format)
    await rename(join(home, `${name}.sec.pem`), join(home, `${name}.sec`))
    await rename(join(home, `${name}.pub.pem`), join(home, `${name}.pub`))
  },
})

let made = 0

/** Keys of every kind that the peer knows, used by both. */
function sharesKeys(kinds: readonly KeyKind[], peer: () => Pair, own: () => Pair): void {
  it.each(kinds.map((kind) => [kind.title, kind] as const))('%s', async (_, kind) => {
    const name = `key-${(made += 1)}`
    await kind.make(name)
    const plaintext = randomBytes(1000)
    const theirs = await peer().encrypt(plaintext, [`${name}.pub`], 'reader-9.sec')
    expect((await own().decrypt(theirs, `${name}.sec`)).equals(plaintext)).toBe(true)
    if (kind.peer === 'public key only') return
    const sealed = await own().encrypt(plaintext, [`${name}.pub`])
    expect((await peer().decrypt(sealed, `${name}.sec`)).equals(plaintext)).toBe(true)
  })
}

/** Edit lists that we write and the peer applies. */
function appliesEditLists(editLists: readonly (readonly number[])[], peer: () => Pair): void {
  it.each(editLists.map((editList) => [editList]))('%j', async (editList) => {
    const plaintext = PLAINTEXT.subarray(0, 500_000)
    const dataKey = randomBytes(32)
    const contents = { dataKeys: [dataKey], editList: editList.map(BigInt) }
    const header = await sealHeader(contents, [pairs[0]!.publicKey])
    const sealed = Buffer.concat([header, await buffer(sealStream(once(plaintext), dataKey))])
    const expected = edited(plaintext, editList)
    expect((await peer().decrypt(sealed, 'reader-0.sec')).equals(expected)).toBe(true)
    expect((await buffer(decryptStream(once(sealed), [pairs[0]!]))).equals(expected)).toBe(true)
  })
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

const EDIT_LISTS = [
  // The example of the standard.
  [0, 7853, 71_721, 307_929, 51_299, 38],
  [10],
  [65_536, 65_536],
  [65_530, 12, 7],
  [1, 1, 1, 1, 1],
  [100_000, 1_000_000],
]

const skippedPython = missing('crypt4gh-python')
const skippedGo = missing('crypt4gh-go')

describe.skipIf(skippedPython !== undefined)(
  `the reference (Python)${skippedPython ? `; ${skippedPython}` : ''}`,
  () => {
    const peer = () => pythonTool(home)
    const own = () => dropIn(home)

    it('is the reference and not our drop-in, which has its name', async () => {
      expect((await peer().run(['--version'], new Uint8Array(0))).toString()).not.toContain('sealift')
      expect((await own().run(['--version'], new Uint8Array(0))).toString()).toContain('sealift')
    })

    describe('reads our files', () => {
      readsFilesOf(own, peer)
    })
    describe('writes files that we read', () => {
      readsFilesOf(peer, own)
    })
    describe('shares keys with us', () => {
      // aes256-gcm and chacha20-poly1305 of OpenSSH are unknown to it.
      const ciphers = ['aes128-ctr', 'aes192-ctr', 'aes256-ctr', 'aes128-cbc', 'aes192-cbc', 'aes256-cbc']
      const openssh = [undefined, ...ciphers, '3des-cbc'].map(ssh)
      sharesKeys([ours(true), ours(false), python(true), python(false), ...openssh], peer, own)
    })
    describe('applies our edit lists', () => {
      // It fails on a keep of 0 and on an empty list ([0, 0, 10, 5], [0, 0], []), which the standard allows.
      appliesEditLists(EDIT_LISTS, peer)
    })

    it('takes a range of a file as our drop-in does', async () => {
      const plaintext = PLAINTEXT.subarray(0, 300_000)
      for (const range of ['0-11', '100-70000', '65536-131073', '65535-131074', '200000-999999']) {
        const [start, end] = range.split('-').map(Number)
        const expected = plaintext.subarray(start, end! - 1)
        const args = ['encrypt', '--recipient_pk', 'reader-0.pub', '--range', range]
        // It seeks in its input, which a pipe does not allow: so it gets a file.
        await writeFile(join(home, 'whole'), plaintext)
        const command = `exec "${findProgram('crypt4gh')!}" ${args.join(' ')} <whole`
        const theirs = await outputOf(['sh', '-c', command], { home })
        expect((await own().decrypt(theirs, 'reader-0.sec')).equals(expected), range).toBe(true)
        const sealed = await own().run(args, plaintext)
        expect((await peer().decrypt(sealed, 'reader-0.sec')).equals(expected), range).toBe(true)
      }
    })

    it('decrypts a range as our drop-in does, where it begins in the first segment', async () => {
      // Of a range that begins behind it, 65 536 and more, it decrypts the wrong bytes and ends with 0.
      const plaintext = PLAINTEXT.subarray(0, 300_000)
      const sealed = await own().encrypt(plaintext, ['reader-0.pub'])
      for (const range of ['0-11', '65535-200000']) {
        const args = ['decrypt', '--sk', 'reader-0.sec', '--range', range]
        const [start, end] = range.split('-').map(Number)
        const expected = plaintext.subarray(start, end! - 1)
        expect((await peer().run(args, sealed)).equals(expected), range).toBe(true)
        expect((await own().run(args, sealed)).equals(expected), range).toBe(true)
      }
    })

    it('reads what we rearranged, and we what it did', async () => {
      const plaintext = PLAINTEXT.subarray(0, 300_000)
      const sealed = await own().encrypt(plaintext, ['reader-0.pub'])
      for (const range of ['10-111', '65535-131074', '140000-250000']) {
        const args = ['rearrange', '--sk', 'reader-0.sec', '--range', range]
        const [start, end] = range.split('-').map(Number)
        const expected = plaintext.subarray(start, end! - 1)
        const [mine, theirs] = [await own().run(args, sealed), await peer().run(args, sealed)]
        expect((await peer().decrypt(mine, 'reader-0.sec')).equals(expected), range).toBe(true)
        expect((await own().decrypt(theirs, 'reader-0.sec')).equals(expected), range).toBe(true)
        // Within the first segment it keeps all segments, and its reader can open them: ours are one.
        expect(mine.length <= theirs.length, range).toBe(true)
      }
    })

    it('checks the sender of our files, and we that of its files', async () => {
      const args = ['decrypt', '--sk', 'reader-0.sec', '--sender_pk']
      const mine = await own().encrypt(PLAINTEXT, ['reader-0.pub'], 'reader-1.sec')
      const theirs = await peer().encrypt(PLAINTEXT, ['reader-0.pub'], 'reader-1.sec')
      for (const [tool, sealed] of [
        [peer(), mine],
        [own(), theirs],
      ] as const) {
        expect((await tool.run([...args, 'reader-1.pub'], sealed)).equals(PLAINTEXT)).toBe(true)
        await expect(tool.run([...args, 'reader-2.pub'], sealed)).rejects.toThrow()
      }
    })

    changesReaders(peer, own)
  },
)

describe.skipIf(skippedGo !== undefined)(`neicnordic's Go tool${skippedGo ? `; ${skippedGo}` : ''}`, () => {
  const peer = () => goTool(home)
  const own = () => sealift(home)

  describe('reads our files', () => {
    readsFilesOf(own, peer)
  })
  describe('writes files that we read', () => {
    // It stores an empty file as one empty segment of 28 bytes, which the reference fails on.
    readsFilesOf(peer, own)
  })
  describe('shares keys with us', () => {
    // Of OpenSSH's ciphers it knows these two; of Ed25519 keys of OpenSSL the public half.
    const openssh = [undefined, 'aes256-ctr', 'aes256-cbc'].map(ssh)
    const kinds = [go('crypt4gh'), go('openssl'), openssl('x25519'), openssl('ed25519'), ...openssh]
    sharesKeys([ours(true), ours(false), ...kinds], peer, own)
  })
  describe('applies our edit lists', () => {
    appliesEditLists([...EDIT_LISTS, [0, 0, 10, 5], [0, 0]], peer)
  })

  changesReaders(peer, () => dropIn(home))
})

/** Each gives the other's file to a new reader. */
function changesReaders(peer: () => Crypt4ghTool, own: () => Crypt4ghTool): void {
  it('gives our files to other readers, and we its files', async () => {
    const plaintext = PLAINTEXT.subarray(0, 200_000)
    for (const [writer, changer] of [
      [peer(), own()],
      [own(), peer()],
    ] as const) {
      const sealed = await writer.encrypt(plaintext, ['reader-0.pub'], 'reader-9.sec')
      const changed = await changer.reencrypt(sealed, 'reader-0.sec', ['reader-1.pub', 'reader-2.pub'])
      expect((await writer.decrypt(changed, 'reader-1.sec')).equals(plaintext)).toBe(true)
      expect((await changer.decrypt(changed, 'reader-2.sec')).equals(plaintext)).toBe(true)
    }
  })
}
