import { rm } from 'node:fs/promises'
import { writeFileAtomically } from '../../util/atomic-file.ts'
import { AppError, hasCode } from '../../util/errors.ts'
import { fileError } from '../../util/file-errors.ts'
import { readSmallFile } from '../../util/small-file.ts'

/** What an earlier run may have left: its address, and nothing else. */
const ADDRESS_LINE = /^http:\/\/127\.0\.0\.1:\d{1,5}\/[\w-]{43}\/[^\n]*\n$/

/**
 * Removes the address that an earlier run left when it was killed, so that nobody takes it for the one that is to come.
 *
 * @throws AppError FILE_EXISTS for any other file, FILE_UNREADABLE, USAGE for a file that is far too large
 */
export async function removeEarlierAddress(path: string): Promise<void> {
  if (await isEarlierAddress(path)) await rm(path, { force: true })
}

/**
 * Writes an address to a file that its owner alone can read (0600), on a line of its own. What an earlier run left there
 * is replaced, any other file is not.
 *
 * @returns removes the file, if it is still the one that was written
 * @throws AppError FILE_EXISTS, FILE_NOT_FOUND, FILE_UNREADABLE, DISK_FULL, USAGE for a file that is far too large
 */
export async function writeAddressFile(path: string, address: string): Promise<() => Promise<void>> {
  const line = `${address}\n`
  await isEarlierAddress(path)
  try {
    await writeFileAtomically(path, line, { mode: 0o600 })
  } catch (error) {
    throw fileError(error, 'write the address to', path)
  }
  return async () => {
    if ((await contentOf(path)) === line) await rm(path, { force: true })
  }
}

/** False when there is no such file; throws when another one is there. */
async function isEarlierAddress(path: string): Promise<boolean> {
  const content = await contentOf(path)
  if (content === undefined) return false
  if (ADDRESS_LINE.test(content)) return true
  throw new AppError('FILE_EXISTS', `cannot write the address to ${path}: another file is there`, {
    hints: ['choose another name'],
  })
}

/** Undefined when there is no such file. */
async function contentOf(path: string): Promise<string | undefined> {
  try {
    return new TextDecoder().decode(await readSmallFile(path, 'write the address to'))
  } catch (error) {
    if (hasCode(error, 'FILE_NOT_FOUND')) return undefined
    throw error
  }
}
