import { randomBytes } from 'node:crypto'
import { chmod, copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../../src/crypto/crypt4gh/format.ts'
import { fingerprint } from '../../src/crypto/keys/fingerprint.ts'
import { generateKeyPair, type KeyPair } from '../../src/crypto/keys/key-pair.ts'
import { createMemoryStore } from '../../src/storage/memory-store.ts'
import { decryptFile, decryptRange, type DecryptFileRequest } from '../../src/workflows/decrypt-file.ts'
import { download } from '../../src/workflows/download.ts'
import { encryptFile, encryptInput, type EncryptFileRequest } from '../../src/workflows/encrypt-file.ts'
import { readSource } from '../../src/workflows/read-source.ts'
import { rearrange, type RearrangeRequest } from '../../src/workflows/rearrange.ts'
import type { Recipient } from '../../src/workflows/recipients.ts'
import { reencrypt, type ReencryptRequest } from '../../src/workflows/reencrypt.ts'
import { rekeyFile } from '../../src/workflows/rekey.ts'
import { upload } from '../../src/workflows/upload.ts'
import { chunked, collect } from '../crypto/vectors.ts'

const PLAINTEXT = randomBytes(20 * SEGMENT_SIZE + 77)

let folder: string
let alice: KeyPair
let bob: KeyPair
let plain: string
let sealed: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-header-tools-'))
  alice = await generateKeyPair()
  bob = await generateKeyPair()
  plain = join(folder, 'reads')
  sealed = join(folder, 'reads.c4gh')
  await writeFile(plain, PLAINTEXT)
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

describe('a range', () => {
  it('of a file is encrypted alone, wherever it starts', async () => {
    for (const [offset, length] of [
      [0, 5],
      [70_001, 200_000],
      [SEGMENT_SIZE, undefined],
      [PLAINTEXT.length, undefined],
    ] as const) {
      const { plaintextSize } = await encrypt({ range: { offset, length }, force: true })
      const wanted = PLAINTEXT.subarray(offset, length === undefined ? undefined : offset + length)
      expect(plaintextSize).toBe(wanted.length)
      expect((await decrypted(sealed, alice)).equals(wanted)).toBe(true)
    }
  })

  it('that reaches beyond the end makes no file', async () => {
    const range = { offset: PLAINTEXT.length - 5, length: 6 }
    await expect(encrypt({ range })).rejects.toMatchObject({ code: 'INVALID_RANGE' })
    await encrypt()
    await expect(decrypt({ range })).rejects.toMatchObject({ code: 'INVALID_RANGE' })
    const request = { input: sealed, identities: [alice], range }
    await expect(collect(decryptRange(request))).rejects.toMatchObject({ code: 'INVALID_RANGE' })
    expect(await readdir(folder)).toEqual(['reads', 'reads.c4gh'])
  })

  it('of an encrypted file is read without the segments beside it, damaged as they may be', async () => {
    await encrypt()
    const file = await readFile(sealed)
    file[124 + 40]! ^= 1
    await writeFile(sealed, file)
    const range = { offset: SEGMENT_SIZE, length: 100_000 }
    const wanted = PLAINTEXT.subarray(range.offset, range.offset + range.length)
    await decrypt({ range })
    expect((await readFile(join(folder, 'out'))).equals(wanted)).toBe(true)
    const piped = await collect(decryptRange({ input: sealed, identities: [alice], range }))
    expect(Buffer.compare(piped, wanted)).toBe(0)
    await expect(decrypt({ force: true })).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
  })
})

describe('a header of its own', () => {
  it('is kept apart from the body, and opens it', async () => {
    const headerFile = join(folder, 'header')
    const { encryptedSize } = await encrypt({ headerFile })
    expect((await stat(headerFile)).size).toBe(124)
    expect((await stat(sealed)).size).toBe(encryptedSize)
    expect(encryptedSize).toBe(20 * ENCRYPTED_SEGMENT_SIZE + 77 + 28)
    await decrypt({ headerFile })
    expect((await readFile(join(folder, 'out'))).equals(PLAINTEXT)).toBe(true)
    const range = { offset: 5, length: 5 }
    await decrypt({ headerFile, range, force: true })
    expect((await readFile(join(folder, 'out'))).equals(PLAINTEXT.subarray(5, 10))).toBe(true)
    await expect(decrypt({ force: true })).rejects.toMatchObject({ code: 'NOT_CRYPT4GH' })
  })

  it('comes off a stream as well, and only when the body is whole', async () => {
    const headerFile = join(folder, 'header')
    const request = { recipients: [recipient(alice)], output: '-', headerFile, force: false }
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield PLAINTEXT
      throw new TypeError('the pipe broke')
    }
    await expect(collect(encryptInput(broken(), request, '-'))).rejects.toThrow('the pipe broke')
    expect(await readdir(folder)).toEqual(['reads'])
    await writeFile(sealed, await collect(encryptInput(chunked(PLAINTEXT, 99_999), request, '-')))
    await decrypt({ headerFile })
    expect((await readFile(join(folder, 'out'))).equals(PLAINTEXT)).toBe(true)
  })

  it('never replaces a file, nor the body', async () => {
    const headerFile = join(folder, 'header')
    await writeFile(headerFile, 'mine')
    await expect(encrypt({ headerFile })).rejects.toMatchObject({ code: 'FILE_EXISTS' })
    await expect(encrypt({ headerFile: sealed, force: true })).rejects.toMatchObject({ code: 'USAGE' })
    expect(await readdir(folder)).toEqual(['header', 'reads'])
    expect(await readFile(headerFile, 'utf8')).toBe('mine')
  })

  it('is reencrypted alone, for the body that stays where it is', async () => {
    const headerFile = join(folder, 'header')
    await encrypt({ headerFile })
    const renewed = join(folder, 'renewed')
    await renew({ input: readSource(headerFile), recipients: [recipient(bob)] }, renewed)
    await decrypt({ headerFile: renewed, identities: [bob] })
    expect((await readFile(join(folder, 'out'))).equals(PLAINTEXT)).toBe(true)
  })
})

