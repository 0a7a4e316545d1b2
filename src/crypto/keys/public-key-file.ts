/** Public key files of every kind, told apart by their bytes; one file may hold several recipients. */
import { AppError } from '../../util/errors.ts'
import { KEY_SIZE } from '../crypt4gh/format.ts'
import { isCrypt4ghContainer } from './crypt4gh-container.ts'
import type { KeyKind } from './key-kind.ts'
import { decodeBase64, serializePem, splitKeyText } from './key-text.ts'
import type { KeyText, PemBlock } from './key-text.ts'
import { isOpensshContainer } from './openssh-container.ts'
import { parseOpensshPublicKey } from './openssh-public-key.ts'
import { looksLikePkcs8, parseOpensslPublicKey } from './openssl-key.ts'
import { checkedPublicKey, publicKeyFromEd25519 } from './x25519-public-key.ts'

/** One recipient of a public key file. */
export interface PublicKeyFile {
  /** X25519, 32 bytes. */
  publicKey: Uint8Array
  kind: KeyKind
  /** As it stands in the file: text from outside, not to be trusted. */
  comment?: string | undefined
}

/**
 * Reads every public key of a file: PEM blocks (Crypt4GH, OpenSSL X25519 and Ed25519), OpenSSH ed25519
 * lines, and lines with the bare base64 of 32 bytes; `#` begins a comment line. All or nothing: one key
 * that can't be read would be a recipient left out.
 *
 * @param name - stands for the file in errors
 * @throws {@link AppError} INVALID_KEY naming the file and, of several, the key
 */
export async function parsePublicKeys(content: Uint8Array, name: string): Promise<PublicKeyFile[]> {
  const found = naming(name, () => splitKeyText(content))
  if (found.length === 0) throw invalid(name, 'it is empty')
  const keys: PublicKeyFile[] = []
  for (const [index, text] of found.entries()) {
    const where = found.length === 1 ? name : `${name} (key ${index + 1} of ${found.length})`
    try {
      keys.push(await parseKey(text))
    } catch (error) {
      throw named(where, error)
    }
  }
  return keys
}

/** A Crypt4GH public key file. */
export function serializePublicKey(publicKey: Uint8Array): string {
  if (publicKey.length !== KEY_SIZE) {
    throw new RangeError(`a public key has ${KEY_SIZE} bytes, got ${publicKey.length}`)
  }
  return serializePem('CRYPT4GH PUBLIC KEY', publicKey)
}

async function parseKey(text: KeyText): Promise<PublicKeyFile> {
  const key = 'block' in text ? await parseBlock(text.block) : await parseLine(text.line)
  return { ...key, publicKey: await checkedPublicKey(key.publicKey) }
}

async function parseBlock({ label, bytes }: PemBlock): Promise<PublicKeyFile> {
  if (isCrypt4ghContainer(bytes) || isOpensshContainer(bytes) || looksLikePkcs8(bytes)) throw secretGiven()
  if (bytes.length !== KEY_SIZE) return parseOpensslPublicKey(bytes)
  // A plain secret key of htslib's is 32 bytes as well: only the label tells, so it may refuse.
  if (/\bPRIVATE KEY$/.test(label)) throw secretGiven()
  return { publicKey: bytes, kind: 'crypt4gh' }
}

async function parseLine(line: string): Promise<PublicKeyFile> {
  const [keyType = '', base64 = '', ...words] = line.split(/\s+/)
  if (/^(ssh|ecdsa|sk-ssh|sk-ecdsa)-/.test(keyType)) {
    const comment = words.join(' ')
    return {
      publicKey: await publicKeyFromEd25519(parseOpensshPublicKey(decodeBase64(base64))),
      kind: 'openssh-ed25519',
      ...(comment === '' ? {} : { comment }),
    }
  }
  if (!/^[A-Za-z0-9+/]{43}=?$/.test(line)) throw new AppError('INVALID_KEY', 'it is not a public key')
  return { publicKey: decodeBase64(line), kind: 'raw' }
}

function secretGiven(): AppError {
  return new AppError('INVALID_KEY', 'it is a secret key, a recipient is a public key', {
    hints: ['give the other file of the pair, usually NAME.pub; never send a secret key to anybody'],
  })
}

function naming<T>(name: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw named(name, error)
  }
}

function named(name: string, error: unknown): unknown {
  if (!(error instanceof AppError)) return error
  return invalid(name, error.message, error.hints, error)
}

function invalid(name: string, why: string, hints: readonly string[] = [], cause?: unknown): AppError {
  return new AppError('INVALID_KEY', `no public key can be read from ${name}: ${why}`, { hints, cause })
}
