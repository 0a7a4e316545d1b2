import { randomBytes } from 'node:crypto'
import { constants, type BigIntStats } from 'node:fs'
import { link, lstat, open, rename, rm, statfs, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AppError } from './errors.ts'
import { errnoOf, fileError } from './file-errors.ts'
import { trySyncFolder } from './sync-folder.ts'

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
   * @param announce - called when all is on disk and before the name is given; when it throws, none is given
   * @throws AppError FILE_EXISTS when the name was taken and replacing was not allowed; the partial file is gone then.
   * One to go on with (resumable-file.ts) stays open: keep or discard it
   */
  finish(announce?: (stats: BigIntStats) => Promise<void>): Promise<void>
  /** Removes what was written. Harmless after finish. */
  discard(): Promise<void>
  /** Closes it and leaves it under its hidden name, to go on with later. Harmless after finish. */
  keep(): Promise<void>
}

export interface PartialFileOptions {
  /** Replace a file that has the final name. */
  replace: boolean
  /** Bytes it will have: refused at once when the file system has less room. */
  expectedSize?: number | undefined
  /** Looks at the final name only when it is given: for files that are written in no time. */
  nameCheckedLast?: boolean | undefined
  /** False leaves it to the caller to sync the folder: see util/sync-folder.ts. */
  folderSynced?: boolean | undefined
}

/** Longest name that a file system is sure to take, in bytes. */
const LONGEST_NAME = 255

/**
 * Creates the hidden file.
 *
 * @throws AppError FILE_EXISTS, DISK_FULL, FILE_NOT_FOUND (no such folder), FILE_UNREADABLE
 */
export async function createPartialFile(path: string, options: PartialFileOptions): Promise<PartialFile> {
  if (!options.replace && options.nameCheckedLast !== true) await refuseExisting(path)
  if (options.expectedSize !== undefined) await refuseFullDisk(path, options.expectedSize)
  const hidden = hiddenName(path, `.${randomBytes(4).toString('hex')}.partial`)
  const file = await createHidden(hidden, path)
  return partialFile(file, hidden, path, { ...options, resumable: false })
}

/** `.NAME` and an ending in the same folder; a long name is cut at its end. */
export function hiddenName(path: string, ending: string): string {
  const room = LONGEST_NAME - 1 - Buffer.byteLength(ending)
  let name = basename(path)
  while (Buffer.byteLength(name) > room) name = Array.from(name).slice(0, -1).join('')
  return join(dirname(path), `.${name}${ending}`)
}

/** Creates a file that is not there yet, and not through a link. Throws as createPartialFile. */
export async function createHidden(hidden: string, path: string): Promise<FileHandle> {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  return open(hidden, flags, 0o600).catch((error: unknown) => {
    throw fileError(error, 'write', path)
  })
}

/** What becomes of an open hidden file. A resumable one outlives a failure to finish it. */
export function partialFile(
  file: FileHandle,
  hidden: string,
  path: string,
  options: PartialFileOptions & { resumable: boolean },
): PartialFile {
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
  let named = false
  const discard = async (): Promise<void> => {
    await close()
    if (!named) await rm(hidden, { force: true })
  }
  const finish = async (announce?: (stats: BigIntStats) => Promise<void>): Promise<void> => {
    try {
      await file.sync()
      if (announce !== undefined || options.resumable) {
        const stats = await file.stat({ bigint: true })
        await announce?.(stats)
        if (options.resumable) await refuseOther(hidden, path, stats)
      }
      await giveFinalName(hidden, path, options.replace)
      named = true
    } catch (error) {
      if (!options.resumable) await discard()
      throw fileError(error, 'write', path)
    }
    await close()
    if (options.folderSynced !== false) await trySyncFolder(dirname(path))
  }
  return { file, writeAt, finish, discard, keep: close }
}

/** A name that others know may have been given to another file meanwhile. */
async function refuseOther(hidden: string, path: string, own: BigIntStats): Promise<void> {
  const found = await lstat(hidden, { bigint: true }).catch(() => undefined)
  if (found?.ino === own.ino && found.dev === own.dev) return
  throw new AppError('FILE_CHANGED', `${hidden} was removed or replaced while ${path} was being written`, {
    hints: ['let only one process write the file at a time, then start again'],
  })
}

/** @throws AppError FILE_EXISTS */
export async function refuseExisting(path: string): Promise<void> {
  const exists = await lstat(path).then(
    () => true,
    (error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return false
      throw fileError(error, 'write', path)
    },
  )
  if (exists) throw fileExists(path)
}

/** @throws AppError DISK_FULL when the file system of `path` has less than `needed` bytes left */
export async function refuseFullDisk(path: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(path)).catch((error: unknown) => {
    throw fileError(error, 'write', path)
  })
  const free = bavail * bsize
  if (free < needed) {
    throw new AppError('DISK_FULL', `cannot write ${path}: ${needed} bytes are needed and ${free} are free`, {
      hints: ['free some space or quota there, or write to another file system'],
    })
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

function fileExists(path: string): AppError {
  return new AppError('FILE_EXISTS', `${path} exists already`, {
    hints: ['choose another name, or give --force to replace it'],
  })
}
