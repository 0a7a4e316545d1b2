import { resolve } from 'node:path'
import { openHeader, type OpenedHeader } from '../crypto/crypt4gh/open-header.ts'
import { openBody } from '../crypto/crypt4gh/reader.ts'
import { encryptStream } from '../crypto/crypt4gh/crypt4gh.ts'
import type { KeyPair } from '../crypto/keys/key-pair.ts'
import { readFileHeader } from '../transfer/local-file.ts'
import { openSourceFile, randomAccess, type SourceFile } from '../transfer/source-file.ts'
import { AppError } from '../util/errors.ts'
import { fileError } from '../util/file-errors.ts'
import { createPartialFile } from '../util/partial-file.ts'
import { inFile } from './in-file.ts'
import { namesOf, requireRecipients, type Recipient, type RecipientName } from './recipients.ts'

export interface RekeyRequest {
  input: string
  /** Where the new file goes; it takes the place of the input when absent. */
  output?: string | undefined
  identities: readonly KeyPair[]
  /** Everybody who shall read the new file. */
  recipients: readonly Recipient[]
  /** An own key pair as the sender; an ephemeral one when absent. */
  sender?: KeyPair | undefined
  /** Replace an output other than the input when it exists. */
  force: boolean
  onBytes?: ((count: number, total: number) => void) | undefined
  signal?: AbortSignal | undefined
}

export interface RekeyedFile {
  output: string
  /** Bytes of plaintext. */
  plaintextSize: number
  /** Bytes of the new file. */
  size: number
  recipients: RecipientName[]
  /** Header packets of the old file that no identity opened: their readers are out unless named again. */
  otherPackets: number
  seconds: number
}

/**
 * Encrypts a local file anew: another data key, another body. Those who are no longer among its recipients can't read
 * the new file, whatever they kept of the old one. Every segment is authenticated on the way, and the file gets its
 * name when the last one is written.
 *
 * @throws AppError USAGE without recipients, or when the file would be replaced by one that we can't open; FILE_NOT_FOUND,
 * FILE_UNREADABLE, FILE_EXISTS, FILE_CHANGED, NOT_CRYPT4GH, INVALID_HEADER, NO_MATCHING_KEY, AUTHENTICATION_FAILED, DISK_FULL
 */
export async function rekeyFile(request: RekeyRequest): Promise<RekeyedFile> {
  const started = performance.now()
  const recipients = requireRecipients(request.recipients)
  const { input, output = input, identities } = request
  const source = await openSourceFile(input)
  try {
    const header = await readFileHeader(source)
    const opened = await openHeader(header, identities)
    try {
      const inPlace = resolve(output) === resolve(input)
      if (inPlace) refuseLockout(input, opened, recipients)
      const sizes = await writeAnew(source, header.length, opened, output, inPlace || request.force, request)
      return {
        output,
        ...sizes,
        recipients: namesOf(recipients),
        otherPackets: opened.unopened.length,
        seconds: (performance.now() - started) / 1000,
      }
    } finally {
      for (const dataKey of opened.dataKeys) dataKey.fill(0)
    }
  } catch (error) {
    throw inFile(error, input)
  } finally {
    await source.close()
  }
}

async function writeAnew(
  source: SourceFile,
  bodyStart: number,
  opened: OpenedHeader,
  output: string,
  replace: boolean,
  { recipients, sender, onBytes, signal }: RekeyRequest,
): Promise<{ plaintextSize: number; size: number }> {
  const reader = openBody(randomAccess(source), bodyStart, opened)
  async function* plaintext(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of reader.stream(0)) {
      signal?.throwIfAborted()
      yield piece
      onBytes?.(piece.length, reader.size)
    }
  }
  const publicKeys = recipients.map(({ publicKey }) => publicKey)
  const partial = await createPartialFile(output, { replace, expectedSize: reader.size })
  try {
    let size = 0
    for await (const chunk of encryptStream(plaintext(), publicKeys, { sender })) {
      await partial.writeAt(chunk, size)
      size += chunk.length
    }
    await source.refuseIfChanged()
    // Encrypted as before: whoever could read the ciphertext may still.
    const { mode } = await source.file.stat()
    await partial.file.chmod(mode & 0o777)
    await partial.finish()
    return { plaintextSize: reader.size, size }
  } catch (error) {
    throw fileError(error, 'write', output)
  } finally {
    await partial.discard()
  }
}

function refuseLockout(input: string, { readers }: OpenedHeader, recipients: readonly Recipient[]): void {
  const stays = readers.some((own) =>
    recipients.some(({ publicKey }) => Buffer.compare(own, publicKey) === 0),
  )
  if (stays) return
  throw new AppError('USAGE', `with these recipients you could no longer open ${input}`, {
    hints: ['name your own public key with --to as well, or write another file with --output'],
  })
}
