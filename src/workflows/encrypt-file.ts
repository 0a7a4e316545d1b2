import { sealHeader } from '../crypto/crypt4gh/seal-header.ts'
import { newDataKey } from '../crypto/crypt4gh/segment.ts'
import { encryptStream } from '../crypto/crypt4gh/crypt4gh.ts'
import { encryptedBodySize } from '../crypto/crypt4gh/sizes.ts'
import type { KeyPair } from '../crypto/keys/key-pair.ts'
import { sealFile } from '../transfer/local-file.ts'
import { startSegmentEngine, threadsFor } from '../transfer/segment-engine.ts'
import { openSourceFile, type SourceFile } from '../transfer/source-file.ts'
import { rangeOfStream, rangeWithin, type RequestedRange } from '../util/byte-range.ts'
import { fileError } from '../util/file-errors.ts'
import { createPartialFile, type PartialFile } from '../util/partial-file.ts'
import { detachHeader, writeDetachedHeader } from './detached-header.ts'
import { inFile } from './in-file.ts'
import { plaintextOnly, refuseEncrypted } from './refuse-encrypted.ts'
import { namesOf, requireRecipients, type Recipient, type RecipientName } from './recipients.ts'

/** How something is sealed, wherever it comes from. */
export interface SealRequest {
  recipients: readonly Recipient[]
  /** An own key pair as the sender; an ephemeral one when absent. */
  sender?: KeyPair | undefined
  /** What to encrypt of the input, which must reach that far; everything when absent. */
  range?: RequestedRange | undefined
  /** Where the header goes when it shall be kept apart from the body. */
  headerFile?: string | undefined
  output: string
  /** Replace the output, and the header's file, when they exist. */
  force: boolean
  encryptAgain?: boolean | undefined
}

export interface EncryptFileRequest extends SealRequest {
  input: string
  onBytes?: ((count: number, total: number) => void) | undefined
  signal?: AbortSignal | undefined
}

export interface EncryptFileResult {
  output: string
  /** Where the header is when it is kept apart. */
  headerFile?: string | undefined
  plaintextSize: number
  /** Bytes of the output: without the header when that is kept apart. */
  encryptedSize: number
  recipients: RecipientName[]
  seconds: number
}

/**
 * Encrypts a local file for its recipients. The output gets its name when it is whole.
 *
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, FILE_EXISTS, FILE_CHANGED, ALREADY_ENCRYPTED, DISK_FULL,
 * INVALID_RANGE
 */
export async function encryptFile(request: EncryptFileRequest): Promise<EncryptFileResult> {
  const started = performance.now()
  const { input, output, recipients, headerFile } = request
  const publicKeys = requireRecipients(recipients).map(({ publicKey }) => publicKey)
  const source = await openSourceFile(input)
  const dataKey = newDataKey()
  try {
    if (request.encryptAgain !== true) refuseEncrypted(source)
    const range = rangeWithin(request.range ?? { offset: 0, length: undefined }, source.size)
    const header = await sealHeader({ dataKeys: [dataKey] }, publicKeys, request.sender)
    const encryptedSize = await sealTo(source, range, header, dataKey, request)
    return {
      output,
      ...(headerFile === undefined ? {} : { headerFile }),
      plaintextSize: range.length,
      encryptedSize,
      recipients: namesOf(recipients),
      seconds: (performance.now() - started) / 1000,
    }
  } catch (error) {
    throw inFile(error, input)
  } finally {
    dataKey.fill(0)
    await source.close()
  }
}

async function sealTo(
  source: SourceFile,
  range: { offset: number; length: number },
  header: Uint8Array,
  dataKey: Uint8Array,
  request: EncryptFileRequest,
): Promise<number> {
  const { output, headerFile, force } = request
  const leading = headerFile === undefined ? header : new Uint8Array()
  const expectedSize = leading.length + encryptedBodySize(range.length)
  const threads = threadsFor(range.length)
  const engine = startSegmentEngine(range.length, threads)
  const partials: PartialFile[] = []
  try {
    // The header first: no body appears without it.
    if (headerFile !== undefined) {
      partials.push(await writeDetachedHeader(headerFile, header, output, force))
    }
    const partial = await createPartialFile(output, { replace: force, expectedSize })
    partials.push(partial)
    await sealFile(source, leading, dataKey, partial, {
      engine,
      concurrency: Math.max(1, threads),
      range,
      onBytes: (count) => request.onBytes?.(count, range.length),
      signal: request.signal,
    })
    for (const written of partials) await written.finish()
    return expectedSize
  } catch (error) {
    throw fileError(error, 'write', output)
  } finally {
    for (const written of partials) await written.discard()
    await engine.close()
  }
}

/**
 * Encrypts a stream; what comes out may be sent on at once, all of it is sealed.
 *
 * @param name - what the input is called in an error
 * @throws AppError ALREADY_ENCRYPTED (when read), unless `encryptAgain`; USAGE without recipients; INVALID_RANGE when
 * the input ends before the range does; with a header of its own what detachHeader throws
 */
export function encryptInput(
  input: AsyncIterable<Uint8Array>,
  request: SealRequest,
  name: string,
): AsyncIterable<Uint8Array> {
  const { range, sender, headerFile, output, force } = request
  const plaintext = request.encryptAgain === true ? input : plaintextOnly(input, name)
  const wanted = range === undefined ? plaintext : rangeOfStream(plaintext, range)
  const publicKeys = requireRecipients(request.recipients).map(({ publicKey }) => publicKey)
  const sealed = encryptStream(wanted, publicKeys, { sender })
  return headerFile === undefined ? sealed : detachHeader(sealed, headerFile, output, force)
}
