import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fingerprint } from '../../src/crypto/keys/fingerprint.ts'
import { serializePublicKey } from '../../src/crypto/keys/public-key-file.ts'
import { parseSecretKey } from '../../src/crypto/keys/secret-key-file.ts'
import { createMemoryStore } from '../../src/storage/memory-store.ts'
import { changePassphrase } from '../../src/workflows/change-passphrase.ts'
import { checkKey, type CheckKeyRequest } from '../../src/workflows/check-key.ts'
import { loadRecipients } from '../../src/workflows/recipients.ts'
import { identityOf, index, readVector } from '../crypto/vectors.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-keys-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

const saying = (passphrase: string) => () => Promise.resolve(passphrase)
const noPassphrase = () => Promise.reject(new Error('there is no passphrase to ask for'))

/** A key file of the vectors, in our folder. */
async function secretFile(key: string, mode = 0o600): Promise<string> {
  const path = join(folder, 'animine.sec')
  await writeFile(path, readVector(index.keys[key]!.secret_file), { mode })
  return path
}

describe('key passphrase', () => {
  const containers = Object.entries(index.keys).filter(
    ([name, { secret_file: file }]) => file !== '' && !/^(ssh|openssl)/.test(name),
  )
  it.each(containers)('of %s: changed, taken off, set again, and the key stays', async (name, key) => {
    const file = await secretFile(name)
    const before = await identityOf(name)
    const old = key.passphrase === null ? noPassphrase : saying(key.passphrase)
    const result = await changePassphrase({ file, passphrase: old, newPassphrase: saying('näw päss') })
    expect(result).toEqual({
      file,
      fingerprint: fingerprint(before.publicKey),
      wasEncrypted: key.passphrase !== null,
      encrypted: true,
    })
    const read = async (passphrase: () => Promise<string>) =>
      parseSecretKey(await readFile(file), file, passphrase)
    expect((await read(saying('näw päss'))).keyPair).toEqual(before)
    await expect(read(saying('old'))).rejects.toMatchObject({ code: 'WRONG_PASSPHRASE' })

    await changePassphrase({ file, passphrase: saying('näw päss'), newPassphrase: undefined })
    expect(await read(noPassphrase)).toMatchObject({ keyPair: before, encrypted: false })
    expect(await readdir(folder), 'nothing is left beside it').toEqual(['animine.sec'])
  })

  it('keeps the comment, and a file that was stricter than 0600', async () => {
    const [name] = Object.entries(index.keys).find(([, { comment, kdf }]) => comment && kdf === 'scrypt')!
    const file = await secretFile(name)
    await chmod(file, 0o444)
    const passphrase = saying(index.keys[name]!.passphrase!)
    await changePassphrase({ file, passphrase, newPassphrase: undefined })
    expect((await stat(file)).mode & 0o777).toBe(0o400)
    const { comment } = await parseSecretKey(await readFile(file), file, noPassphrase)
    expect(comment).toBe(index.keys[name]!.comment)
  })

  it('changes the file behind a link, and the link stays', async () => {
    const file = await secretFile('alice')
    const link = join(folder, 'link.sec')
    await symlink(file, link)
    const before = await identityOf('alice')
    const old = saying(index.keys['alice']!.passphrase ?? '')
    await changePassphrase({ file: link, passphrase: old, newPassphrase: saying('new') })
    expect((await parseSecretKey(await readFile(file), file, saying('new'))).keyPair).toEqual(before)
  })

  it('leaves the file alone when anything is wrong', async () => {
    const file = await secretFile('bob')
    const before = await readFile(file)
    const right = saying(index.keys['bob']!.passphrase!)
    const refused = (code: string, passphrase: () => Promise<string>, newPassphrase: () => Promise<string>) =>
      expect(changePassphrase({ file, passphrase, newPassphrase })).rejects.toMatchObject({ code })
    await refused('WRONG_PASSPHRASE', saying('wrong'), saying('new'))
    await refused('USAGE', right, saying(''))
    await expect(changePassphrase({ file, passphrase: right, newPassphrase: noPassphrase })).rejects.toThrow()
    expect(await readFile(file)).toEqual(before)
    expect(await readdir(folder)).toEqual(['animine.sec'])
  })

  it.each(['ssh-nopass', 'openssl-x25519'])('of %s is left to its own program', async (name) => {
    const file = await secretFile(name)
    const before = await readFile(file)
    await expect(
      changePassphrase({ file, passphrase: noPassphrase, newPassphrase: saying('new') }),
    ).rejects.toMatchObject({ code: 'USAGE', hints: [expect.stringMatching(/ssh-keygen -p|openssl pkey/)] })
    expect(await readFile(file)).toEqual(before)
  })
})

