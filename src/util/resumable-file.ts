/**
 * Partial files that outlive the process: `.NAME.partial` beside the final name, so that the next run finds what the
 * last one wrote. Which bytes of it are good is written down elsewhere; here is only made sure that it is the same file.
 */
import { constants } from 'node:fs'
import { lstat, open, rm } from 'node:fs/promises'
import { AppError } from './errors.ts'
import { errnoOf, fileError } from './file-errors.ts'
import {
  createHidden,
  hiddenName,
  partialFile,
  refuseExisting,
  refuseFullDisk,
  type PartialFile,
  type PartialFileOptions,
} from './partial-file.ts'

/** A leftover up to this size is cheap to have again: it is replaced without asking. Bytes. */
const CHEAP_LEFTOVER = 16 * 1024 ** 2

/** Whoever writes to a partial file does so again and again; untouched for an hour, it was given up. Milliseconds. */
const GIVEN_UP_AFTER = 60 * 60 * 1000

/** Where the file that will be `path` is while it is not whole. */
export function partialName(path: string): string {
  return hiddenName(path, '.partial')
}

/**
 * Creates the partial file. What another run left under its name goes when it is the one named by `ownInode`, small,
 * or given up, and whatever it is with `replace`.
 *
 * @param ownInode - inode of a partial file of ours that can't be used any more
 * @throws AppError FILE_EXISTS, also when somebody else seems to be writing the same file; DISK_FULL, FILE_NOT_FOUND
 * (no such folder), FILE_UNREADABLE
 */
export async function createResumableFile(
  path: string,
  options: PartialFileOptions & { ownInode?: string | undefined },
): Promise<PartialFile> {
  if (!options.replace && options.nameCheckedLast !== true) await refuseExisting(path)
  const hidden = partialName(path)
  const file = await createHidden(hidden, path).catch(async (error: unknown) => {
    if (!(error instanceof AppError) || error.code !== 'FILE_EXISTS') throw error
    await clearLeftover(hidden, path, options)
    return createHidden(hidden, path)
  })
  const partial = partialFile(file, hidden, path, { ...options, resumable: true })
  try {
    if (options.expectedSize !== undefined) await refuseFullDisk(path, options.expectedSize)
  } catch (error) {
    await partial.discard()
    throw error
  }
  return partial
}

/** A partial file as it was written down when it was created. */
export interface RecordedPartial {
  inode: string
  /** Bytes it has at least. */
  atLeast: number
}

/**
 * Opens the partial file of an earlier run to go on with it; undefined when it is not there any more or is another one.
 *
 * @throws AppError FILE_EXISTS when the final name is taken, DISK_FULL, FILE_UNREADABLE
 */
export async function reopenResumableFile(
  path: string,
  recorded: RecordedPartial,
  options: PartialFileOptions,
): Promise<PartialFile | undefined> {
  if (!options.replace) await refuseExisting(path)
  const hidden = partialName(path)
  const flags = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(hidden, flags).catch((error: unknown) => {
    if (['ENOENT', 'ELOOP', 'ENXIO', 'EISDIR'].includes(errnoOf(error) ?? '')) return undefined
    throw fileError(error, 'write', path)
  })
  if (file === undefined) return undefined
  try {
    const stats = await file.stat({ bigint: true })
    const same = stats.isFile() && stats.nlink === 1n && String(stats.ino) === recorded.inode
    if (!same || stats.size < recorded.atLeast) {
      await file.close()
      return undefined
    }
    const missing = (options.expectedSize ?? 0) - Number(stats.blocks) * 512
    if (missing > 0) await refuseFullDisk(path, missing)
  } catch (error) {
    await file.close()
    throw fileError(error, 'write', path)
  }
  return partialFile(file, hidden, path, { ...options, resumable: true })
}

/** The inode of what has the name; undefined when nothing has. */
export async function inodeOf(path: string): Promise<string | undefined> {
  const stats = await lstat(path, { bigint: true }).catch(() => undefined)
  return stats?.isFile() === true ? String(stats.ino) : undefined
}

async function clearLeftover(
  hidden: string,
  path: string,
  { replace, ownInode }: PartialFileOptions & { ownInode?: string | undefined },
): Promise<void> {
  const stats = await lstat(hidden, { bigint: true }).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw fileError(error, 'write', path)
  })
  if (stats === undefined) return
  const givenUp = Date.now() - Number(stats.mtimeMs) > GIVEN_UP_AFTER
  const removable = String(stats.ino) === ownInode || stats.size <= CHEAP_LEFTOVER || givenUp || replace
  if (!stats.isFile() || !removable) {
    throw new AppError('FILE_EXISTS', `${hidden} is there already: another run may be writing ${path}`, {
      hints: ['when no other run is, remove it, or give --force'],
    })
  }
  await rm(hidden, { force: true }).catch((error: unknown) => {
    throw fileError(error, 'write', path)
  })
}
