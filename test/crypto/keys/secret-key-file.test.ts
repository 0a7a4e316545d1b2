import { execFileSync, spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { generateKeyPair } from '../../../src/crypto/keys/key-pair.ts'
import type { KeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { parsePublicKeys } from '../../../src/crypto/keys/public-key-file.ts'
import { parseSecretKey, serializeSecretKey } from '../../../src/crypto/keys/secret-key-file.ts'
import { AppError } from '../../../src/util/errors.ts'
import { concat, index, readVector } from '../vectors.ts'

describe('key files we write', () => {
  it('are read back, plain or with a passphrase, with any comment', async () => {
    const keyPair = await generateKeyPair()
    const passphrases = fc.option(fc.string({ minLength: 1, unit: 'grapheme' }), { nil: undefined })
    const comments = fc.option(fc.string({ minLength: 1, unit: 'grapheme' }), { nil: undefined })
    await fc.assert(
      fc.asyncProperty(passphrases, comments, async (passphrase, comment) => {
        const text = await serializeSecretKey(keyPair, { passphrase, comment })
        const file = await parse(text, passphrase)
        expect(file).toEqual({
          keyPair,
          kind: 'crypt4gh',
          encrypted: passphrase !== undefined,
          ...(comment === undefined ? {} : { comment }),
        })
      }),
      { numRuns: 15 },
    )
  })

  it('carry the labels and the scrypt that all readers know', async () => {
    const keyPair = await generateKeyPair()
    const plain = await serializeSecretKey(keyPair, {})
    const locked = await serializeSecretKey(keyPair, { passphrase: 'correct horse' })
    expect(plain).toMatch(
      /^-----BEGIN CRYPT4GH PRIVATE KEY-----\nYzRnaC12MQAEbm9uZQAEbm9uZQAg[A-Za-z0-9+/]{43}=\n-----END CRYPT4GH PRIVATE KEY-----\n$/,
    )
    expect(locked).toContain('-----BEGIN CRYPT4GH ENCRYPTED PRIVATE KEY-----\nYzRnaC12MQAGc2NyeXB0ABQAAAAA')
    expect(locked).not.toContain(Buffer.from(keyPair.secretKey).toString('base64').slice(0, 40))
  })

  it('never look the same twice: salt and nonce are fresh', async () => {
    const keyPair = await generateKeyPair()
    const twice = [1, 2].map(() => serializeSecretKey(keyPair, { passphrase: 'correct horse' }))
    const [first, second] = await Promise.all(twice)
    expect(first).not.toBe(second)
  })

  it('have no empty passphrase and no endless comment', async () => {
    const keyPair = await generateKeyPair()
    await expect(serializeSecretKey(keyPair, { passphrase: '' })).rejects.toMatchObject({ code: 'USAGE' })
    const comment = 'x'.repeat(65_536)
    await expect(serializeSecretKey(keyPair, { comment })).rejects.toMatchObject({ code: 'USAGE' })
  })
})

describe('bare keys', () => {
  it('32 bytes are a key, 32 characters are not', async () => {
    const keyPair = await generateKeyPair()
    const file = await parseSecretKey(keyPair.secretKey, 'bare', async () => '')
    expect(file).toEqual({ keyPair, kind: 'raw', encrypted: false })
    await expect(parse('not a key but thirty-two letters', undefined)).rejects.toMatchObject({
      code: 'INVALID_KEY',
    })
  })
})

describe('hostile key files', () => {
  it.each([
    ['bcrypt', 10_001],
    ['bcrypt', 0],
    ['pbkdf2_hmac_sha256', 10_000_001],
    ['pbkdf2_hmac_sha256', 0xffff_ffff],
  ])('%s with %i rounds is refused at once', async (kdf, rounds) => {
    const attempt = parse(containerWith(kdf, rounds), 'any')
    await expect(attempt).rejects.toMatchObject({ code: 'INVALID_KEY' })
    await expect(attempt).rejects.toThrow(`it asks for ${rounds} rounds`)
  })

  it('the same goes for OpenSSH keys', async () => {
    const { secret_file: path } = index.keys['ssh-pass']!
    const text = Buffer.from(readVector(path)).toString('latin1')
    const bytes = Buffer.from(text.replaceAll(/-----.*-----|\n/g, ''), 'base64')
    const saltEnd = bytes.indexOf('bcrypt') + 6 + 4 + 4 + 16
    bytes.writeUInt32BE(4_000_000_000, saltEnd)
    await expect(parse(pem(bytes), 'sshpass')).rejects.toThrow('it asks for 4000000000 rounds')
  })

  it('an OpenSSH key whose halves belong to different keys is refused', async () => {
    const text = Buffer.from(readVector(index.keys['ssh-nopass']!.secret_file)).toString('latin1')
    const bytes = Buffer.from(text.replaceAll(/-----.*-----|\n/g, ''), 'base64')
    const secretAt = bytes.lastIndexOf(Buffer.from([0, 0, 0, 64])) + 4
    bytes[secretAt]! ^= 1
    await expect(parse(pem(bytes), undefined)).rejects.toThrow('does not belong to its public key')
  })

  it('names out of the file are printable in errors', async () => {
    await expect(parse(containerWith('evil\u001b[2Jkdf', 1), 'any')).rejects.toThrow(
      '"evil?[2Jkdf" is unknown',
    )
  })

  it('a file of two keys, an unfinished block and damaged base64 are refused', async () => {
    const text = await serializeSecretKey(await generateKeyPair(), {})
    await expect(parse(text + text, undefined)).rejects.toThrow('more than one key')
    await expect(parse(text.slice(0, 90), undefined)).rejects.toThrow('without its "-----END"')
    await expect(parse(text.replace('YzRn', 'Yz*n'), undefined)).rejects.toThrow('base64 is damaged')
    await expect(parse('', undefined)).rejects.toThrow('it is empty')
    await expect(parse('x'.repeat(2_000_000), undefined)).rejects.toThrow('too many for a key file')
  })

  it('no secret of the file comes back in an error', async () => {
    const text = await serializeSecretKey(await generateKeyPair(), {})
    const base64 = text.split('\n')[1]!
    const failure = await parse(base64, undefined).catch((error: unknown) => error as AppError)
    expect(failure).toBeInstanceOf(AppError)
    expect((failure as AppError).message).not.toContain(base64.slice(0, 10))
  })

  it('whatever bytes come, a key is read or an AppError says why not', async () => {
    // Without a passphrase to try: key derivation has its own tests, and takes its time.
    const asked = new AppError('PASSPHRASE_NEEDED', 'asked')
    const files = Object.values(index.keys).flatMap((key) => [key.secret_file, key.public_file])
    const texts = [...new Set(files)].map((path) => Buffer.from(readVector(path)).toString('latin1'))
    const containers = texts.flatMap((text) => {
      const body = /-----BEGIN [^\n]*\n([^-]*)-----END/.exec(text)?.[1]
      return body === undefined ? [] : [Uint8Array.from(Buffer.from(body, 'base64'))]
    })
    const changes = fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 4 })
    const change = (bytes: Uint8Array, list: [number, number][], cut: number): Uint8Array => {
      const copy = bytes.slice(0, Math.max(0, bytes.length - cut))
      for (const [at, value] of list) if (at < copy.length) copy[at] = value
      return copy
    }
    const inside = fc
      .tuple(fc.constantFrom(...containers), changes, fc.constantFrom(0, 0, 0, 1, 20, 100))
      .map(([bytes, list, cut]) => Uint8Array.from(Buffer.from(pem(change(bytes, list, cut)))))
    const outside = fc
      .tuple(fc.constantFrom(...texts), changes, fc.nat(60))
      .map(([text, list, cut]) => change(Uint8Array.from(Buffer.from(text, 'latin1')), list, cut))
    const junk = fc.uint8Array({ maxLength: 80 })
    const magic = junk.map((bytes) =>
      Uint8Array.from(Buffer.from(pem(concat(new TextEncoder().encode('openssh-key-v1\0'), bytes)))),
    )
    await fc.assert(
      fc.asyncProperty(fc.oneof(inside, outside, junk, magic), async (content) => {
        for (const attempt of [
          parseSecretKey(content, 'fuzzed', () => Promise.reject(asked)),
          parsePublicKeys(content, 'fuzzed'),
        ]) {
          await attempt.catch((error: unknown) => {
            expect(error).toBeInstanceOf(AppError)
          })
        }
      }),
      { numRuns: 1500 },
    )
  })

  it('damage behind the passphrase is an AppError too', async () => {
    const asked = async (): Promise<string> => 'sshpass'
    const names = ['ssh-pass-aes128ctr', 'ssh-pass-aes256cbc', 'ssh-pass-aes256gcm', 'ssh-pass-chacha']
    for (const name of names) {
      const text = Buffer.from(readVector(index.keys[name]!.secret_file)).toString('latin1')
      const bytes = Buffer.from(text.replaceAll(/-----.*-----|\n/g, ''), 'base64')
      for (const at of [bytes.length - 150, bytes.length - 40, bytes.length - 1]) {
        const damaged = Uint8Array.from(bytes)
        damaged[at]! ^= 1
        const outcome = await parseSecretKey(Buffer.from(pem(damaged)), name, asked).catch(
          (error: unknown) => error,
        )
        // ctr and cbc have no tag: a flip in the comment or the padding goes unseen, one in the key doesn't.
        if (!(outcome instanceof AppError)) expect(name).toMatch(/ctr|cbc/)
      }
      const cut = Buffer.from(pem(bytes.subarray(0, -8)))
      await expect(parseSecretKey(cut, name, asked)).rejects.toMatchObject({ code: 'INVALID_KEY' })
    }
  })
})

