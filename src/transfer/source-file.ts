import { open, type FileHandle } from 'node:fs/promises'
import type { BigIntStats } from 'node:fs'
import type { RandomAccessSource } from '../crypto/crypt4gh/reader.ts'
import { AppError } from '../util/errors.ts'
import { fileError } from '../util/file-errors.ts'

/** A file that is being read for a transfer, and what it looked like when it was opened. */
export interface SourceFile {
  readonly path: string
  /** Bytes. */
  readonly size: number
  readonly fd: number
  readonly file: FileHandle
  /** @throws AppError FILE_CHANGED when it is not the file it was (size, mtime, inode). */
  refuseIfChanged(): Promise<void>
  close(): Promise<void>
}

/**
 * Opens a regular file for reading.
 *
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE
 */
export async function openSourceFile(path: string): Promise<SourceFile> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw fileError(error, 'read', path)
  })
  try {
    const before = await file.stat({ bigint: true })
    if (!before.isFile()) {
      throw new AppError('FILE_UNREADABLE', `cannot read ${path}: it is not a regular file`)
    }
    return {
      path,
      size: Number(before.size),
      fd: file.fd,
      file,
      refuseIfChanged: async () => {
        if (isSame(before, await file.stat({ bigint: true }))) return
        throw new AppError('FILE_CHANGED', `${path} changed while it was being read`, {
          hints: ['wait until nothing writes to it any more, then start again'],
        })
      },
      close: () => file.close(),
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

/** The file as a source to read at random from; throws FILE_CHANGED when it ends earlier than it did. */
export function randomAccess(source: SourceFile): RandomAccessSource {
  return {
    size: source.size,
    readAt: async (offset, length) => {
      const bytes = new Uint8Array(length)
      let filled = 0
      while (filled < length) {
        const { bytesRead } = await source.file.read(bytes, filled, length - filled, offset + filled)
        if (bytesRead === 0) {
          await source.refuseIfChanged()
          break
        }
        filled += bytesRead
      }
      return bytes.subarray(0, filled)
    },
  }
}

function isSame(before: BigIntStats, after: BigIntStats): boolean {
  return before.size === after.size && before.mtimeNs === after.mtimeNs && before.ino === after.ino
}
