import { decryptStream } from '../crypto/crypt4gh/crypt4gh.ts'
import { openHeader, type OpenedHeader } from '../crypto/crypt4gh/open-header.ts'
import { openBody } from '../crypto/crypt4gh/reader.ts'
import { parseDetachedHeader } from '../crypto/crypt4gh/header.ts'
import { requireSender } from '../crypto/crypt4gh/sender.ts'
import { plaintextBodySize } from '../crypto/crypt4gh/sizes.ts'
import { fingerprint } from '../crypto/keys/fingerprint.ts'
import type { KeyPair } from '../crypto/keys/key-pair.ts'
import { openFile, readFileHeader } from '../transfer/local-file.ts'
import { startSegmentEngine, threadsFor } from '../transfer/segment-engine.ts'
import { openSourceFile, randomAccess, type SourceFile } from '../transfer/source-file.ts'
import { rangeWithin, type RequestedRange } from '../util/byte-range.ts'
import { fileError } from '../util/file-errors.ts'
import { createPartialFile, type PartialFile } from '../util/partial-file.ts'
import { readDetachedHeader } from './detached-header.ts'
import { inFile } from './in-file.ts'

/** Who may open what, wherever it comes from. */
export interface OpenRequest {
  identities: readonly KeyPair[]
  /** Public keys, one of which must have written every packet that opens for us; anybody's may when absent. */
  senders?: readonly Uint8Array[] | undefined
  /** Where the header is when it is kept apart from the body. */
  headerFile?: string | undefined
}

/** A file to open, and what of it is wanted. */
export interface OpenFileRequest extends OpenRequest {
  input: string
  /** Bytes of the plaintext, which must reach that far; everything when absent. */
  range?: RequestedRange | undefined
  signal?: AbortSignal | undefined
}

export interface DecryptFileRequest extends OpenFileRequest {
  output: string
  /** Replace the output when it exists. */
  force: boolean
  onBytes?: ((count: number, total: number) => void) | undefined
}

export interface DecryptFileResult {
  output: string
  /** Bytes written. */
  plaintextSize: number
  /** Fingerprints of the sender keys the header names; proof of origin only when you know the key. */
  senders: string[]
  seconds: number
}

/**
 * Decrypts a local file, or a range of it: then only the segments that hold it are read. The output gets its name when
 * the last segment was authenticated.
 *
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, FILE_EXISTS, NOT_CRYPT4GH, INVALID_HEADER, NO_MATCHING_KEY,
 * UNEXPECTED_SENDER, INVALID_RANGE, AUTHENTICATION_FAILED, DISK_FULL
 */
export async function decryptFile(request: DecryptFileRequest): Promise<DecryptFileResult> {
  const started = performance.now()
  const file = await openEncryptedFile(request)
  try {
    const { editList } = file.opened
    const plaintextSize =
      editList === undefined && request.range === undefined
        ? await decryptWhole(file, request)
        : await decryptPieces(file, request)
    return {
      output: request.output,
      plaintextSize,
      senders: file.opened.senders.map(fingerprint),
      seconds: (performance.now() - started) / 1000,
    }
  } catch (error) {
    throw inFile(error, request.input)
  } finally {
    await file.close()
  }
}

/**
 * A range of a local file as a stream. What comes out is authenticated, but a failure may still follow.
 *
 * @throws AppError as decryptFile, but for what concerns the output
 */
export async function* decryptRange(request: OpenFileRequest): AsyncGenerator<Uint8Array, void, undefined> {
  const file = await openEncryptedFile(request)
  try {
    yield* piecesOf(file, request).pieces
  } catch (error) {
    throw inFile(error, request.input)
  } finally {
    await file.close()
  }
}

/** Decrypts a stream. What comes out is authenticated, but a failure may still follow: the whole is good only at its end. */
export async function* decryptInput(
  input: AsyncIterable<Uint8Array>,
  { identities, senders, headerFile }: OpenRequest,
): AsyncGenerator<Uint8Array, void, undefined> {
  const header = headerFile === undefined ? undefined : await readDetachedHeader(headerFile)
  yield* decryptStream(input, identities, { senders, header })
}

/** A file whose header was opened. */
interface EncryptedFile {
  source: SourceFile
  /** Bytes of the file before the first segment. */
  bodyStart: number
  opened: OpenedHeader
  /** Closes the file and wipes its data keys. */
  close(): Promise<void>
}

async function openEncryptedFile(request: OpenFileRequest): Promise<EncryptedFile> {
  const { input, identities, senders, headerFile } = request
  const detached = headerFile === undefined ? undefined : await readDetachedHeader(headerFile)
  const source = await openSourceFile(input)
  try {
    const header = detached === undefined ? await readFileHeader(source) : parseDetachedHeader(detached)
    const opened = await openHeader(header, identities)
    if (senders !== undefined) requireSender(opened, senders)
    const close = async (): Promise<void> => {
      for (const dataKey of opened.dataKeys) dataKey.fill(0)
      await source.close()
    }
    return { source, bodyStart: detached === undefined ? header.length : 0, opened, close }
  } catch (error) {
    await source.close()
    throw inFile(error, headerFile ?? input)
  }
}

async function decryptWhole(file: EncryptedFile, request: DecryptFileRequest): Promise<number> {
  const { source, bodyStart, opened } = file
  const expectedSize = plaintextBodySize(source.size - bodyStart)
  const threads = threadsFor(source.size)
  const engine = startSegmentEngine(source.size, threads)
  try {
    return await intoOutput(request, expectedSize, (partial) =>
      openFile(source, bodyStart, opened, partial, {
        engine,
        concurrency: Math.max(1, threads),
        onBytes: (count) => request.onBytes?.(count, source.size),
        signal: request.signal,
      }),
    )
  } finally {
    await engine.close()
  }
}

/** With an edit list, or for a range, the stored plaintext is not what is wanted: segment by segment what is. */
async function decryptPieces(file: EncryptedFile, request: DecryptFileRequest): Promise<number> {
  const { length, pieces } = piecesOf(file, request)
  return intoOutput(request, length, async (partial) => {
    let written = 0
    for await (const piece of pieces) {
      await partial.writeAt(piece, written)
      written += piece.length
      request.onBytes?.(piece.length, length)
    }
    return written
  })
}

function piecesOf(
  { source, bodyStart, opened }: EncryptedFile,
  { range, signal }: OpenFileRequest,
): { length: number; pieces: AsyncGenerator<Uint8Array, void, undefined> } {
  const reader = openBody(randomAccess(source), bodyStart, opened)
  const { offset, length } = rangeWithin(range ?? { offset: 0, length: undefined }, reader.size)
  async function* pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of reader.stream(offset, length)) {
      signal?.throwIfAborted()
      yield piece
    }
    await source.refuseIfChanged()
  }
  return { length, pieces: pieces() }
}

async function intoOutput(
  { output, force }: DecryptFileRequest,
  expectedSize: number,
  write: (partial: PartialFile) => Promise<number>,
): Promise<number> {
  const partial = await createPartialFile(output, { replace: force, expectedSize })
  try {
    const size = await write(partial)
    await partial.finish()
    return size
  } catch (error) {
    throw fileError(error, 'write', output)
  } finally {
    await partial.discard()
  }
}
