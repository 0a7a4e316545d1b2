import { basename, resolve } from 'node:path'
import { pack, type Pack } from 'tar-stream'
import { isSameFile, openSourceFile, type SourceFile } from '../transfer/source-file.ts'
import { AppError } from '../util/errors.ts'
import { fileError } from '../util/file-errors.ts'
import { pathsFromList } from './file-list.ts'
import { findSources, type FoundFile, type SourceRoot } from './find-sources.ts'
import type { UploadSourceOptions } from './upload-sources.ts'

/** A tar archive that is made while it is read. */
export interface FolderTar {
  /** The archive; can be read once. Nothing is read ahead of what is asked for but a buffer or two. */
  plaintext: AsyncIterable<Uint8Array>
  /** Bytes that it will have. */
  size: number
  /** Files in it. */
  files: number
}

/** Bytes of a tar block (POSIX pax interchange format). */
const BLOCK = 512

/** Bytes read from a file at once. */
const CHUNK = 256 * 1024

/**
 * Makes a tar archive (pax) of files and folders. Names are relative and begin with the folder's own name, or are those of
 * the list; the order is that of the names. Of each file it keeps content, permissions and time of last change, and nothing
 * of its owner. A link is stored as what it leads to, as the policy for links says; empty folders are kept.
 *
 * @throws AppError USAGE (two files of one name, nothing to archive); what findSources and pathsFromList throw; while it is
 * read FILE_CHANGED when a file is not what it was when it was listed, or changes; FILE_NOT_FOUND, FILE_UNREADABLE
 */
export async function folderTar(
  paths: readonly string[],
  options: UploadSourceOptions = {},
): Promise<FolderTar> {
  const roots = paths.map(namedRoot)
  if (options.filesFrom !== undefined) {
    for (const path of await pathsFromList(options.filesFrom)) roots.push(listedRoot(path))
  }
  const { files, folders, leftOut } = await findSources(roots, { ...options, keepEmptyFolders: true })
  if (files.length + folders.length === 0) {
    const named = [...paths, ...(options.filesFrom === undefined ? [] : [options.filesFrom.name])]
    throw new AppError('USAGE', `there is no file to put into the archive in ${named.join(', ')}`)
  }
  refuseTwins([...files, ...folders])
  for (const each of leftOut) options.onLeftOut?.(each)
  return {
    plaintext: tarOf(files, folders, options.signal),
    size: archiveSize(files, folders),
    files: files.length,
  }
}

function namedRoot(path: string): SourceRoot {
  const top = basename(resolve(path))
  return {
    path,
    name: (relativePath, inFolder) => (inFolder ? joined(top, relativePath) : relativePath),
  }
}

function listedRoot(path: string): SourceRoot {
  return { path: path || '.', listedAs: path, name: (relativePath) => relativePath }
}

function joined(top: string, relativePath: string): string {
  return [top, relativePath].filter((part) => part !== '').join('/')
}

function refuseTwins(found: readonly { path: string; name: string }[]): void {
  const taken = new Map<string, string>()
  for (const { path, name } of found) {
    const other = taken.get(name)
    if (other !== undefined) {
      throw new AppError('USAGE', `${other} and ${path} would both be ${name} in the archive`, {
        hints: ['make an archive of each'],
      })
    }
    taken.set(name, path)
  }
}

type Entry = ReturnType<Pack['entry']>
type FoundFolder = Pick<FoundFile, 'path' | 'name'>

async function* tarOf(
  files: readonly FoundFile[],
  folders: readonly FoundFolder[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const archive = pack()
  // Without a listener the failure would end the process; it reaches us through the iteration.
  archive.on('error', () => undefined)
  const filling = fill(archive, files, folders, signal).catch((error: unknown) => {
    archive.destroy(error as Error)
  })
  try {
    yield* archive as AsyncIterable<Uint8Array>
  } finally {
    archive.destroy()
    await filling
  }
}

async function fill(
  archive: Pack,
  files: readonly FoundFile[],
  folders: readonly FoundFolder[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const { name } of folders) archive.entry({ name: `${name}/`, type: 'directory', mtime: new Date(0) })
  for (const file of files) {
    signal?.throwIfAborted()
    await addFile(archive, file)
  }
  archive.finalize()
}

async function addFile(archive: Pack, { path, name, identity }: FoundFile): Promise<void> {
  const source = await openSourceFile(path)
  try {
    if (!isSameFile(source.identity, identity)) throw changed(path)
    const { mode, mtime } = await source.file.stat()
    const entry = archive.entry({ name, size: source.size, mode: mode & 0o777, mtime, type: 'file' })
    entry.on('error', () => undefined)
    for (let position = 0; position < source.size;) {
      const chunk = await readChunk(source, position)
      position += chunk.length
      await write(entry, chunk)
    }
    await source.refuseIfChanged()
    await end(entry)
  } finally {
    await source.close()
  }
}

async function readChunk(source: SourceFile, position: number): Promise<Buffer> {
  const wanted = Math.min(CHUNK, source.size - position)
  try {
    const { bytesRead, buffer } = await source.file.read(Buffer.allocUnsafe(wanted), 0, wanted, position)
    if (bytesRead === 0) throw changed(source.path)
    return buffer.subarray(0, bytesRead)
  } catch (error) {
    throw fileError(error, 'read', source.path)
  }
}

/** Waits until the archive takes more. Rejects when the archive is not wanted any more. */
function write(entry: Entry, chunk: Buffer): Promise<void> {
  return entry.write(chunk) ? Promise.resolve() : once(entry, 'drain')
}

function end(entry: Entry): Promise<void> {
  const finished = once(entry, 'finish')
  entry.end(undefined)
  return finished
}

function once(entry: Entry, event: 'drain' | 'finish'): Promise<void> {
  return new Promise((resolve, reject) => {
    const happened = (): void => {
      entry.off('close', closed)
      resolve()
    }
    const closed = (): void => {
      entry.off(event, happened)
      reject(new RangeError('the archive was closed before it was finished'))
    }
    entry.once(event, happened)
    entry.once('close', closed)
    if (entry.destroyed) closed()
  })
}

function changed(path: string): AppError {
  return new AppError('FILE_CHANGED', `${path} changed between being listed and being read`, {
    hints: ['wait until nothing writes to it any more, then start again'],
  })
}

/** Headers and contents in whole blocks, and two blocks of zeros at the end. */
function archiveSize(files: readonly FoundFile[], folders: readonly FoundFolder[]): number {
  const entries = [...files.map(({ name }) => name), ...folders.map(({ name }) => `${name}/`)]
  const headers = entries.reduce((sum, name) => sum + headerSize(name), 0)
  return headers + files.reduce((sum, { identity }) => sum + wholeBlocks(identity.size), 2 * BLOCK)
}

/** One block, or for a name that does not fit in there an extended header as well: its own block, and its records. */
function headerSize(name: string): number {
  if (fitsUstar(name)) return BLOCK
  const record = Buffer.byteLength(` path=${name}\n`)
  let digits = String(record).length
  if (String(record + digits).length > digits) digits += 1
  return 2 * BLOCK + wholeBlocks(record + digits)
}

/** ASCII, with at most 100 bytes behind the slash at which at most 155 bytes can be cut off (POSIX ustar). */
function fitsUstar(name: string): boolean {
  if (Buffer.byteLength(name) !== name.length) return false
  let cut = 0
  while (name.length - cut > 100) {
    const slash = name.indexOf('/', cut)
    if (slash === -1) return false
    cut = slash + 1
  }
  return cut - 1 <= 155
}

function wholeBlocks(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK
}
