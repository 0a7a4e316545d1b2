import type { FileIdentity } from '../transfer/journal/journal-entry.ts'
import { AppError } from '../util/errors.ts'
import { pathsFromList, type FileList } from './file-list.ts'
import { findSources, type FindOptions, type LeftOut, type SourceRoot } from './find-sources.ts'
import { RefusedNames } from './refused-names.ts'

/** A file that will become an object. */
export interface UploadSource {
  path: string
  objectKey: string
  /** Bytes, when it was looked at. */
  size: number
  /** What it was when it was looked at: a file of which this has changed is another one. */
  identity: FileIdentity
}

export interface UploadSourceOptions extends FindOptions {
  /** A list of further sources. */
  filesFrom?: FileList | undefined
  /** Told of everything below the sources that becomes no object, before anything is sent. */
  onLeftOut?: ((leftOut: LeftOut) => void) | undefined
}

/** The ending of a Crypt4GH file. */
export const SEALED_SUFFIX = '.c4gh'

/** Longest object key S3 takes, in bytes of UTF-8. */
const MAX_OBJECT_KEY = 1024

/**
 * Lists the files behind the sources a person named, and the object each becomes:
 * a folder's files get the target and their path below the folder; a file gets the target and its name when the target
 * ends in `/` or is empty, else the target itself; a path of a list gets the target and that path.
 * `.c4gh` is added, except to a target that was written out. What is done about links, see {@link FindOptions}.
 *
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, USAGE (two files for one object, names that no object can have,
 * nothing to upload); what pathsFromList and findSources throw
 */
export async function listUploadSources(
  paths: readonly string[],
  target: string,
  options: UploadSourceOptions = {},
): Promise<UploadSource[]> {
  const roots = paths.map((path) => sourceRoot(path, target))
  if (options.filesFrom !== undefined) {
    if (!isFolderTarget(target)) throw singleObject('a list of files', target)
    for (const path of await pathsFromList(options.filesFrom)) {
      roots.push({ path: path || '.', listedAs: path, name: (listed) => keyBelow(target, listed) })
    }
  }
  const { files, leftOut } = await findSources(roots, options)
  if (files.length === 0) {
    const named = [...paths, ...(options.filesFrom === undefined ? [] : [options.filesFrom.name])]
    throw new AppError('USAGE', `there is no file to upload in ${named.join(', ')}`)
  }
  refuseLongKeys(files)
  const sources = files.map(({ path, name, identity }) => ({
    path,
    objectKey: name,
    size: identity.size,
    identity,
  }))
  refuseSharedObjects(sources)
  for (const each of leftOut) options.onLeftOut?.(each)
  return sources
}

function sourceRoot(path: string, target: string): SourceRoot {
  return {
    path,
    name: (relativePath, inFolder) => {
      if (isFolderTarget(target)) return keyBelow(target, relativePath)
      if (inFolder) throw singleObject(path, target)
      return target
    },
  }
}

function isFolderTarget(target: string): boolean {
  return target === '' || target.endsWith('/')
}

function keyBelow(target: string, relativePath: string): string {
  return `${target}${relativePath}${SEALED_SUFFIX}`
}

function singleObject(path: string, target: string): AppError {
  return new AppError('USAGE', `${path} is a folder and ${target} names a single object`, {
    hints: [`end the target with a slash: ${target}/`],
  })
}

function refuseLongKeys(files: readonly { path: string; name: string }[]): void {
  const tooLong = new RefusedNames(
    `files would have object keys longer than ${MAX_OBJECT_KEY} bytes, which S3 does not take`,
    ['shorten their names, leave them out with --exclude, or make one object of the folder with --tar'],
  )
  for (const { path, name } of files) {
    if (Buffer.byteLength(name) > MAX_OBJECT_KEY) tooLong.add(path)
  }
  tooLong.throwIfAny()
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
