import { AppError, type ErrorCode } from './errors.ts'

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'FILE_NOT_FOUND',
  ENOTDIR: 'FILE_NOT_FOUND',
  EACCES: 'FILE_UNREADABLE',
  EPERM: 'FILE_UNREADABLE',
  EISDIR: 'FILE_UNREADABLE',
  ELOOP: 'FILE_UNREADABLE',
  EROFS: 'FILE_UNREADABLE',
  EIO: 'FILE_UNREADABLE',
  EEXIST: 'FILE_EXISTS',
  ENOSPC: 'DISK_FULL',
  EDQUOT: 'DISK_FULL',
  EFBIG: 'DISK_FULL',
}

const SENTENCES: Readonly<Partial<Record<ErrorCode, string>>> = {
  FILE_NOT_FOUND: 'no such file or folder',
  FILE_UNREADABLE: 'no permission, or not a file that can be used so',
  FILE_EXISTS: 'it exists already',
  DISK_FULL: 'no space left',
}

const HINTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  FILE_EXISTS: 'choose another name, or give --force to replace it',
  DISK_FULL: 'free some space or quota there, or write to another file system',
}

/**
 * Turns what node:fs throws into an AppError; anything that is not a file system failure comes back unchanged.
 *
 * @param doing - what was tried, such as `read` or `write`
 */
export function fileError(error: unknown, doing: string, path: string): unknown {
  const errno = errnoOf(error)
  const code = errno === undefined ? undefined : CODES[errno]
  if (code === undefined) return error
  const hint = HINTS[code]
  return new AppError(code, `cannot ${doing} ${path}: ${SENTENCES[code] ?? errno ?? code} (${errno ?? ''})`, {
    cause: error,
    hints: hint === undefined ? [] : [hint],
  })
}

/** The `code` of a node system error, such as ENOENT. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return undefined
}
