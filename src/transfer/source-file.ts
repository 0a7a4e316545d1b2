import { open, type FileHandle } from 'node:fs/promises'
import { fstatSync, type BigIntStats } from 'node:fs'
import { resolve } from 'node:path'
import type { RandomAccessSource } from '../crypto/crypt4gh/reader.ts'
import { AppError } from '../util/errors.ts'
import { fileError } from '../util/file-errors.ts'
import type { FileIdentity } from './journal/journal-entry.ts'

/** A file that is being read for a transfer, and what it looked like when it was opened. */
export interface SourceFile {
  /** As it was named. */
  readonly path: string
  /** As a journal names it. */
  readonly absolutePath: string
  /** Bytes. */
  readonly size: number
  /** What it is recognised by later. */
  readonly identity: FileIdentity
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
    const stats = fstatSync(file.fd, { bigint: true })
    if (!stats.isFile()) {
      throw new AppError('FILE_UNREADABLE', `cannot read ${path}: it is not a regular file`)
    }
    const identity = identityOf(stats)
    return {
      path,
      absolutePath: resolve(path),
      size: identity.size,
      identity,
      fd: file.fd,
      file,
      refuseIfChanged: async () => {
        // Synchronous: this is asked for every part and small file, and answered from memory.
        if (isSameFile(identity, identityOf(fstatSync(file.fd, { bigint: true })))) return
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

/** What a file is recognised by in a journal. */
export function identityOf({ size, mtimeNs, ino }: BigIntStats): FileIdentity {
  return { size: Number(size), mtimeNs: String(mtimeNs), inode: String(ino) }
}

/** Whether it is the same file with, as far as its times tell, the same content. */
export function isSameFile(one: FileIdentity, other: FileIdentity): boolean {
  return one.size === other.size && one.mtimeNs === other.mtimeNs && one.inode === other.inode
}