describe('reencrypt', () => {
  it('says what became of the packets of others', async () => {
    await encrypt({ recipients: [recipient(alice), recipient(bob)] })
    const carol = await generateKeyPair()
    const shared = join(folder, 'shared')
    const dropped = await renew({ recipients: [recipient(carol)] }, shared)
    expect(dropped).toMatchObject({ others: { packets: 1, kept: false }, stillReadable: false })
    expect((await decrypted(shared, carol)).equals(PLAINTEXT)).toBe(true)
    await expect(decrypted(shared, bob)).rejects.toMatchObject({ code: 'NO_MATCHING_KEY' })
    const kept = await renew({ recipients: [recipient(alice)], keepOthers: true }, shared)
    expect(kept).toMatchObject({ others: { packets: 1, kept: true }, stillReadable: true })
    expect((await decrypted(shared, bob)).equals(PLAINTEXT)).toBe(true)
  })

  it('writes the header alone when told to', async () => {
    await encrypt()
    const header = join(folder, 'header')
    const { size } = await renew({ recipients: [recipient(bob)], headerOnly: true }, header)
    expect([size, (await stat(header)).size]).toEqual([124, 124])
  })

  it('notices a body that was cut within its last bytes', async () => {
    await encrypt()
    await writeFile(sealed, (await readFile(sealed)).subarray(0, 124 + ENCRYPTED_SEGMENT_SIZE + 20))
    await expect(renew({ recipients: [recipient(bob)] }, join(folder, 'x'))).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
    })
  })

  it('needs recipients before it reads anything', async () => {
    await expect(renew({ recipients: [] }, join(folder, 'x'))).rejects.toMatchObject({ code: 'USAGE' })
  })
})

describe('rearrange', () => {
  it('makes a file of a range, and again one of that', async () => {
    await encrypt()
    const region = join(folder, 'region')
    await cut({ range: { offset: 100_000, length: 300_000 } }, region)
    expect((await decrypted(region, alice)).equals(PLAINTEXT.subarray(100_000, 400_000))).toBe(true)
    const smaller = join(folder, 'smaller')
    const range = { offset: 150_000, length: 10 }
    const { size } = await cut({ input: readSource(region), range, recipients: [recipient(bob)] }, smaller)
    expect(size).toBeLessThan(ENCRYPTED_SEGMENT_SIZE + 300)
    expect((await decrypted(smaller, bob)).equals(PLAINTEXT.subarray(250_000, 250_010))).toBe(true)
  })

  it('fails when the file ends before the range', async () => {
    await encrypt()
    const range = { offset: PLAINTEXT.length - 3, length: 4 }
    await expect(cut({ range }, join(folder, 'region'))).rejects.toMatchObject({
      code: 'INVALID_RANGE',
      message: expect.stringContaining(sealed) as string,
    })
  })
})

