/** X25519 and Ed25519 keys as OpenSSL writes them: PKCS#8 and SPKI (RFC 8410). */
import { sameBytes } from '../../util/bytes.ts'
import { AppError } from '../../util/errors.ts'
import { KEY_SIZE } from '../crypt4gh/format.ts'
import { DerReader, TAG, unknownKey } from './der-reader.ts'
import type { KeyKind, SecretKeyFile } from './key-kind.ts'
import { keyPairFromEd25519Seed, keyPairFromSecret } from './key-pair.ts'
import { publicKeyFromEd25519 } from './x25519-public-key.ts'

/** Object identifiers 1.3.101.110 and 1.3.101.112, encoded (RFC 8410 §3). */
const OID_X25519 = Uint8Array.of(0x2b, 0x65, 0x6e)
const OID_ED25519 = Uint8Array.of(0x2b, 0x65, 0x70)

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
  // RFC 5958 §2: version, algorithm, private key; then attributes and perhaps the public key, which we don't need.
  const structure = new DerReader(der).take(TAG.sequence)
  structure.take(TAG.integer)
  const kind = opensslKind(structure.take(TAG.sequence))
  const secretKey = structure.take(TAG.octetString).take(TAG.octetString).bytes
  const keyPair =
    kind === 'openssl-x25519'
      ? await keyPairFromSecret(secretKey)
      : (await keyPairFromEd25519Seed(secretKey)).keyPair
  return { keyPair, kind, encrypted: false }
}

/**
 * Reads SPKI; gives the X25519 key.
 *
 * @throws {@link AppError} INVALID_KEY
 */
export async function parseOpensslPublicKey(
  der: Uint8Array,
): Promise<{ publicKey: Uint8Array; kind: KeyKind }> {
  const structure = new DerReader(der).take(TAG.sequence)
  const kind = opensslKind(structure.take(TAG.sequence))
  // A bit string says first how many bits of its last byte don't count (X.690 §8.6.2).
  const bits = structure.take(TAG.bitString).bytes
  if (bits[0] !== 0 || bits.length !== 1 + KEY_SIZE) throw unknownKey()
  const publicKey = bits.slice(1)
  return { publicKey: kind === 'openssl-x25519' ? publicKey : await publicKeyFromEd25519(publicKey), kind }
}

/** True for PKCS#8 of both sorts: what begins an SPKI is an algorithm, not a version. */
export function looksLikePkcs8(der: Uint8Array): boolean {
  return isEncryptedPkcs8(der) || firstTags(der)[0] === TAG.integer
}

/** RFC 5958 §3: an algorithm with parameters, then the encrypted key as an octet string. */
function isEncryptedPkcs8(der: Uint8Array): boolean {
  const [first, second] = firstTags(der)
  return first === TAG.sequence && second === TAG.octetString
}

/** Tags of the first two elements of the outer sequence; fewer where there are none. */
function firstTags(der: Uint8Array): (number | undefined)[] {
  try {
    const structure = new DerReader(der).take(TAG.sequence)
    const first = structure.nextTag
    structure.skip()
    return [first, structure.nextTag]
  } catch {
    return []
  }
}

function opensslKind(algorithm: DerReader): 'openssl-x25519' | 'openssl-ed25519' {
  const { bytes } = algorithm.take(TAG.objectIdentifier)
  if (sameBytes(bytes, OID_X25519)) return 'openssl-x25519'
  if (sameBytes(bytes, OID_ED25519)) return 'openssl-ed25519'
  throw new AppError(
    'INVALID_KEY',
    'it is an OpenSSL key of another type, only x25519 and ed25519 can be used',
  )
}
