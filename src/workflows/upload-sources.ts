import { constants } from 'node:fs'
import { access, lstat, readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { AppError } from '../util/errors.ts'
import { fileError } from '../util/file-errors.ts'

/** A file that will become an object. */
export interface UploadSource {
  path: string
  objectKey: string
  /** Bytes, when it was looked at. */
  size: number
}

/** The ending of a Crypt4GH file. */
export const SEALED_SUFFIX = '.c4gh'

/** Longest object key S3 takes, in bytes of UTF-8. */
const MAX_OBJECT_KEY = 1024

/**
 * Lists the files behind the sources a person named, and the object each becomes:
 * a folder's files get the target and their path below the folder; a file gets the target and its name when the target
 * ends in `/` or is empty, else the target itself. `.c4gh` is added, except to a target that was written out.
 * Links to files are followed; anything that is neither file nor folder is an error, because leaving it out
 * silently would be a hole in the delivery.
 *
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, USAGE (two files for one object, nothing to upload)
 */
export async function listUploadSources(paths: readonly string[], target: string): Promise<UploadSource[]> {
  const sources: UploadSource[] = []
  for (const path of paths) {
    const stats = await stat(path).catch((error: unknown) => {
      throw fileError(error, 'read', path)
    })
    if (stats.isDirectory()) {
      if (target !== '' && !target.endsWith('/')) {
        throw new AppError('USAGE', `${path} is a folder and ${target} names a single object`, {
          hints: [`end the target with a slash: ${target}/`],
        })
      }
      await addFolder(path, target, sources)
    } else {
      const folderTarget = target === '' || target.endsWith('/')
      const objectKey = folderTarget ? `${target}${basename(path)}${SEALED_SUFFIX}` : target
      await addFile(path, objectKey, sources)
    }
  }
  if (sources.length === 0) {
    throw new AppError('USAGE', `there is no file to upload in ${paths.join(', ')}`)
  }
  refuseSharedObjects(sources)
  return sources
}

async function addFolder(folder: string, prefix: string, sources: UploadSource[]): Promise<void> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw fileError(error, 'read', folder)
  })
  for (const name of names.sort()) {
    const path = join(folder, name)
    const stats = await lstat(path).catch((error: unknown) => {
      throw fileError(error, 'read', path)
    })
    if (stats.isDirectory()) await addFolder(path, `${prefix}${name}/`, sources)
    else await addFile(path, `${prefix}${name}${SEALED_SUFFIX}`, sources)
  }
}

async function addFile(path: string, objectKey: string, sources: UploadSource[]): Promise<void> {
  const stats = await stat(path).catch((error: unknown) => {
    throw fileError(error, 'read', path)
  })
  if (!stats.isFile()) {
    const what = stats.isDirectory() ? 'a link to a folder' : 'not a regular file'
    throw new AppError('FILE_UNREADABLE', `cannot upload ${path}: it is ${what}`, {
      hints: ['leave it out of the folder, or name what it stands for as a source of its own'],
    })
  }
  await access(path, constants.R_OK).catch((error: unknown) => {
    throw fileError(error, 'read', path)
  })
  if (Buffer.byteLength(objectKey) > MAX_OBJECT_KEY) {
    throw new AppError('USAGE', `the object key for ${path} would be longer than ${MAX_OBJECT_KEY} bytes`)
  }
  sources.push({ path, objectKey, size: stats.size })
}

function refuseSharedObjects(sources: readonly UploadSource[]): void {
  const taken = new Map<string, string>()
  for (const { path, objectKey } of sources) {
    const other = taken.get(objectKey)
    if (other !== undefined) {
      throw new AppError('USAGE', `${other} and ${path} would both become ${objectKey}`, {
        hints: ['upload them under different prefixes'],
      })
    }
    taken.set(objectKey, path)
  }
}