describe('keys of other programs', () => {
  it('rsa and ec keys of OpenSSL are refused, ed25519 ones are used', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
    const ed25519 = generateKeyPairSync('ed25519')
    const spki = ed25519.publicKey.export({ format: 'pem', type: 'spki' }).toString()
    const pkcs8 = ed25519.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
    const rsaPem = rsa.export({ format: 'pem', type: 'pkcs8' }).toString()
    await expect(parse(rsaPem, undefined)).rejects.toThrow('only x25519 and ed25519 can be used')
    const file = await parse(pkcs8, undefined)
    const [recipient] = await parsePublicKeys(Buffer.from(spki), 'spki')
    expect(file.kind).toBe('openssl-ed25519')
    expect(recipient).toEqual({ publicKey: file.keyPair.publicKey, kind: 'openssl-ed25519' })
  })

  it('an OpenSSL key with a passphrase is refused with the way out, as an identity and as a recipient', async () => {
    const { privateKey } = generateKeyPairSync('x25519')
    const text = privateKey
      .export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'any' })
      .toString()
    await expect(parse(text, 'any')).rejects.toMatchObject({
      hints: [expect.stringContaining('openssl pkey')],
    })
    await expect(parsePublicKeys(Buffer.from(text), 'locked')).rejects.toThrow('it is a secret key')
  })
})

