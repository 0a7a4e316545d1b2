/** The peers' own test files, which aren't ours to copy: read where they are, skipped where they aren't. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decryptStream } from '../../../src/crypto/crypt4gh/crypt4gh.ts'
import { parsePublicKeys } from '../../../src/crypto/keys/public-key-file.ts'
import { parseSecretKey } from '../../../src/crypto/keys/secret-key-file.ts'
import { chunked, collect } from '../vectors.ts'

const folder = new URL('../../../../shared/vectors/crypt4gh/upstream/', import.meta.url)
const present = existsSync(folder)
if (!present) {
  console.log("skipped: the peers' own vectors are not in ../shared/vectors/crypt4gh/upstream")
}

describe.skipIf(!present)("the peers' own files", () => {
  it('the sample of the Go implementation decrypts', async () => {
    const { keyPair } = await secret('neicnordic-go/streaming_test.crypt4ghX25519Sec.key', 'password')
    const plaintext = await collect(
      decryptStream(chunked(read('neicnordic-go/sample.txt.enc'), 1000), [keyPair]),
    )
    expect(plaintext).toHaveLength(70_225)
    expect(createHash('sha256').update(plaintext).digest('hex')).toBe(
      '2aef808fb42fa7b1ba76cb16644773f9902a3fdc2569e8fdc049f38280c4577e',
    )
    expect(plaintext).toEqual(read('neicnordic-go/sample.txt'))
  })

  it.each([
    ['ega-python/alice.sec', 'ega-python/alice.pub', 'alice', 'crypt4gh'],
    ['ega-python/bob.sec', 'ega-python/bob.pub', 'bob', 'crypt4gh'],
    [
      'neicnordic-go/keys_test.crypt4ghX25519Sec.key',
      'neicnordic-go/keys_test.crypt4ghX25519Pub.key',
      'password',
      'crypt4gh',
    ],
    [
      'neicnordic-go/streaming_test.newRecipientSec.key',
      'neicnordic-go/streaming_test.newRecipientPub.key',
      'password',
      'crypt4gh',
    ],
    [
      'neicnordic-go/streaming_test.unencryptedSec.key',
      'neicnordic-go/streaming_test.unencryptedPub.key',
      '',
      'crypt4gh',
    ],
    [
      'neicnordic-go/keys_test.sshEd25519Sec.key',
      'neicnordic-go/keys_test.sshEd25519Pub.key',
      '',
      'openssh-ed25519',
    ],
    [
      'neicnordic-go/keys_test.sslX25519Sec.key',
      'neicnordic-go/keys_test.sslX25519Pub.key',
      '',
      'openssl-x25519',
    ],
    [
      'neicnordic-go/keys_test.sslEd25519Sec.key',
      'neicnordic-go/keys_test.sslEd25519Pub.key',
      '',
      'openssl-ed25519',
    ],
  ])('%s belongs to its public key', async (secretPath, publicPath, passphrase, kind) => {
    const file = await secret(secretPath, passphrase)
    const [recipient] = await parsePublicKeys(read(publicPath), publicPath)
    expect(file.kind).toBe(kind)
    expect(file.keyPair.publicKey).toEqual(recipient!.publicKey)
  })

  it('a PEM block of something else is no key', async () => {
    const path = 'neicnordic-go/keys_test.badPEM.key'
    await expect(secret(path, '')).rejects.toMatchObject({ code: 'INVALID_KEY' })
    await expect(parsePublicKeys(read(path), path)).rejects.toMatchObject({ code: 'INVALID_KEY' })
  })
})

function read(path: string): Uint8Array {
  return Uint8Array.from(readFileSync(new URL(path, folder)))
}

function secret(path: string, passphrase: string): ReturnType<typeof parseSecretKey> {
  return parseSecretKey(read(path), path, async () => passphrase)
}
