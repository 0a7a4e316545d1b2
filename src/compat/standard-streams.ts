/** The reference tool reads stdin and writes stdout, and nothing else. */
import { createReadStream, fstatSync } from 'node:fs'
import { AppError } from '../util/errors.ts'
import { errnoOf, fileError } from '../util/file-errors.ts'
import { writeStream } from '../util/write-stream.ts'

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
  await writeStream(bytes, process.stdout, (error) =>
    errnoOf(error) === 'EPIPE'
      ? new AppError('OUTPUT_CLOSED', 'the reader of the output went away', { cause: error })
      : fileError(error, 'write', 'stdout'),
  )
}

/** Tells the person something that is no failure. */
export function warn(message: string): void {
  process.stderr.write(`warning: ${message}\n`)
}
