import { realpath, stat } from 'node:fs/promises'
import { fingerprint } from '../crypto/keys/fingerprint.ts'
import type { KeyKind } from '../crypto/keys/key-kind.ts'
import { parseSecretKey, serializeSecretKey } from '../crypto/keys/secret-key-file.ts'
import { writeFileAtomically } from '../util/atomic-file.ts'
import { sameBytes } from '../util/bytes.ts'
import { AppError } from '../util/errors.ts'
import { fileError } from '../util/file-errors.ts'
import { readSmallFile } from '../util/small-file.ts'

export interface ChangePassphraseRequest {
  /** A secret key file. */
  file: string
  /** The passphrase it has, asked only when it has one. */
  passphrase: (file: string) => Promise<string>
  /** The one it shall have, asked when the old one was right; undefined takes the passphrase off. */
  newPassphrase: ((file: string) => Promise<string>) | undefined
}

/** What `key passphrase` did: the --json contract. */
export interface ChangePassphraseResult {
  file: string
  fingerprint: string
  /** Whether a passphrase protected the file before. */
  wasEncrypted: boolean
  /** Whether one does now. */
  encrypted: boolean
}

/** Read and write for the owner: what a secret key file may have at most. */
const OWNER_ONLY = 0o600

/**
 * Gives a Crypt4GH secret key file another passphrase, its first, or none. The key stays the same, so nothing needs to
 * be encrypted again. The new content is read back with the new passphrase first, then replaces the old one whole or
 * not at all.
 *
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, INVALID_KEY, WRONG_PASSPHRASE, DISK_FULL, and USAGE for the files
 * of other programs, which have their own command for it
 */
export async function changePassphrase(request: ChangePassphraseRequest): Promise<ChangePassphraseResult> {
  const { file, passphrase, newPassphrase } = request
  const content = await readSmallFile(file, 'read the secret key')
  const { keyPair, kind, comment, encrypted } = await parseSecretKey(content, file, () => passphrase(file))
  content.fill(0)
  try {
    refuseForeign(kind, file)
    const chosen = await newPassphrase?.(file)
    const text = await serializeSecretKey(keyPair, { passphrase: chosen, comment })
    const changed = new TextEncoder().encode(text)
    const readBack = await parseSecretKey(changed, file, () => Promise.resolve(chosen ?? ''))
    const isSame = sameBytes(readBack.keyPair.secretKey, keyPair.secretKey)
    readBack.keyPair.secretKey.fill(0)
    if (!isSame) throw new RangeError('a secret key file reads back as another key')
    await replace(file, changed)
    changed.fill(0)
    return {
      file,
      fingerprint: fingerprint(keyPair.publicKey),
      wasEncrypted: encrypted,
      encrypted: chosen !== undefined,
    }
  } finally {
    keyPair.secretKey.fill(0)
  }
}

/** Replaces the file itself, not a link to it, and never makes it readable for more people. */
async function replace(file: string, content: Uint8Array): Promise<void> {
  try {
    const path = await realpath(file)
    const { mode } = await stat(path)
    await writeFileAtomically(path, content, { mode: mode & OWNER_ONLY })
  } catch (error) {
    throw fileError(error, 'write', file)
  }
}

function refuseForeign(kind: KeyKind, file: string): void {
  if (kind === 'crypt4gh' || kind === 'raw') return
  const hint =
    kind === 'openssh-ed25519'
      ? `for keys of OpenSSH: ssh-keygen -p -f ${file}`
      : `for keys of OpenSSL: openssl pkey -aes256 -in ${file} -out NEW (sealift can't read the result)`
  throw new AppError('USAGE', `${file} is no Crypt4GH key but ${kind}, its passphrase isn't ours to change`, {
    hints: [hint],
  })
}
