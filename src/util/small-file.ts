import { open } from 'node:fs/promises'
import { AppError } from './errors.ts'
import { fileError } from './file-errors.ts'

/** Keys, address books and the like have a few hundred bytes; anything much larger is some other file. */
const SMALL_FILE_LIMIT = 64 * 1024

/**
 * Reads a whole file that must be small.
 *
 * @param doing - what for, such as `read the identity`
 * @param limit - bytes
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, USAGE when it is larger than the limit
 */
export async function readSmallFile(
  path: string,
  doing: string,
  limit: number = SMALL_FILE_LIMIT,
): Promise<Uint8Array> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw fileError(error, doing, path)
  })
  try {
    const buffer = new Uint8Array(limit + 1)
    let filled = 0
    for (;;) {
      const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, null)
      filled += bytesRead
      if (bytesRead === 0) return buffer.slice(0, filled)
      if (filled > limit) {
        throw new AppError('USAGE', `cannot ${doing} ${path}: it has more than ${limit} bytes`, {
          hints: ['is this the file you meant?'],
        })
      }
    }
  } catch (error) {
    throw fileError(error, doing, path)
  } finally {
    await file.close()
  }
}
