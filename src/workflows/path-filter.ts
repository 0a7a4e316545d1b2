import picomatch from 'picomatch'
import { AppError } from '../util/errors.ts'

/**
 * Which paths below a folder are meant: those that an include pattern matches (all, when there is none) and no exclude
 * pattern does. The patterns are globs as shells have them: `*`, `?`, `[a-z]`, `{a,b}`, and `**` for any folders.
 * A pattern with a slash is matched against the whole path, one without against every name in it;
 * one that matches a folder counts for everything in it. Names that start with a dot are matched like all others.
 *
 * @returns tells of a path, relative with `/`, whether it is meant; when it isn't because of an exclude pattern,
 * nothing below it is
 * @throws AppError USAGE for a pattern that can't be understood
 */
export function pathFilter(
  include: readonly string[],
  exclude: readonly string[],
): (relativePath: string) => boolean {
  const included = include.map(parsePattern)
  const excluded = exclude.map(parsePattern)
  return (relativePath) =>
    (included.length === 0 || included.some((matches) => matches(relativePath))) &&
    !excluded.some((matches) => matches(relativePath))
}

function parsePattern(pattern: string): (relativePath: string) => boolean {
  if (pattern.startsWith('!') && !pattern.startsWith('!(')) {
    throw badPattern(pattern, 'it starts with an exclamation mark', 'use --include and --exclude instead')
  }
  // A slash at the end says "a folder", one at the start "from the top"; neither is part of any path.
  const glob = pattern.replace(/(?<=[^\\])\/+$/, '').replace(/^\/+/, '')
  const matches = compile(glob, pattern)
  return pattern.replace(/\/+$/, '').includes('/')
    ? (relativePath) => withFoldersAbove(relativePath).some((path) => matches(path))
    : (relativePath) => relativePath.split('/').some((name) => matches(name))
}

function compile(glob: string, pattern: string): (path: string) => boolean {
  if (/(^|\/)\.\.?(\/|$)/.test(glob)) {
    throw badPattern(pattern, 'it has . or .. as a folder', 'write it as a path below the folder')
  }
  try {
    // The flag s lets ** match names with line breaks in them; strictBrackets and debug refuse what would match nothing;
    // the fast paths have their own idea of *.* (`a.` would be left out).
    const matches = picomatch(glob, {
      dot: true,
      nonegate: true,
      windows: false,
      strictBrackets: true,
      debug: true,
      flags: 's',
      fastpaths: false,
    })
    return (path) => matches(path)
  } catch (error) {
    throw badPattern(pattern, error instanceof Error ? error.message : 'it can not be read', undefined, error)
  }
}

/** `a/b/c` → `a/b/c`, `a/b`, `a`. */
function withFoldersAbove(path: string): string[] {
  const paths = [path]
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    paths.push(path.slice(0, end))
  }
  return paths
}

function badPattern(pattern: string, why: string, hint?: string, cause?: unknown): AppError {
  return new AppError('USAGE', `not a pattern for file names: ${JSON.stringify(pattern)} (${why})`, {
    hints: [hint ?? 'put a backslash before [, ] or another sign that shall stand for itself'],
    cause,
  })
}
