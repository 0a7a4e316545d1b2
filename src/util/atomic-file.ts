import { randomBytes } from 'node:crypto'
import { link, mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { syncFolder } from './sync-folder.ts'

export interface AtomicFileOptions {
  /** Permission bits of the file; 0o600 when absent. The process umask may take some away, never add any. */
  mode?: number | undefined
  /** Refuse to replace a file: EEXIST. */
  ifAbsent?: boolean | undefined
}

/**
 * Replaces a file whole or not at all: written beside it, synced, then renamed over it and the folder synced,
 * so that after a crash the old or the new content is there, never a part. Creates missing folders (0700).
 * With `ifAbsent` it is linked to its name instead, which fails when there is one.
 * A file system error is thrown as it comes.
 */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array,
  options: AtomicFileOptions = {},
): Promise<void> {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  // A name of its own for every write: two processes never share a half-written file.
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    const file = await open(temporary, 'wx', options.mode ?? 0o600)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    if (options.ifAbsent === true) {
      await link(temporary, path)
      await rm(temporary)
    } else {
      await rename(temporary, path)
    }
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(folder)
}
