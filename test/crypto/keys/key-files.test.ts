import { describe, expect, it, vi } from 'vitest'
import { parsePublicKeys } from '../../../src/crypto/keys/public-key-file.ts'
import { parseSecretKey } from '../../../src/crypto/keys/secret-key-file.ts'
import { hex, index, readVector } from '../vectors.ts'

const KINDS: Record<string, string> = { openssh: 'openssh-ed25519', pkcs8: 'openssl-x25519', raw: 'raw' }
const keys = Object.entries(index.keys)
const locked = keys.filter(([, { passphrase }]) => passphrase !== null)
const plainKeys = keys.filter(([, { passphrase }]) => passphrase === null)

describe('every key file is read', () => {
  it('and there are 16', () => {
    expect([locked.length, plainKeys.length]).toEqual([12, 4])
  })

  it.each(keys)('%s', async (name, key) => {
    const file = await parseSecretKey(readVector(key.secret_file), name, async () => key.passphrase ?? '')
    expect(hex(file.keyPair.publicKey)).toBe(key.x25519_public_hex)
    if (key.x25519_secret_hex !== null) expect(hex(file.keyPair.secretKey)).toBe(key.x25519_secret_hex)
    expect(file.kind).toBe(KINDS[key.kdf] ?? 'crypt4gh')
    expect(file.encrypted).toBe(key.passphrase !== null)
    if (key.comment !== undefined) expect(file.comment).toBe(key.comment)
    const [recipient, ...others] = await parsePublicKeys(readVector(key.public_file), name)
    expect(hex(recipient!.publicKey)).toBe(key.x25519_public_hex)
    expect(others).toHaveLength(0)
  })

  it.each(locked)('%s: a wrong passphrase is told from a damaged file', async (name, key) => {
    const attempt = parseSecretKey(readVector(key.secret_file), name, async () => 'wrong')
    await expect(attempt).rejects.toMatchObject({
      code: 'WRONG_PASSPHRASE',
      message: `wrong passphrase for ${name}`,
    })
  })

  it.each(plainKeys)('%s: nobody is asked for a passphrase in vain', async (name, key) => {
    const passphrase = vi.fn(async () => 'unused')
    await parseSecretKey(readVector(key.secret_file), name, passphrase)
    expect(passphrase).not.toHaveBeenCalled()
  })

  it.each(keys)('%s: the secret key is refused as a recipient, with a hint', async (name, key) => {
    await expect(parsePublicKeys(readVector(key.secret_file), name)).rejects.toMatchObject({
      code: 'INVALID_KEY',
      message: `no public key can be read from ${name}: it is a secret key, a recipient is a public key`,
      hints: [expect.stringContaining('the other file of the pair')],
    })
  })

  it.each(keys)('%s: the public key is refused as an identity, with a hint', async (name, key) => {
    const attempt = parseSecretKey(readVector(key.public_file), name, async () => 'unused')
    await expect(attempt).rejects.toMatchObject({
      code: 'INVALID_KEY',
      hints: [expect.stringContaining('the other file of the pair')],
    })
  })

  it('what the passphrase prompt throws comes through', async () => {
    const cancelled = new TypeError('no terminal')
    const { secret_file: path } = index.keys['bob']!
    const attempt = parseSecretKey(readVector(path), 'bob', () => Promise.reject(cancelled))
    await expect(attempt).rejects.toBe(cancelled)
  })
})
