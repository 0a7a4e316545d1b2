import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseHeader } from '../../src/crypto/crypt4gh/header.ts'
import { openHeader } from '../../src/crypto/crypt4gh/open-header.ts'
import { openSegments } from '../../src/crypto/crypt4gh/segment.ts'
import { plaintextBodySize, sealedHeaderSize } from '../../src/crypto/crypt4gh/sizes.ts'
import { generateKeyPair, type KeyPair } from '../../src/crypto/keys/key-pair.ts'
import { sealSmallFile, type SmallFile } from '../../src/transfer/seal-small-file.ts'
import { SmallFileThreads } from '../../src/transfer/small-file-threads.ts'
import { identityOf } from '../../src/transfer/source-file.ts'

let folder: string
let reader: KeyPair
let sender: KeyPair

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-small-'))
  reader = await generateKeyPair()
  sender = await generateKeyPair()
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

const digestsOf = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex')

const sealing = (encryptAgain = false) => ({
  recipients: [reader.publicKey],
  sender,
  digests: 'sha256+md5' as const,
  encryptAgain,
})

async function listed(name: string, content: Uint8Array): Promise<SmallFile> {
  const path = join(folder, name)
  await writeFile(path, content)
  const identity = identityOf(await stat(path, { bigint: true }))
  return { path, identity, slot: new SharedArrayBuffer(sealedHeaderSize(1) + content.length + 1000) }
}

async function opened(object: Uint8Array) {
  const header = parseHeader(object)
  if ('needed' in header) throw new TypeError('no whole header')
  const { dataKeys, senders } = await openHeader(header, [reader])
  const body = object.subarray(header.length)
  const plaintext = new Uint8Array(plaintextBodySize(body.length))
  openSegments(dataKeys, body, plaintext)
  return { plaintext, dataKey: Buffer.from(dataKeys[0] ?? []).toString('hex'), senders }
}

describe('threads for small files', () => {
  it('seal each for its readers under a data key of its own, with the digests of what was read and made', async () => {
    const contents = Array.from({ length: 70 }, (_, index) => randomBytes(index * 13))
    const files = await Promise.all(contents.map((content, index) => listed(`tile-${index}`, content)))
    const threads = new SmallFileThreads(sealing())
    const sealed = await Promise.all(files.map((file) => threads.seal(file)))
    await threads.close()
    const dataKeys = new Set<string>()
    for (const [index, result] of sealed.entries()) {
      const content = contents[index] ?? Buffer.alloc(0)
      const object = new Uint8Array(files[index]?.slot ?? new SharedArrayBuffer(0)).slice(0, result?.length)
      expect(result).toEqual({
        length: object.length,
        sha256: digestsOf('sha256', object),
        md5: digestsOf('md5', object),
        plaintext: { sha256: digestsOf('sha256', content), md5: digestsOf('md5', content) },
      })
      const { plaintext, dataKey, senders } = await opened(object)
      expect(Buffer.from(plaintext).equals(content)).toBe(true)
      expect(senders).toEqual([sender.publicKey])
      dataKeys.add(dataKey)
    }
    expect(dataKeys.size).toBe(contents.length)
  })

  it('leave the sender its key, and answer everything that is asked after their end', async () => {
    const file = await listed('tile', randomBytes(10))
    const threads = new SmallFileThreads(sealing())
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
    const seal = (other: Partial<SmallFile>) => sealSmallFile({ ...file, ...other }, sealing())
    expect(await seal({})).toBeDefined()
    expect(await seal({ path: join(folder, 'gone') })).toBeUndefined()
    expect(await seal({ path: folder })).toBeUndefined()
    expect(await seal({ identity: { ...file.identity, size: 99 } })).toBeUndefined()
    expect(await seal({ identity: { ...file.identity, mtimeNs: '1' } })).toBeUndefined()
    const other = await listed('other', randomBytes(100))
    await rm(file.path)
    await symlink(other.path, file.path)
    expect(existsSync(file.path)).toBe(true)
    expect(await seal({})).toBeUndefined()
  })

  it('when it is sealed already, unless it shall be sealed once more', async () => {
    const file = await listed('sealed', Buffer.from('crypt4gh and what follows'))
    expect(await sealSmallFile(file, sealing())).toBeUndefined()
    expect(await sealSmallFile(file, sealing(true))).toBeDefined()
  })

  it('when its slot is too short, or a recipient is none', async () => {
    const file = await listed('tile', randomBytes(100))
    const slot = new SharedArrayBuffer(file.identity.size)
    expect(await sealSmallFile({ ...file, slot }, sealing())).toBeUndefined()
    const recipients = [new Uint8Array(32)]
    expect(await sealSmallFile(file, { ...sealing(), recipients })).toBeUndefined()
  })
})
