/**
 * Secret key files of every kind, told apart by their bytes (never by a PEM label). Bytes in, bytes out:
 * reading and writing the disk is the caller's.
 */
import { AppError } from '../../util/errors.ts'
import { KEY_SIZE } from '../crypt4gh/format.ts'
import { isCrypt4ghContainer, openCrypt4ghContainer, sealCrypt4ghContainer } from './crypt4gh-container.ts'
import type { SecretKeyFile } from './key-kind.ts'
import { keyPairFromSecret } from './key-pair.ts'
import type { KeyPair } from './key-pair.ts'
import { serializePem, splitKeyText } from './key-text.ts'
import type { PemBlock } from './key-text.ts'
import { isOpensshContainer, openOpensshContainer } from './openssh-container.ts'
import { parseOpensslSecretKey } from './openssl-key.ts'

export type { SecretKeyFile } from './key-kind.ts'

export interface SerializeSecretKeyOptions {
  /** Encrypts the key; undefined stores it plain. */
  passphrase?: string | undefined
  comment?: string | undefined
}

/**
 * Reads a secret key: Crypt4GH (c4gh-v1, any KDF), the bare 32 bytes, OpenSSH ed25519, OpenSSL X25519 or
 * Ed25519 (PKCS#8 without passphrase). Wipe `content` and the key pair's secret key when done.
 *
 * @param name - stands for the file in errors
 * @param passphrase - called once, and only when the file needs one
 * @throws {@link AppError} INVALID_KEY, WRONG_PASSPHRASE, and whatever `passphrase` throws
 */
export async function parseSecretKey(
  content: Uint8Array,
  name: string,
  passphrase: () => Promise<string>,
): Promise<SecretKeyFile> {
  try {
    if (isBareKey(content)) return await rawKey(content)
    const [first, second] = splitKeyText(content)
    if (first === undefined) throw new AppError('INVALID_KEY', 'it is empty')
    if ('line' in first) throw notSecret(first.line)
    if (second !== undefined) throw new AppError('INVALID_KEY', 'it holds more than one key')
    const file = await parseBlock(first.block, passphrase)
    first.block.bytes.fill(0)
    return file
  } catch (error) {
    throw naming(name, error)
  }
}

/**
 * A Crypt4GH secret key file (c4gh-v1): encrypted with scrypt and ChaCha20-Poly1305, or plain.
 *
 * @throws {@link AppError} USAGE for an empty passphrase or a comment of more than 65 535 bytes
 */
export async function serializeSecretKey(
  keyPair: KeyPair,
  options: SerializeSecretKeyOptions,
): Promise<string> {
  const container = await sealCrypt4ghContainer(keyPair.secretKey, options.passphrase, options.comment)
  const label = options.passphrase === undefined ? 'CRYPT4GH PRIVATE KEY' : 'CRYPT4GH ENCRYPTED PRIVATE KEY'
  const pem = serializePem(label, container)
  container.fill(0)
  return pem
}

async function parseBlock(block: PemBlock, passphrase: () => Promise<string>): Promise<SecretKeyFile> {
  const { bytes, label } = block
  if (isCrypt4ghContainer(bytes)) return openCrypt4ghContainer(bytes, passphrase)
  if (isOpensshContainer(bytes)) return openOpensshContainer(bytes, passphrase)
  // A public key and a plain secret key of htslib's are both bare 32 bytes: here the label may refuse.
  if (/\bPUBLIC KEY$/.test(label)) throw notSecret(label)
  if (bytes.length === KEY_SIZE) return rawKey(bytes)
  return parseOpensslSecretKey(bytes)
}

async function rawKey(secretKey: Uint8Array): Promise<SecretKeyFile> {
  return { keyPair: await keyPairFromSecret(secretKey), kind: 'raw', encrypted: false }
}

/** 32 random bytes are never all printable, and a text of 32 characters is no key. */
function isBareKey(content: Uint8Array): boolean {
  return content.length === KEY_SIZE && content.some((byte) => byte > 0x7e || (byte < 0x20 && byte !== 0x0a))
}

function notSecret(text: string): AppError {
  return /^(ssh|ecdsa)-|PUBLIC KEY$/.test(text)
    ? new AppError('INVALID_KEY', 'it is a public key, a secret key is needed', {
        hints: ['give the other file of the pair, usually the one without .pub'],
      })
    : new AppError('INVALID_KEY', 'it is not a key file')
}

function naming(name: string, error: unknown): unknown {
  if (!(error instanceof AppError)) return error
  if (error.code === 'WRONG_PASSPHRASE') {
    return new AppError('WRONG_PASSPHRASE', `wrong passphrase for ${name}`, {
      hints: error.hints,
      cause: error,
    })
  }
  if (error.code !== 'INVALID_KEY') return error
  return new AppError('INVALID_KEY', `no secret key can be read from ${name}: ${error.message}`, {
    hints: error.hints,
    cause: error,
  })
}
