/** X25519 and Ed25519 keys as OpenSSL writes them: PKCS#8 and SPKI (RFC 8410). */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { AppError } from '../../util/errors.ts'
import { KEY_SIZE } from '../crypt4gh/format.ts'
import type { KeyKind, SecretKeyFile } from './key-kind.ts'
import { keyPairFromEd25519Seed, keyPairFromSecret } from './key-pair.ts'
import { publicKeyFromEd25519 } from './x25519-public-key.ts'

const SEQUENCE = 0x30

/**
 * Reads PKCS#8 without a passphrase.
 *
 * @throws {@link AppError} INVALID_KEY for anything else, with a hint for an encrypted key
 */
export async function parseOpensslSecretKey(der: Uint8Array): Promise<SecretKeyFile> {
  if (isEncryptedPkcs8(der)) {
    throw new AppError('INVALID_KEY', 'it is an OpenSSL key with a passphrase, which is not supported', {
      hints: ['take its passphrase off with: openssl pkey -in KEY -out PLAIN (and delete PLAIN afterwards)'],
    })
  }
  const keyObject = parsed(() => createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' }))
  const kind = opensslKind(keyObject)
  const exported = keyObject.export({ format: 'der', type: 'pkcs8' })
  // RFC 8410 §7: the key is the last thing in the structure that OpenSSL writes.
  const secret = exported.subarray(exported.length - KEY_SIZE)
  try {
    const keyPair =
      kind === 'openssl-x25519'
        ? await keyPairFromSecret(secret)
        : (await keyPairFromEd25519Seed(secret)).keyPair
    return { keyPair, kind, encrypted: false }
  } finally {
    exported.fill(0)
  }
}

/**
 * Reads SPKI; gives the X25519 key.
 *
 * @throws {@link AppError} INVALID_KEY
 */
export async function parseOpensslPublicKey(
  der: Uint8Array,
): Promise<{ publicKey: Uint8Array; kind: KeyKind }> {
  const keyObject = parsed(() => createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' }))
  const kind = opensslKind(keyObject)
  const exported = keyObject.export({ format: 'der', type: 'spki' })
  const publicKey = Uint8Array.from(exported.subarray(exported.length - KEY_SIZE))
  return { publicKey: kind === 'openssl-x25519' ? publicKey : await publicKeyFromEd25519(publicKey), kind }
}

/** True for PKCS#8 of both sorts: what begins an SPKI is an algorithm, not a version. */
export function looksLikePkcs8(der: Uint8Array): boolean {
  return isEncryptedPkcs8(der) || firstElement(der)?.tag === 0x02
}

/** RFC 5958 §3: an algorithm with parameters, then the encrypted key as an octet string. */
function isEncryptedPkcs8(der: Uint8Array): boolean {
  const first = firstElement(der)
  return first?.tag === SEQUENCE && der[first.end] === 0x04
}

/** Tag of the first element of the outer sequence, and where it ends (X.690 §8.1). */
function firstElement(der: Uint8Array): { tag: number | undefined; end: number } | undefined {
  if (der[0] !== SEQUENCE) return undefined
  const start = contentAt(der, 1).start
  const { start: content, length } = contentAt(der, start + 1)
  return { tag: der[start], end: content + length }
}

function contentAt(der: Uint8Array, lengthAt: number): { start: number; length: number } {
  const first = der[lengthAt] ?? 0
  if (first < 0x80) return { start: lengthAt + 1, length: first }
  const lengthBytes = der.subarray(lengthAt + 1, lengthAt + 1 + (first & 0x7f))
  return {
    start: lengthAt + 1 + (first & 0x7f),
    length: lengthBytes.reduce((length, byte) => length * 256 + byte, 0),
  }
}

function parsed(parse: () => KeyObject): KeyObject {
  try {
    return parse()
  } catch (cause) {
    throw new AppError('INVALID_KEY', 'it is no key of a kind that is known', { cause })
  }
}

function opensslKind(keyObject: KeyObject): 'openssl-x25519' | 'openssl-ed25519' {
  const { asymmetricKeyType } = keyObject
  if (asymmetricKeyType === 'x25519') return 'openssl-x25519'
  if (asymmetricKeyType === 'ed25519') return 'openssl-ed25519'
  throw new AppError(
    'INVALID_KEY',
    'it is an OpenSSL key of another type, only x25519 and ed25519 can be used',
  )
}