const SSH_KEYGEN = 'ssh-keygen'
const sshKeygen = hasSshKeygen()
if (!sshKeygen) console.log('skipped: ssh-keygen is not installed')

describe.skipIf(!sshKeygen)('what ssh-keygen writes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealift-ssh-'))
  afterAll(() => {
    rmSync(folder, { recursive: true })
  })

  it.each([
    'aes128-ctr',
    'aes192-ctr',
    'aes256-ctr',
    'aes128-cbc',
    'aes192-cbc',
    'aes256-cbc',
    '3des-cbc',
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'chacha20-poly1305@openssh.com',
  ])('is read with the cipher %s', async (cipher) => {
    const path = join(folder, cipher)
    generate(path, '-t', 'ed25519', '-Z', cipher, '-N', 'open sesame', '-a', '2', '-C', 'run 12')
    const file = await parse(readFileSync(path, 'utf8'), 'open sesame')
    const [recipient] = await parsePublicKeys(readFileSync(`${path}.pub`), 'pub')
    expect(file).toMatchObject({ kind: 'openssh-ed25519', comment: 'run 12', encrypted: true })
    expect(recipient).toEqual({
      publicKey: file.keyPair.publicKey,
      kind: 'openssh-ed25519',
      comment: 'run 12',
    })
    await expect(parse(readFileSync(path, 'utf8'), 'open simsim')).rejects.toMatchObject({
      code: 'WRONG_PASSPHRASE',
    })
  })

  it('is refused when it is an rsa key, before anybody is asked for its passphrase', async () => {
    const path = join(folder, 'rsa')
    generate(path, '-t', 'rsa', '-b', '2048', '-N', 'open sesame')
    const asked = (): Promise<string> => Promise.reject(new TypeError('asked'))
    await expect(parseSecretKey(readFileSync(path), 'rsa', asked)).rejects.toThrow('only ed25519 can be used')
    await expect(parsePublicKeys(readFileSync(`${path}.pub`), 'rsa')).rejects.toThrow('only ed25519')
  })
})

function hasSshKeygen(): boolean {
  return spawnSync(SSH_KEYGEN, ['-h'], { stdio: 'ignore' }).error === undefined
}

function generate(path: string, ...options: string[]): void {
  execFileSync(SSH_KEYGEN, ['-q', '-f', path, ...options])
}

function parse(
  text: string,
  passphrase: string | undefined,
): Promise<{ keyPair: KeyPair; kind: string; encrypted: boolean }> {
  return parseSecretKey(Buffer.from(text), 'the file', async () => passphrase ?? '')
}

function pem(bytes: Uint8Array): string {
  return `-----BEGIN KEY-----\n${Buffer.from(bytes).toString('base64')}\n-----END KEY-----\n`
}

/** A c4gh-v1 container that asks for that much work. */
function containerWith(kdf: string, rounds: number): string {
  const string = (content: string | Uint8Array): Buffer => {
    const bytes = Buffer.from(content)
    return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes])
  }
  const options = Buffer.alloc(20, 1)
  options.writeUInt32BE(rounds)
  const parts = [string(kdf), string(options), string('chacha20_poly1305'), string(new Uint8Array(60))]
  return pem(Buffer.concat([Buffer.from('c4gh-v1'), ...parts]))
}
