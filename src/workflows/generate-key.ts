import { fingerprint } from '../crypto/keys/fingerprint.ts'
import { fingerprintWords } from '../crypto/keys/fingerprint-words.ts'
import { generateKeyPair } from '../crypto/keys/key-pair.ts'
import { serializePublicKey } from '../crypto/keys/public-key-file.ts'
import { serializeSecretKey } from '../crypto/keys/secret-key-file.ts'
import { AppError } from '../util/errors.ts'
import { createPartialFile, type PartialFile } from '../util/partial-file.ts'

export interface GenerateKeyRequest {
  /** Path of the two files without their endings; `NAME.sec` and `NAME.pub` mean the same. */
  name: string
  /** Asked once it is clear that the files can be written; undefined stores the secret key unprotected. */
  passphrase?: ((file: string) => Promise<string>) | undefined
  comment?: string | undefined
  /** Replace a key pair of the same name: what was sealed for the old one is lost with it. */
  replace: boolean
}

export interface GenerateKeyResult {
  secretKeyFile: string
  publicKeyFile: string
  fingerprint: string
  /** The first 80 bits of the fingerprint as words. */
  words: string
  /** Whether a passphrase protects the secret key. */
  encrypted: boolean
}

/** Others read public keys. */
const PUBLIC_MODE = 0o644

/** The longest comment that still looks like one (crypt4gh.tex, Appendix: key files). */
const MAX_COMMENT_BYTES = 1024

/**
 * Makes a key pair and writes its two files: the secret one for its owner alone (mode 0600), both whole or not at all,
 * and never over existing ones unless told so.
 *
 * Throws AppError FILE_EXISTS, FILE_NOT_FOUND, FILE_UNREADABLE, DISK_FULL, USAGE, and what `passphrase` throws.
 */
export async function generateKey(request: GenerateKeyRequest): Promise<GenerateKeyResult> {
  const { comment, replace } = request
  if (comment !== undefined && (Buffer.byteLength(comment) > MAX_COMMENT_BYTES || /\p{Cc}/u.test(comment))) {
    throw new AppError('USAGE', `a comment is one line of at most ${MAX_COMMENT_BYTES} bytes`)
  }
  const name = request.name.replace(/\.(?:sec|pub)$/, '')
  if (name === '' || name.endsWith('/'))
    throw new AppError('USAGE', `not a name for key files: ${request.name}`)
  const secretKeyFile = `${name}.sec`
  const publicKeyFile = `${name}.pub`
  const opened: PartialFile[] = []
  try {
    const secretFile = await createPartialFile(secretKeyFile, { replace })
    opened.push(secretFile)
    const publicFile = await createPartialFile(publicKeyFile, { replace })
    opened.push(publicFile)

    const passphrase = await request.passphrase?.(secretKeyFile)
    const keyPair = await generateKeyPair()
    await secretFile.writeAt(utf8(await serializeSecretKey(keyPair, { passphrase, comment })), 0)
    await publicFile.writeAt(utf8(serializePublicKey(keyPair.publicKey)), 0)
    await publicFile.file.chmod(PUBLIC_MODE)
    keyPair.secretKey.fill(0)

    // The secret key first: a public key that nobody can open would be the worse half to be left with.
    await secretFile.finish()
    await publicFile.finish()
    const print = fingerprint(keyPair.publicKey)
    return {
      secretKeyFile,
      publicKeyFile,
      fingerprint: print,
      words: fingerprintWords(print),
      encrypted: passphrase !== undefined,
    }
  } finally {
    for (const file of opened) await file.discard()
  }
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
