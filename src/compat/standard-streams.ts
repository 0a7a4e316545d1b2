/** The reference tool reads stdin and writes stdout, and nothing else. */
import { createReadStream, fstatSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { AppError } from '../util/errors.ts'
import { errnoOf, fileError } from '../util/file-errors.ts'

/** Bytes read at once from a file. */
const CHUNK = 1024 ** 2

/** The bytes of stdin. Throws FILE_UNREADABLE. */
export async function* readStdin(): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of openStdin()) yield chunk
  } catch (error) {
    throw fileError(error, 'read', 'stdin')
  }
}

/** Of a file process.stdin takes 64 KiB at a time, which is most of what reading costs. */
function openStdin(): AsyncIterable<Uint8Array> {
  return fstatSync(0).isFile()
    ? createReadStream('', { fd: 0, autoClose: false, highWaterMark: CHUNK })
    : process.stdin
}

/**
 * Writes bytes to stdout; resolves when the system has taken all of them.
 *
 * @throws {@link AppError} DISK_FULL, OUTPUT_CLOSED, and whatever `bytes` throws; a hint says so when what was
 * written must be thrown away
 */
export async function writeStdout(bytes: AsyncIterable<Uint8Array>): Promise<void> {
  let written = 0
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      yield chunk
      written += chunk.length
    }
  }
  try {
    await pipeline(Readable.from(counted(), { objectMode: false }), process.stdout, { end: false })
  } catch (error) {
    const failure =
      errnoOf(error) === 'EPIPE'
        ? new AppError('OUTPUT_CLOSED', 'the reader of the output went away', { cause: error })
        : fileError(error, 'write', 'stdout')
    if (written === 0 || !(failure instanceof AppError)) throw failure
    const hints = [...failure.hints, 'what was written to stdout is incomplete: throw it away']
    throw new AppError(failure.code, failure.message, { hints, cause: error })
  }
}

/** Tells the person something that is no failure. */
export function warn(message: string): void {
  process.stderr.write(`warning: ${message}\n`)
}
