import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { link, lstat, open, rename, rm, statfs, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AppError } from './errors.ts'
import { errnoOf, fileError } from './file-errors.ts'

/**
 * A file that appears under its final name only when it is whole: it is written beside it under a hidden name,
 * synced, and renamed. Readable by its owner alone (mode 0600), because what we write is often plaintext.
 */
export interface PartialFile {
  readonly file: FileHandle
  /** Writes all the bytes there, however many calls that takes. */
  writeAt(bytes: Uint8Array, position: number): Promise<void>
  /**
   * Syncs it and gives it its final name.
   *
   * @throws AppError FILE_EXISTS when the name was taken and replacing was not allowed; the partial file is gone then
   */
  finish(): Promise<void>
  /** Removes what was written. Harmless after finish. */
  discard(): Promise<void>
}

export interface PartialFileOptions {
  /** Replace a file that has the final name. */
  replace: boolean
  /** Bytes it will have: refused at once when the file system has less room. */
  expectedSize?: number | undefined
}

/**
 * Creates the hidden file.
 *
 * @throws AppError FILE_EXISTS, DISK_FULL, FILE_NOT_FOUND (no such folder), FILE_UNREADABLE
 */
export async function createPartialFile(path: string, options: PartialFileOptions): Promise<PartialFile> {
  if (!options.replace) await refuseExisting(path)
  if (options.expectedSize !== undefined) await refuseFullDisk(path, options.expectedSize)
  const hidden = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}.partial`)
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const file = await open(hidden, flags, 0o600).catch((error: unknown) => {
    throw fileError(error, 'write', path)
  })
  const writeAt = async (bytes: Uint8Array, position: number): Promise<void> => {
    let written = 0
    while (written < bytes.length) {
      const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written)
      written += bytesWritten
    }
  }
  let closed = false
  const close = async (): Promise<void> => {
    if (closed) return
    closed = true
    await file.close()
  }
  const discard = async (): Promise<void> => {
    await close()
    await rm(hidden, { force: true })
  }
  const finish = async (): Promise<void> => {
    try {
      await file.sync()
      await close()
      await giveFinalName(hidden, path, options.replace)
    } catch (error) {
      await discard()
      throw fileError(error, 'write', path)
    }
    await syncFolder(dirname(path))
  }
  return { file, writeAt, finish, discard }
}

async function refuseExisting(path: string): Promise<void> {
  const exists = await lstat(path).then(
    () => true,
    (error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return false
      throw fileError(error, 'write', path)
    },
  )
  if (exists) throw fileExists(path)
}

async function refuseFullDisk(path: string, expectedSize: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(path)).catch((error: unknown) => {
    throw fileError(error, 'write', path)
  })
  const free = bavail * bsize
  if (free < expectedSize) {
    throw new AppError(
      'DISK_FULL',
      `cannot write ${path}: ${expectedSize} bytes are needed and ${free} are free`,
      {
        hints: ['free some space or quota there, or write to another file system'],
      },
    )
  }
}

/** link(2) fails where rename(2) would silently replace a file that appeared meanwhile. */
async function giveFinalName(hidden: string, path: string, replace: boolean): Promise<void> {
  if (replace) {
    await rename(hidden, path)
    return
  }
  try {
    await link(hidden, path)
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw fileExists(path)
    // File systems without hard links (exFAT, some network mounts): the check at the start must do.
    await refuseExisting(path)
    await rename(hidden, path)
    return
  }
  await rm(hidden)
}

/** Makes the new name itself durable; not every file system allows it, and the file's bytes are safe already. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY).catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}

function fileExists(path: string): AppError {
  return new AppError('FILE_EXISTS', `${path} exists already`, {
    hints: ['choose another name, or give --force to replace it'],
  })
}
