import { describe, expect, it } from 'vitest'
import { fingerprint } from '../../../src/crypto/keys/fingerprint.ts'
import { generateKeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { NAMED_RECIPIENTS } from '../../../src/crypto/keys/named-recipients.ts'
import { parsePublicKeys, serializePublicKey } from '../../../src/crypto/keys/public-key-file.ts'
import { hex, index, readVector } from '../vectors.ts'

const ALICE = text('keys/alice.pub')
const SSH = text('keys/ssh-nopass.pub')
const OPENSSL = text('keys/openssl-x25519.pub.pem')

describe('files of recipients', () => {
  it('what we write is read back', async () => {
    const { publicKey } = await generateKeyPair()
    expect(await parse(serializePublicKey(publicKey))).toEqual([{ publicKey, kind: 'crypt4gh' }])
  })

  it('one file may hold several, of every kind, with comments and blank lines', async () => {
    const central = 'SUtKgXbC5tBCzM69wvGvFl5qY5OR/+20s5ZyNSebRFw='
    const found = await parse(`# the group\n${ALICE}\n\n# others\n${SSH}${OPENSSL}${central}\n`)
    expect(found.map(({ kind }) => kind)).toEqual(['crypt4gh', 'openssh-ed25519', 'openssl-x25519', 'raw'])
    expect(found.map(({ publicKey }) => hex(publicKey)).slice(0, 3)).toEqual(
      ['alice', 'ssh-nopass', 'openssl-x25519'].map((name) => index.keys[name]!.x25519_public_hex),
    )
    expect(found[1]!.comment).toBe('test@example.org')
  })

  it('blocks put together by cat need no line end between them', async () => {
    expect(await parse(ALICE.trimEnd() + ALICE.trimEnd())).toHaveLength(2)
  })

  it('CRLF, a byte order mark, indentation and wrapped base64 are no trouble', async () => {
    const wrapped = ALICE.replace('zKQGSib9', 'zKQG\n  Sib9').replaceAll('\n', '\r\n')
    expect(await parse(`\ufeff${wrapped}\r\n\r\n`)).toEqual(await parse(ALICE))
  })

  it.each([
    ['an empty file', '', 'it is empty'],
    ['comments only', '# nobody\n', 'it is empty'],
    ['a text', 'hello\n', 'it is not a public key'],
    ['an ssh key of another type', 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB me', 'only ed25519 can be used'],
    ['an ssh key cut short', SSH.slice(0, 60), 'cut short'],
    ['a key of 31 bytes', block(new Uint8Array(31).fill(9)), 'it is no key of a kind that is known'],
    ['a key that protects nothing', block(new Uint8Array(32)), 'weak key of low order'],
    ['the other zero', `${Buffer.alloc(32).toString('base64')}\n`, 'weak key of low order'],
    ['an ed25519 key off the curve', ssh(Buffer.alloc(32, 2)), 'no usable point of the curve'],
    [
      'an ed25519 key of low order',
      ssh(Buffer.from([1, ...new Uint8Array(31)])),
      'no usable point of the curve',
    ],
    ['base64 with a letter missing', ALICE.replace('zKQ', 'zK'), 'base64 is damaged'],
  ])('%s is refused by name', async (_, content, why) => {
    const attempt = parse(content)
    await expect(attempt).rejects.toMatchObject({ code: 'INVALID_KEY' })
    await expect(attempt).rejects.toThrow(`no public key can be read from group.pub: `)
    await expect(attempt).rejects.toThrow(why)
  })

  it('one bad key of three leaves nobody out silently', async () => {
    await expect(parse(`${ALICE}${SSH}garbage\n`)).rejects.toThrow(
      'group.pub (key 3 of 3): it is not a public key',
    )
  })
})

describe('fingerprints', () => {
  it('are those that openssl and base64 give', () => {
    // printf KEY | base64 -d | openssl dgst -sha256 -binary | base64 | tr -d =
    const [, alice] = ALICE.split('\n')
    expect(fingerprint(Buffer.from(alice!, 'base64'))).toBe(
      'SHA256:nQbMbwl3aLoWtuZKacmmYX/N0XC0Oe0scqqAQeAHFE4',
    )
  })

  it('the SD services key is the published one', () => {
    const { publicKey } = NAMED_RECIPIENTS.get('@csc-sd')!
    expect(Buffer.from(publicKey).toString('base64')).toBe('dmku3fKA/wrOpWntUTkkoQvknjZDisdmSwU4oFk/on0=')
    expect(fingerprint(publicKey)).toBe('SHA256:T8RooJvAmHzvADpc8Qmc6VO3sJc3YEPY6a1mFqIsH7g')
  })
})

function parse(content: string): ReturnType<typeof parsePublicKeys> {
  return parsePublicKeys(Buffer.from(content), 'group.pub')
}

function text(path: string): string {
  return Buffer.from(readVector(path)).toString('utf8')
}

function block(bytes: Uint8Array): string {
  return `-----BEGIN CRYPT4GH PUBLIC KEY-----\n${Buffer.from(bytes).toString('base64')}\n-----END CRYPT4GH PUBLIC KEY-----\n`
}

function ssh(publicKey: Uint8Array): string {
  const string = (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes])
  const encoded = Buffer.concat([string(Buffer.from('ssh-ed25519')), string(publicKey)])
  return `ssh-ed25519 ${encoded.toString('base64')} off\n`
}
