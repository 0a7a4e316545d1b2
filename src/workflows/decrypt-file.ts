import { decryptStream } from '../crypto/crypt4gh/crypt4gh.ts'
import { openHeader, type OpenedHeader } from '../crypto/crypt4gh/open-header.ts'
import { openStream } from '../crypto/crypt4gh/segments.ts'
import type { Header } from '../crypto/crypt4gh/header.ts'
import { plaintextBodySize } from '../crypto/crypt4gh/sizes.ts'
import { fingerprint } from '../crypto/keys/fingerprint.ts'
import type { KeyPair } from '../crypto/keys/key-pair.ts'
import { openFile, readFileHeader } from '../transfer/local-file.ts'
import { startSegmentEngine, threadsFor } from '../transfer/segment-engine.ts'
import { openSourceFile, type SourceFile } from '../transfer/source-file.ts'
import { AppError } from '../util/errors.ts'
import { fileError } from '../util/file-errors.ts'
import { createPartialFile, type PartialFile } from '../util/partial-file.ts'

export interface DecryptFileRequest {
  input: string
  output: string
  identities: readonly KeyPair[]
  /** Replace the output when it exists. */
  force: boolean
  onBytes?: ((count: number, total: number) => void) | undefined
  signal?: AbortSignal | undefined
}

export interface DecryptFileResult {
  output: string
  plaintextSize: number
  /** Fingerprints of the sender keys the header names; proof of origin only when you know the key. */
  senders: string[]
  seconds: number
}

/**
 * Decrypts a local file. The output gets its name when the last segment was authenticated.
 *
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, FILE_EXISTS, NOT_CRYPT4GH, INVALID_HEADER, NO_MATCHING_KEY,
 * AUTHENTICATION_FAILED, DISK_FULL
 */
export async function decryptFile(request: DecryptFileRequest): Promise<DecryptFileResult> {
  const started = performance.now()
  const source = await openSourceFile(request.input)
  try {
    const header = await readFileHeader(source)
    const opened = await openHeader(header, request.identities)
    const plaintextSize = await decryptBody(source, header, opened, request)
    return {
      output: request.output,
      plaintextSize,
      senders: opened.senders.map(fingerprint),
      seconds: (performance.now() - started) / 1000,
    }
  } catch (error) {
    throw inFile(error, request.input)
  } finally {
    await source.close()
  }
}

/** Decrypts a stream. What comes out is authenticated, but a failure may still follow: the whole is good only at its end. */
export function decryptInput(
  input: AsyncIterable<Uint8Array>,
  identities: readonly KeyPair[],
): AsyncIterable<Uint8Array> {
  return decryptStream(input, identities)
}

async function decryptBody(
  source: SourceFile,
  header: Header,
  opened: OpenedHeader,
  request: DecryptFileRequest,
): Promise<number> {
  const stored = plaintextBodySize(source.size - header.length)
  const threads = threadsFor(opened.editList === undefined ? source.size : 0)
  const engine = startSegmentEngine(source.size, threads)
  const options = {
    engine,
    concurrency: Math.max(1, threads),
    onBytes: (count: number) => request.onBytes?.(count, source.size),
    signal: request.signal,
  }
  try {
    const expectedSize = opened.editList === undefined ? stored : undefined
    const partial = await createPartialFile(request.output, { replace: request.force, expectedSize })
    let size: number
    try {
      size =
        opened.editList === undefined
          ? await openFile(source, header, opened, partial, options)
          : await openEdited(source, header, opened, partial, request.signal)
    } catch (error) {
      await partial.discard()
      throw fileError(error, 'write', request.output)
    }
    await partial.finish()
    return size
  } finally {
    for (const dataKey of opened.dataKeys) dataKey.fill(0)
    await engine.close()
  }
}

/** With an edit list the stored plaintext is not what is wanted: one pass from the front, cut as the list says. */
async function openEdited(
  source: SourceFile,
  header: Header,
  opened: OpenedHeader,
  into: PartialFile,
  signal: AbortSignal | undefined,
): Promise<number> {
  const body = source.file.createReadStream({
    start: header.length,
    highWaterMark: 1024 ** 2,
    autoClose: false,
    ...(signal && { signal }),
  }) as AsyncIterable<Uint8Array>
  let written = 0
  for await (const plaintext of openStream(body, opened)) {
    await into.writeAt(plaintext, written)
    written += plaintext.length
  }
  await source.refuseIfChanged()
  return written
}

/** Says which file it was; the layers below know only bytes. */
function inFile(error: unknown, path: string): unknown {
  if (!(error instanceof AppError) || error.message.includes(path)) return error
  return new AppError(error.code, `${path}: ${error.message}`, { hints: error.hints, cause: error })
}
