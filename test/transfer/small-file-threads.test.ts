import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseHeader } from '../../src/crypto/crypt4gh/header.ts'
import { HeaderSealer } from '../../src/crypto/crypt4gh/header-sealer.ts'
import { openHeader } from '../../src/crypto/crypt4gh/open-header.ts'
import { packetKeysFor } from '../../src/crypto/crypt4gh/seal-header.ts'
import { openSegments } from '../../src/crypto/crypt4gh/segment.ts'
import { plaintextBodySize, sealedHeaderSize } from '../../src/crypto/crypt4gh/sizes.ts'
import { generateKeyPair, type KeyPair } from '../../src/crypto/keys/key-pair.ts'
import { sealSmallFile, type SmallFile } from '../../src/transfer/seal-small-file.ts'
import { SmallFileThreads } from '../../src/transfer/small-file-threads.ts'
import { identityOf } from '../../src/transfer/source-file.ts'

let folder: string
let reader: KeyPair
let second: KeyPair
let sender: KeyPair

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-small-'))
  reader = await generateKeyPair()
  second = await generateKeyPair()
  sender = await generateKeyPair()
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

const digestsOf = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex')

const packetKeys = () => packetKeysFor([reader.publicKey, second.publicKey], sender)

const work = async () => ({
  packetKeys: await packetKeys(),
  digests: 'sha256+md5' as const,
  encryptAgain: false,
})

const sealing = async (encryptAgain = false) => ({
  headers: new HeaderSealer(await packetKeys()),
  digests: 'sha256+md5' as const,
  encryptAgain,
})

async function listed(name: string, content: Uint8Array): Promise<SmallFile> {
  const path = join(folder, name)
  await writeFile(path, content)
  const identity = identityOf(await stat(path, { bigint: true }))
  return { path, identity, slot: new SharedArrayBuffer(sealedHeaderSize(2) + content.length + 1000) }
}

async function opened(object: Uint8Array, identity: KeyPair) {
  const header = headerOf(object)
  const { dataKeys, senders } = await openHeader(header, [identity])
  const body = object.subarray(header.length)
  const plaintext = Buffer.alloc(plaintextBodySize(body.length))
  openSegments(dataKeys, body, plaintext)
  return { plaintext, dataKey: Buffer.from(dataKeys[0] ?? []).toString('hex'), senders }
}

function headerOf(object: Uint8Array) {
  const header = parseHeader(object)
  if ('needed' in header) throw new TypeError('no whole header')
  return header
}

const objectIn = ({ slot }: SmallFile, length = 0) => new Uint8Array(slot).slice(0, length)

/** Nonces of the header packets and of the one segment, hex. */
function noncesOf(object: Uint8Array): string[] {
  const { packets, length } = headerOf(object)
  const nonces = [...packets.map(({ body }) => body.subarray(32, 44)), object.subarray(length, length + 12)]
  return nonces.map((nonce) => Buffer.from(nonce).toString('hex'))
}

describe('threads for small files', () => {
  it('seal each for its readers under a data key of its own, with the digests of what was read and made', async () => {
    const contents = Array.from({ length: 70 }, (_, index) => randomBytes(index * 13))
    const files = await Promise.all(contents.map((content, index) => listed(`tile-${index}`, content)))
    const threads = new SmallFileThreads(await work())
    const sealed = await Promise.all(files.map((file) => threads.seal(file)))
    await threads.close()
    const dataKeys = new Set<string>()
    for (const [index, file] of files.entries()) {
      const content = contents[index] ?? Buffer.alloc(0)
      const object = objectIn(file, sealed[index]?.length)
      expect(sealed[index]).toEqual({
        length: object.length,
        sha256: digestsOf('sha256', object),
        md5: digestsOf('md5', object),
        plaintext: { sha256: digestsOf('sha256', content), md5: digestsOf('md5', content) },
      })
      for (const identity of [reader, second]) {
        const { plaintext, dataKey, senders } = await opened(object, identity)
        expect(plaintext.equals(content)).toBe(true)
        expect(senders).toEqual([sender.publicKey])
        dataKeys.add(dataKey)
      }
    }
    expect(dataKeys.size).toBe(contents.length)
  })

  it('use no nonce twice, though the packet keys are the same for all', async () => {
    const files = await Promise.all(
      Array.from({ length: 40 }, (_, index) => listed(`tile-${index}`, randomBytes(9))),
    )
    const threads = new SmallFileThreads(await work())
    const sealed = await Promise.all(files.map((file) => threads.seal(file)))
    await threads.close()
    const nonces = files.flatMap((file, index) => noncesOf(objectIn(file, sealed[index]?.length)))
    expect(nonces).toHaveLength(files.length * 3)
    expect(new Set(nonces).size).toBe(nonces.length)
  })

  it('take the packet keys over and wipe them', async () => {
    const given = await work()
    const threads = new SmallFileThreads(given)
    expect(given.packetKeys.ofReaders.flatMap((key) => [...key])).toEqual(Array(64).fill(0))
    await threads.close()
  })

  it('leave the sender its key, and answer everything that is asked after their end', async () => {
    const file = await listed('tile', randomBytes(10))
    const threads = new SmallFileThreads(await work())
    const asked = [threads.seal(file), threads.seal(file)]
    await threads.close()
    await Promise.all(asked)
    expect(await threads.seal(file)).toBeUndefined()
    expect(sender.secretKey.some((byte) => byte !== 0)).toBe(true)
  })
})

describe('a small file is left to the ordinary way', () => {
  it('when it is gone, no file, or another one than was listed', async () => {
    const file = await listed('tile', randomBytes(100))
    const how = await sealing()
    const seal = (other: Partial<SmallFile>) => sealSmallFile({ ...file, ...other }, how)
    expect(seal({})).toBeDefined()
    expect(seal({ path: join(folder, 'gone') })).toBeUndefined()
    expect(seal({ path: folder })).toBeUndefined()
    expect(seal({ identity: { ...file.identity, size: 99 } })).toBeUndefined()
    expect(seal({ identity: { ...file.identity, mtimeNs: '1' } })).toBeUndefined()
    const other = await listed('other', randomBytes(100))
    await rm(file.path)
    await symlink(other.path, file.path)
    expect(existsSync(file.path)).toBe(true)
    expect(seal({})).toBeUndefined()
  })

  it('when it is sealed already, unless it shall be sealed once more', async () => {
    const file = await listed('sealed', Buffer.from('crypt4gh and what follows'))
    expect(sealSmallFile(file, await sealing())).toBeUndefined()
    expect(sealSmallFile(file, await sealing(true))).toBeDefined()
  })

  it('when its slot is too short', async () => {
    const file = await listed('tile', randomBytes(100))
    const slot = new SharedArrayBuffer(file.identity.size)
    expect(sealSmallFile({ ...file, slot }, await sealing())).toBeUndefined()
  })
})
