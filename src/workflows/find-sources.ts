import { isUtf8 } from 'node:buffer'
import { constants, type BigIntStats, type Dirent } from 'node:fs'
import { access, readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { FileIdentity } from '../transfer/journal/journal-entry.ts'
import { identityOf } from '../transfer/source-file.ts'
import { AppError } from '../util/errors.ts'
import { fileError } from '../util/file-errors.ts'
import { forEachPulled } from '../util/pull-pool.ts'
import { pathFilter } from './path-filter.ts'
import { escapedName, RefusedNames } from './refused-names.ts'

/**
 * What happens to symbolic links below a folder; one that was named itself is always followed.
 * - `files` (the default): links to files are followed, links to folders are an error;
 * - `follow`: links to folders are entered as well;
 * - `skip`: every link is left out, and named among what was left out;
 * - `refuse`: every link is an error.
 */
type LinkPolicy = 'files' | 'follow' | 'skip' | 'refuse'

export interface FindOptions {
  /** Patterns of path-filter.ts, matched against the path below the source. */
  include?: readonly string[] | undefined
  exclude?: readonly string[] | undefined
  links?: LinkPolicy | undefined
  /** Gives empty folders back as such, because the destination can hold them. */
  keepEmptyFolders?: boolean | undefined
  signal?: AbortSignal | undefined
}

/** A file or folder to look for. */
export interface SourceRoot {
  path: string
  /** Its path in a list. Without it a folder stands for what is below it, and a file for its bare name. */
  listedAs?: string | undefined
  /**
   * What a file is called at its destination. Throws what is wrong with that name.
   *
   * @param relativePath - below the folder, or as listed
   * @param inFolder - it was found in a folder, not named itself
   */
  name(relativePath: string, inFolder: boolean): string
}

/** A file that was found. */
export interface FoundFile {
  path: string
  name: string
  identity: FileIdentity
}

/** Something below a source that becomes nothing at the destination. */
export interface LeftOut {
  path: string
  why: 'empty folder' | 'link' | 'leads back to a folder above it'
  /** Its path below the source. */
  relativePath: string
}

export interface FoundSources {
  /** In the order of the roots, and of the bytes of the names in each folder. */
  files: FoundFile[]
  /** Empty ones, where they are kept. */
  folders: Pick<FoundFile, 'path' | 'name'>[]
  leftOut: LeftOut[]
}

/** Files looked at at the same time. */
const LOOKS_AT_ONCE = 16

/**
 * Finds all files below the roots and looks at each of them, so that everything that can't be delivered is known before
 * anything is sent. What is neither file, folder nor link is an error: leaving it out would be a hole in the delivery.
 *
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE; USAGE for names that are not UTF-8 (all of them together),
 * for a bad pattern and for no roots; the reason of `signal`
 */
export async function findSources(
  roots: readonly SourceRoot[],
  options: FindOptions = {},
): Promise<FoundSources> {
  if (roots.length === 0) {
    throw new AppError('USAGE', 'no files or folders were named', {
      hints: ['name them, or give a list of them with --files-from'],
    })
  }
  const search = new Search(options)
  const looks = await lookAtAll(
    roots.map(({ path }) => path),
    options.signal,
  )
  for (const [index, root] of roots.entries()) {
    const stats = looks[index]
    if (stats === undefined) continue
    if (stats.isDirectory()) await search.folder(root, root.path, root.listedAs ?? '', [folderId(stats)])
    else search.namedFile(root)
  }
  search.refused.throwIfAny()
  const files: FoundFile[] = []
  await forEachPulled(
    search.found.entries(),
    LOOKS_AT_ONCE,
    async ([index, { path, name }]) => {
      files[index] = { path, name, identity: await identityOfFile(path) }
    },
    options.signal,
  )
  return { files, folders: search.folders, leftOut: search.leftOut }
}

class Search {
  readonly found: { path: string; name: string }[] = []
  readonly folders: { path: string; name: string }[] = []
  readonly leftOut: LeftOut[] = []
  readonly refused = new RefusedNames('names are not UTF-8, which object keys must be', [
    'rename them (convmv does it for whole folders), or leave them out with --exclude',
  ])
  readonly #links: LinkPolicy
  readonly #keepEmptyFolders: boolean
  readonly #signal: AbortSignal | undefined
  readonly #meant: (relativePath: string) => boolean
  readonly #entered: (relativePath: string) => boolean

  constructor({
    include = [],
    exclude = [],
    links = 'files',
    keepEmptyFolders = false,
    signal,
  }: FindOptions) {
    this.#links = links
    this.#keepEmptyFolders = keepEmptyFolders
    this.#signal = signal
    this.#meant = pathFilter(include, exclude)
    this.#entered = pathFilter([], exclude)
  }

  namedFile(root: SourceRoot): void {
    const relativePath = root.listedAs ?? basename(root.path)
    if (!this.#meant(relativePath)) return
    this.found.push({ path: root.path, name: root.name(relativePath, false) })
  }

  /** @param above - the folders it is in, and itself: entering one of them again would never end */
  async folder(
    root: SourceRoot,
    path: string,
    relativePath: string,
    above: readonly string[],
  ): Promise<void> {
    if (relativePath !== '' && !this.#entered(relativePath)) return
    this.#signal?.throwIfAborted()
    const entries = await entriesOf(path)
    if (entries.length === 0) this.#emptyFolder(root, path, relativePath)
    for (const entry of entries) {
      const name = entry.name.toString()
      const at = join(path, name)
      const below = relativePath === '' ? name : `${relativePath}/${name}`
      if (!isUtf8(entry.name)) this.#refuseName(path, entry, below)
      else if (entry.isSymbolicLink()) await this.#link(root, at, below, above)
      else if (!entry.isDirectory()) this.#file(root, at, below)
      else if (this.#links === 'follow') await this.#enter(root, at, below, above, await lookAt(at))
      else await this.folder(root, at, below, above)
    }
  }

  #file(root: SourceRoot, path: string, relativePath: string): void {
    if (this.#meant(relativePath)) this.found.push({ path, name: root.name(relativePath, true) })
  }

  #emptyFolder(root: SourceRoot, path: string, relativePath: string): void {
    if (relativePath !== '' && !this.#meant(relativePath)) return
    if (this.#keepEmptyFolders) this.folders.push({ path, name: root.name(relativePath, true) })
    else this.leftOut.push({ path, relativePath, why: 'empty folder' })
  }

  #refuseName(folder: string, entry: Dirent<Buffer>, relativePath: string): void {
    // Its readable form may match a pattern: then the name is no matter.
    const meant = entry.isDirectory() ? this.#entered(relativePath) : this.#meant(relativePath)
    if (meant) this.refused.add(`${folder}/${escapedName(entry.name)}`)
  }

  async #link(root: SourceRoot, path: string, relativePath: string, above: readonly string[]): Promise<void> {
    if (!this.#entered(relativePath)) return
    if (this.#links === 'skip') {
      this.leftOut.push({ path, relativePath, why: 'link' })
      return
    }
    if (this.#links === 'refuse') {
      if (this.#meant(relativePath)) throw refusedLink(path, 'a symbolic link', 'follow, or --links skip')
      return
    }
    const target = await lookAt(path)
    if (!target.isDirectory()) {
      this.#file(root, path, relativePath)
    } else if (this.#links === 'files') {
      throw refusedLink(path, 'a link to a folder', 'follow to enter it, or --links skip')
    } else {
      await this.#enter(root, path, relativePath, above, target)
    }
  }

  /** Only where links are followed something can lead back; what is in there is found anyway. */
  async #enter(
    root: SourceRoot,
    path: string,
    relativePath: string,
    above: readonly string[],
    folder: BigIntStats,
  ): Promise<void> {
    const id = folderId(folder)
    if (!above.includes(id)) await this.folder(root, path, relativePath, [...above, id])
    else if (this.#entered(relativePath)) {
      this.leftOut.push({ path, relativePath, why: 'leads back to a folder above it' })
    }
  }
}

/** In the order of their names' bytes, which is that of the code points. */
async function entriesOf(folder: string): Promise<Dirent<Buffer>[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true, encoding: 'buffer' })
    return entries.sort((a, b) => Buffer.compare(a.name, b.name))
  } catch (error) {
    throw fileError(error, 'read', folder)
  }
}

async function lookAtAll(
  paths: readonly string[],
  signal: AbortSignal | undefined,
): Promise<(BigIntStats | undefined)[]> {
  const looks: (BigIntStats | undefined)[] = paths.map(() => undefined)
  await forEachPulled(
    paths.entries(),
    LOOKS_AT_ONCE,
    async ([index, path]) => {
      looks[index] = await lookAt(path)
    },
    signal,
  )
  return looks
}

async function lookAt(path: string): Promise<BigIntStats> {
  return stat(path, { bigint: true }).catch((error: unknown) => {
    throw fileError(error, 'read', path)
  })
}

async function identityOfFile(path: string): Promise<FileIdentity> {
  const stats = await lookAt(path)
  if (!stats.isFile()) {
    throw new AppError('FILE_UNREADABLE', `cannot upload ${path}: it is not a regular file`, {
      hints: ['leave it out with --exclude, or upload what comes out of it: upload - TARGET < FILE'],
    })
  }
  await access(path, constants.R_OK).catch((error: unknown) => {
    throw fileError(error, 'read', path)
  })
  return identityOf(stats)
}

function folderId({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`
}

function refusedLink(path: string, what: string, policies: string): AppError {
  return new AppError('FILE_UNREADABLE', `cannot upload ${path}: it is ${what}`, {
    hints: [`give --links ${policies}`, 'or name what it stands for as a source of its own'],
  })
}
