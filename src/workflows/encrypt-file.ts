import { sealHeader } from '../crypto/crypt4gh/seal-header.ts'
import { newDataKey } from '../crypto/crypt4gh/segment.ts'
import { encryptStream } from '../crypto/crypt4gh/crypt4gh.ts'
import { encryptedBodySize, sealedHeaderSize } from '../crypto/crypt4gh/sizes.ts'
import { sealFile } from '../transfer/local-file.ts'
import { startSegmentEngine, threadsFor } from '../transfer/segment-engine.ts'
import { openSourceFile } from '../transfer/source-file.ts'
import { AppError } from '../util/errors.ts'
import { fileError } from '../util/file-errors.ts'
import { createPartialFile } from '../util/partial-file.ts'
import { plaintextOnly, refuseEncrypted } from './refuse-encrypted.ts'
import type { Recipient } from './recipients.ts'

export interface EncryptFileRequest {
  input: string
  output: string
  recipients: readonly Recipient[]
  /** Replace the output when it exists. */
  force: boolean
  encryptAgain?: boolean | undefined
  onBytes?: ((count: number, total: number) => void) | undefined
  signal?: AbortSignal | undefined
}

export interface EncryptFileResult {
  output: string
  plaintextSize: number
  encryptedSize: number
  recipients: { name: string; fingerprint: string }[]
  seconds: number
}

/**
 * Encrypts a local file for its recipients. The output gets its name when it is whole.
 *
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, FILE_EXISTS, FILE_CHANGED, ALREADY_ENCRYPTED, DISK_FULL
 */
export async function encryptFile(request: EncryptFileRequest): Promise<EncryptFileResult> {
  const started = performance.now()
  const { input, output, recipients } = request
  const publicKeys = recipientKeys(recipients)
  const source = await openSourceFile(input)
  const threads = threadsFor(source.size)
  const engine = startSegmentEngine(source.size, threads)
  const dataKey = newDataKey()
  try {
    if (request.encryptAgain !== true) await refuseEncrypted(source)
    const expectedSize = sealedHeaderSize(publicKeys.length) + encryptedBodySize(source.size)
    const partial = await createPartialFile(output, { replace: request.force, expectedSize })
    try {
      const header = await sealHeader({ dataKeys: [dataKey] }, publicKeys)
      await sealFile(source, header, dataKey, partial, {
        engine,
        concurrency: Math.max(1, threads),
        onBytes: (count) => request.onBytes?.(count, source.size),
        signal: request.signal,
      })
    } catch (error) {
      await partial.discard()
      throw fileError(error, 'write', output)
    }
    await partial.finish()
    return {
      output,
      plaintextSize: source.size,
      encryptedSize: expectedSize,
      recipients: recipients.map(({ name, fingerprint }) => ({ name, fingerprint })),
      seconds: (performance.now() - started) / 1000,
    }
  } finally {
    dataKey.fill(0)
    await engine.close()
    await source.close()
  }
}

/**
 * Encrypts a stream; what comes out may be sent on at once, all of it is sealed.
 *
 * @param name - what the input is called in an error
 * @throws AppError ALREADY_ENCRYPTED (when read), unless `encryptAgain`; USAGE without recipients
 */
export function encryptInput(
  input: AsyncIterable<Uint8Array>,
  recipients: readonly Recipient[],
  name: string,
  encryptAgain = false,
): AsyncIterable<Uint8Array> {
  return encryptStream(encryptAgain ? input : plaintextOnly(input, name), recipientKeys(recipients))
}

/**
 * The public keys to seal for.
 *
 * @throws AppError USAGE when there is none
 */
function recipientKeys(recipients: readonly Recipient[]): Uint8Array[] {
  if (recipients.length > 0) return recipients.map(({ publicKey }) => publicKey)
  throw new AppError('USAGE', 'nobody was named who could open the data', {
    hints: ['name the recipients with --to FILE or --to @csc-sd'],
  })
}
