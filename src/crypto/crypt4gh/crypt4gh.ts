/** Whole Crypt4GH files as streams: header, then segments (crypt4gh.tex §2). */
import type { KeyPair } from '../keys/key-pair.ts'
import { parseDetachedHeader, readHeader } from './header.ts'
import { openHeader } from './open-header.ts'
import { sealHeader } from './seal-header.ts'
import { newDataKey } from './segment.ts'
import { openStream, sealStream } from './segments.ts'
import { requireSender } from './sender.ts'

export interface EncryptOptions {
  /** Writes the header packets; without one an ephemeral key pair does, which is the default for a reason. */
  sender?: KeyPair | undefined
}

/**
 * Encrypts a stream for every recipient, under a fresh data key. The header comes first, so that a bad
 * recipient fails before anything is read.
 *
 * @throws {@link AppError} INVALID_KEY, USAGE as {@link sealHeader}
 */
export async function* encryptStream(
  plaintext: AsyncIterable<Uint8Array>,
  recipients: readonly Uint8Array[],
  options: EncryptOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const dataKey = newDataKey()
  try {
    yield await sealHeader({ dataKeys: [dataKey] }, recipients, options.sender)
    yield* sealStream(plaintext, dataKey)
  } finally {
    dataKey.fill(0)
  }
}

export interface DecryptOptions {
  /** Insists that one of these public keys wrote every packet that opens for us. */
  senders?: readonly Uint8Array[] | undefined
  /** A detached header; the stream is then the body alone. */
  header?: Uint8Array | undefined
}

/**
 * Decrypts a stream with whichever identity opens it, and applies its edit list. What was given out
 * before an error is authentic but not the whole file: callers must not take it for one.
 *
 * @throws {@link AppError} NOT_CRYPT4GH, INVALID_HEADER, NO_MATCHING_KEY, UNEXPECTED_SENDER, AUTHENTICATION_FAILED
 */
export async function* decryptStream(
  ciphertext: AsyncIterable<Uint8Array>,
  identities: readonly KeyPair[],
  options: DecryptOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const detached = options.header === undefined ? undefined : parseDetachedHeader(options.header)
  const { header, rest, close } = detached
    ? { header: detached, rest: ciphertext, close: undefined }
    : await readHeader(ciphertext)
  try {
    const opened = await openHeader(header, identities)
    try {
      if (options.senders !== undefined) requireSender(opened, options.senders)
      yield* openStream(rest, opened)
    } finally {
      for (const dataKey of opened.dataKeys) dataKey.fill(0)
    }
  } finally {
    await close?.()
  }
}
