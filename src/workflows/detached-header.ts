import { resolve } from 'node:path'
import { HEADER_LIMITS } from '../crypto/crypt4gh/format.ts'
import { readHeader } from '../crypto/crypt4gh/header.ts'
import { AppError } from '../util/errors.ts'
import { createPartialFile, type PartialFile } from '../util/partial-file.ts'
import { readSmallFile } from '../util/small-file.ts'

/**
 * Reads a header that is kept apart from its body.
 *
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, USAGE when it is larger than any header
 */
export function readDetachedHeader(path: string): Promise<Uint8Array> {
  return readSmallFile(path, 'read the header', HEADER_LIMITS.headerLength)
}

/**
 * Writes a header under a hidden name; it gets its own with `finish`, which comes before the body gets its: no body
 * appears without its header.
 *
 * @param output - where the body goes
 * @throws AppError USAGE when both shall have one name; FILE_EXISTS, DISK_FULL, FILE_NOT_FOUND, FILE_UNREADABLE
 */
export async function writeDetachedHeader(
  path: string,
  header: Uint8Array,
  output: string,
  replace: boolean,
): Promise<PartialFile> {
  if (resolve(path) === resolve(output)) {
    throw new AppError('USAGE', `the header and the body cannot both be written to ${path}`)
  }
  const partial = await createPartialFile(path, { replace, expectedSize: header.length })
  try {
    await partial.writeAt(header, 0)
  } catch (error) {
    await partial.discard()
    throw error
  }
  return partial
}

/** Takes the header off a Crypt4GH stream into a file of its own, and gives the body. Throws as writeDetachedHeader. */
export async function* detachHeader(
  sealed: AsyncIterable<Uint8Array>,
  path: string,
  output: string,
  replace: boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { bytes, rest, close } = await readHeader(sealed)
  try {
    const partial = await writeDetachedHeader(path, bytes, output, replace)
    try {
      yield* rest
      await partial.finish()
    } finally {
      await partial.discard()
    }
  } finally {
    await close()
  }
}