describe('rekey', () => {
  it('shuts out a reader who kept the old header', async () => {
    await encrypt({ recipients: [recipient(alice), recipient(bob)] })
    const oldHeader = (await readFile(sealed)).subarray(0, 232)
    await chmod(sealed, 0o640)
    const result = await rekey({ recipients: [recipient(alice)] })
    expect(result).toMatchObject({ output: sealed, plaintextSize: PLAINTEXT.length, otherPackets: 1 })
    expect((await decrypted(sealed, alice)).equals(PLAINTEXT)).toBe(true)
    const file = await readFile(sealed)
    await writeFile(join(folder, 'mixed'), Buffer.concat([oldHeader, file.subarray(124)]))
    await expect(decrypted(join(folder, 'mixed'), bob)).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
    })
    expect((await stat(sealed)).mode & 0o777).toBe(0o640)
  })

  it('leaves nothing of what an edit list hid', async () => {
    await encrypt()
    const region = join(folder, 'region')
    await cut({ range: { offset: 10, length: 20 } }, region)
    await rekey({ input: region, recipients: [recipient(alice)] })
    expect((await stat(region)).size).toBe(124 + 28 + 20)
    expect((await decrypted(region, alice)).equals(PLAINTEXT.subarray(10, 30))).toBe(true)
  })

  it('does not lock its owner out of the only copy', async () => {
    await encrypt()
    await expect(rekey({ recipients: [recipient(bob)] })).rejects.toMatchObject({ code: 'USAGE' })
    const other = join(folder, 'other')
    await rekey({ recipients: [recipient(bob)], output: other })
    expect((await decrypted(other, bob)).equals(PLAINTEXT)).toBe(true)
    expect((await decrypted(sealed, alice)).equals(PLAINTEXT)).toBe(true)
  })

  it('leaves a damaged file as it is', async () => {
    await encrypt()
    const file = await readFile(sealed)
    file[file.length - 1]! ^= 1
    await writeFile(sealed, file)
    await expect(rekey({ recipients: [recipient(alice)] })).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
    })
    expect((await readFile(sealed)).equals(file)).toBe(true)
    expect(await readdir(folder)).toEqual(['reads', 'reads.c4gh'])
  })

  it('never replaces another file unless it may', async () => {
    await encrypt()
    const other = join(folder, 'other')
    await copyFile(plain, other)
    const request = { recipients: [recipient(alice)], output: other }
    await expect(rekey(request)).rejects.toMatchObject({ code: 'FILE_EXISTS' })
    await rekey({ ...request, force: true })
    expect((await decrypted(other, alice)).equals(PLAINTEXT)).toBe(true)
  })
})

describe('an own key as the sender', () => {
  it('is what a reader may insist on, for files', async () => {
    await encrypt({ sender: bob })
    const { senders } = await decrypt({ senders: [bob.publicKey] })
    expect(senders).toEqual([fingerprint(bob.publicKey)])
    await expect(decrypt({ senders: [alice.publicKey], force: true })).rejects.toMatchObject({
      code: 'UNEXPECTED_SENDER',
    })
  })

  it('and for objects of a store', async () => {
    const store = createMemoryStore()
    await store.createBucket('animine')
    const common = { store, bucket: 'animine', force: true }
    const target = 'reads.c4gh'
    await upload({ ...common, sources: [plain], target, recipients: [recipient(alice)], sender: bob })
    const destination = join(folder, 'out')
    const request = { ...common, source: target, destination, identities: [alice], decrypt: true }
    await expect(download({ ...request, senders: [alice.publicKey] })).rejects.toMatchObject({
      code: 'UNEXPECTED_SENDER',
    })
    await download({ ...request, senders: [bob.publicKey] })
    expect((await readFile(destination)).equals(PLAINTEXT)).toBe(true)
  })
})

function recipient({ publicKey }: KeyPair): Recipient {
  return { name: 'reader.pub', publicKey, fingerprint: fingerprint(publicKey) }
}

function encrypt(more: Partial<EncryptFileRequest> = {}) {
  return encryptFile({ input: plain, output: sealed, recipients: [recipient(alice)], force: false, ...more })
}

function decrypt(more: Partial<DecryptFileRequest> = {}) {
  const output = join(folder, 'out')
  return decryptFile({ input: sealed, output, identities: [alice], force: false, ...more })
}

async function decrypted(input: string, identity: KeyPair): Promise<Buffer> {
  const output = join(folder, 'decrypted')
  await decryptFile({ input, output, identities: [identity], force: true })
  const bytes = await readFile(output)
  await rm(output)
  return bytes
}

function renew(more: Partial<ReencryptRequest>, output: string) {
  return reencrypt({
    input: readSource(sealed),
    name: sealed,
    identities: [alice],
    recipients: [],
    keepOthers: false,
    headerOnly: false,
    write: (bytes) => writeTo(output, bytes),
    ...more,
  })
}

function cut(more: Partial<RearrangeRequest> & Pick<RearrangeRequest, 'range'>, output: string) {
  return rearrange({
    input: readSource(sealed),
    name: sealed,
    identities: [alice],
    recipients: [],
    write: (bytes) => writeTo(output, bytes),
    ...more,
  })
}

function rekey(more: Partial<Parameters<typeof rekeyFile>[0]>) {
  return rekeyFile({ input: sealed, identities: [alice], recipients: [], force: false, ...more })
}

async function writeTo(path: string, bytes: AsyncIterable<Uint8Array>): Promise<number> {
  const whole = await collect(bytes)
  await writeFile(path, whole)
  return whole.length
}
