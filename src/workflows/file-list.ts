import { isUtf8 } from 'node:buffer'
import { AppError } from '../util/errors.ts'
import { escapedName, RefusedNames } from './refused-names.ts'

/** A list of files, as `find` or a person writes it. */
export interface FileList {
  /** For messages: the list's own file name, or `-`. */
  name: string
  bytes: AsyncIterable<Uint8Array>
  /** Each path is ended by a NUL byte instead of a line break (`find -print0`). */
  nulSeparated: boolean
}

/** Bytes a list may have: some million paths. */
const MAX_LIST = 256 * 1024 ** 2

/** Bytes of one path: sixteen times what Linux takes (PATH_MAX). */
const MAX_PATH = 64 * 1024

const NUL = 0x00
const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d

/**
 * The paths of a list, one to a line; only empty lines are ignored, every other byte belongs to a name.
 * Paths count from the current folder and stay below it, because the object gets the path as it is given:
 * `./` and doubled slashes are taken out, `..` and absolute paths are refused.
 *
 * @throws AppError USAGE for paths that are absolute, go up or are not UTF-8 (all such together), a list that is too long,
 * or Windows line ends; what reading the list throws
 */
export async function pathsFromList(list: FileList): Promise<string[]> {
  const paths: string[] = []
  const refused = new RefusedNames(`paths of the list ${list.name} can not become object keys`, [
    'list paths below the current folder, in UTF-8, without .. and without a slash in front',
  ])
  for await (const line of lines(list)) {
    if (line.length === 0) continue
    if (!list.nulSeparated && line.at(-1) === CARRIAGE_RETURN) throw windowsLineEnds(list)
    const path = isUtf8(line) ? relativePath(Buffer.from(line).toString()) : undefined
    if (path === undefined) refused.add(escapedName(line))
    else paths.push(path)
  }
  refused.throwIfAny()
  return paths
}

async function* lines({ name, bytes, nulSeparated }: FileList): AsyncGenerator<Uint8Array> {
  const separator = nulSeparated ? NUL : NEWLINE
  let held: Uint8Array = new Uint8Array()
  let total = 0
  for await (const chunk of bytes) {
    total += chunk.length
    if (total > MAX_LIST) throw tooLong(name, `it has more than ${MAX_LIST} bytes`)
    let start = 0
    for (let end = chunk.indexOf(separator); end !== -1; end = chunk.indexOf(separator, start)) {
      yield Buffer.concat([held, chunk.subarray(start, end)])
      held = new Uint8Array()
      start = end + 1
    }
    held = Buffer.concat([held, chunk.subarray(start)])
    if (held.length > MAX_PATH) throw tooLong(name, `it has a line of more than ${MAX_PATH} bytes`)
  }
  yield held
}

/** Undefined for a path that is not below the current folder. */
function relativePath(path: string): string | undefined {
  if (path.startsWith('/') || path.includes('\0')) return undefined
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  return names.includes('..') ? undefined : names.join('/')
}

function tooLong(name: string, why: string): AppError {
  return new AppError('USAGE', `${name} is not a list of files: ${why}`, {
    hints: ['give --files-from0 for a list whose paths are separated by NUL bytes'],
  })
}

function windowsLineEnds({ name }: FileList): AppError {
  return new AppError('USAGE', `the list ${name} has Windows line ends`, {
    hints: ['save it with Unix line ends, or use --files-from0 when names really end with a carriage return'],
  })
}
