import { createReadStream } from 'node:fs'
import { AppError } from '../util/errors.ts'
import { fileError } from '../util/file-errors.ts'
import { createPartialFile } from '../util/partial-file.ts'
import { writeStream } from '../util/write-stream.ts'

/** What stands for stdin as an input and stdout as an output. */
export const STANDARD_STREAM = '-'

/** The ending of Crypt4GH files. */
const SUFFIX = '.c4gh'

/** Bytes read at once. */
const CHUNK = 1024 ** 2

/** The bytes of a file, or of stdin. Throws FILE_NOT_FOUND, FILE_UNREADABLE on reading. */
export async function* readInput(
  name: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const source = name === STANDARD_STREAM ? process.stdin : createReadStream(name, { highWaterMark: CHUNK })
  const stop = (): void => {
    source.destroy(signal.reason instanceof Error ? signal.reason : undefined)
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    signal.throwIfAborted()
    for await (const chunk of source as AsyncIterable<Uint8Array>) yield chunk
  } catch (error) {
    throw fileError(error, 'read', name)
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/**
 * Writes bytes to stdout as they come, or to a file that gets its name when all are written; gives their number.
 *
 * Throws FILE_EXISTS, FILE_NOT_FOUND, FILE_UNREADABLE, DISK_FULL, and whatever `bytes` throws. After a failure the file
 * is gone; what went to stdout can't be taken back, and the error says so.
 */
export async function writeOutput(
  name: string,
  bytes: AsyncIterable<Uint8Array>,
  options: { replace: boolean },
): Promise<number> {
  return name === STANDARD_STREAM
    ? writeStream(bytes, process.stdout)
    : writeFile(name, bytes, options.replace)
}

async function writeFile(name: string, bytes: AsyncIterable<Uint8Array>, replace: boolean): Promise<number> {
  const partial = await createPartialFile(name, { replace })
  try {
    let written = 0
    for await (const chunk of bytes) {
      await partial.writeAt(chunk, written)
      written += chunk.length
    }
    await partial.finish()
    return written
  } catch (error) {
    throw fileError(error, 'write', name)
  } finally {
    await partial.discard()
  }
}

/** Where encrypted bytes go when nothing else was said: beside the input, or stdout for stdin. */
export function encryptedName(input: string): string {
  return input === STANDARD_STREAM ? STANDARD_STREAM : `${input}${SUFFIX}`
}

/** The same for decrypted ones. Throws USAGE for a file whose name does not end in `.c4gh`. */
export function decryptedName(input: string): string {
  if (input === STANDARD_STREAM) return STANDARD_STREAM
  if (input.endsWith(SUFFIX) && input.length > SUFFIX.length) return input.slice(0, -SUFFIX.length)
  throw new AppError('USAGE', `cannot tell the output's name from ${input}: it does not end in ${SUFFIX}`, {
    hints: ['give --output FILE, or --output - for stdout'],
  })
}

/** A range of a plaintext is read without what is before it, which stdin can't do. Throws USAGE. */
export function checkRandomAccess(name: string): void {
  if (name !== STANDARD_STREAM) return
  throw new AppError('USAGE', 'stdin cannot be read at random, a range needs a file', {
    hints: ['give the name of the file instead of -'],
  })
}

/** Where a part or a new version of a file goes: it has no obvious name. Throws USAGE when it is from a file and was not named. */
export function newVersionName(input: string, output: string | undefined): string {
  if (output !== undefined) return output
  if (input === STANDARD_STREAM) return STANDARD_STREAM
  throw new AppError('USAGE', `no output was named for ${input}`, {
    hints: ['give --output FILE, or --output - for stdout'],
  })
}

/** For commands whose bytes always go to stdout: not with --json, and not to a terminal unless forced. Throws USAGE. */
export function checkStdout(options: { json: boolean; force: boolean }): void {
  if (options.json) {
    throw new AppError('USAGE', 'with --json stdout carries the result, and the bytes have no other way', {
      hints: ['leave --json out'],
    })
  }
  if (process.stdout.isTTY && !options.force) {
    throw new AppError('USAGE', 'stdout is a terminal, which the bytes of a file may upset', {
      hints: ['send stdout to a file or another command, or give --force'],
    })
  }
}

/** --json and the bytes themselves can't both have stdout; sealed bytes would upset a terminal. Throws USAGE. */
export function checkOutput(name: string, options: { json: boolean; binary: boolean }): void {
  if (name !== STANDARD_STREAM) return
  if (options.json) {
    throw new AppError('USAGE', 'with --json stdout carries the result, so the bytes need a file', {
      hints: ['give --output FILE'],
    })
  }
  if (options.binary && process.stdout.isTTY) {
    throw new AppError('USAGE', 'encrypted bytes are nothing for a terminal', {
      hints: ['give --output FILE, or send stdout to a file or another command'],
    })
  }
}