describe('key check', () => {
  const BUCKET = 'animine-data-import-1'

  async function check(published: string, more: Partial<CheckKeyRequest> = {}) {
    return checkKey({
      secretFile: await secretFile('bob'),
      published,
      passphrase: saying(index.keys['bob']!.passphrase!),
      recipientsFolder: join(folder, 'recipients'),
      connect: () => Promise.reject(new Error('no network is needed')),
      ...more,
    })
  }

  it('knows the other half, also among several', async () => {
    const file = join(folder, 'animine.pub')
    const bob = await identityOf('bob')
    await writeFile(file, serializePublicKey(bob.publicKey))
    expect(await check(file)).toMatchObject({
      state: 'same',
      fingerprint: fingerprint(bob.publicKey),
      found: [{ name: file }],
    })
    const alice = await identityOf('alice')
    await writeFile(file, serializePublicKey(alice.publicKey) + serializePublicKey(bob.publicKey))
    expect((await check(file)).found).toHaveLength(2)
  })

  it('tells another key from none', async () => {
    const file = join(folder, 'animine.pub')
    await writeFile(file, readVector(index.keys['alice']!.public_file))
    await expect(check(file)).rejects.toMatchObject({ code: 'KEYS_DIFFER', result: { state: 'different' } })
    await expect(check('@csc-sd')).rejects.toMatchObject({ code: 'KEYS_DIFFER' })
    await expect(check(join(folder, 'none.pub'))).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
      result: { state: 'missing', found: [] },
    })
    await expect(check(file, { secretFile: join(folder, 'none.sec') })).rejects.not.toHaveProperty('result')
  })

  it('compares with what a bucket publishes', async () => {
    const store = createMemoryStore()
    await store.createBucket(BUCKET)
    const connect = () =>
      Promise.resolve({
        store,
        endpoint: 'memory',
        credentialsExpireAt: async () => undefined,
        close: () => undefined,
      })
    const place = `s3://${BUCKET}`
    await expect(check(place, { connect })).rejects.toMatchObject({
      code: 'NO_BUCKET_KEYS',
      result: { state: 'missing' },
    })
    const put = async (name: string, key: string) => {
      const { publicKey } = await identityOf(key)
      await store.putObject(BUCKET, `keys/${name}.pub`, Buffer.from(serializePublicKey(publicKey)))
    }
    await put('carol', 'carol')
    await expect(check(place, { connect })).rejects.toMatchObject({ result: { state: 'different' } })
    await put('animine', 'bob')
    expect(await check(place, { connect })).toMatchObject({ state: 'same' })
    expect(await check(`${place}/keys/animine.pub`, { connect })).toMatchObject({
      state: 'same',
      found: [{ name: 'keys/animine.pub' }],
    })
    await expect(check(`${place}/keys/carol.pub`, { connect })).rejects.toMatchObject({ code: 'KEYS_DIFFER' })
    await expect(check(`${place}/keys/dave.pub`, { connect })).rejects.toMatchObject({
      code: 'OBJECT_NOT_FOUND',
      result: { state: 'missing' },
    })
    await expect(check(`${place}/run_12/x`, { connect })).rejects.toMatchObject({ code: 'INVALID_S3_URL' })
  })
})

describe('named recipients', () => {
  const builtIn = 'SHA256:T8RooJvAmHzvADpc8Qmc6VO3sJc3YEPY6a1mFqIsH7g'

  async function named(name: string): Promise<string[]> {
    const recipients = await loadRecipients([name], join(folder, 'recipients'))
    return recipients.map(({ fingerprint: print }) => print)
  }

  async function put(name: string, key: string): Promise<string> {
    await mkdir(join(folder, 'recipients'), { recursive: true })
    await writeFile(join(folder, 'recipients', name), readVector(index.keys[key]!.public_file))
    return fingerprint((await identityOf(key)).publicKey)
  }

  it("are the user's own first, then the built-in ones", async () => {
    expect(await named('@csc-sd')).toEqual([builtIn])
    const alice = await put('csc-sd.pub', 'alice')
    expect(await named('@csc-sd')).toEqual([alice])
    const bob = await put('animine.pub', 'bob')
    expect(await named('@animine')).toEqual([bob])
  })

  it('never fall back to the built-in key when the own one cannot be read', async () => {
    await put('csc-sd.pub', 'alice')
    await writeFile(join(folder, 'recipients', 'csc-sd.pub'), 'not a key')
    await expect(named('@csc-sd')).rejects.toMatchObject({ code: 'INVALID_KEY' })
    await rm(join(folder, 'recipients', 'csc-sd.pub'))
    await symlink('nowhere', join(folder, 'recipients', 'csc-sd.pub'))
    await expect(named('@csc-sd')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
  })

  it.each(['@', '@nobody', '@../animine', '@a/b', '@.hidden', '@csc-sd.pub\n'])(
    'do not include %j',
    async (name) => {
      await put('x.pub', 'alice')
      await writeFile(join(folder, 'animine.pub'), readVector(index.keys['alice']!.public_file))
      await expect(named(name)).rejects.toMatchObject({ code: 'INVALID_KEY' })
    },
  )
})
