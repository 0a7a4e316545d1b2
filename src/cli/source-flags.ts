import * as Flags from '@oclif/core/flags'
import { readInput } from './streams.ts'

const GROUP = 'SOURCES'

/** Which files of the sources are meant. */
export const sourceFlags = {
  'files-from': Flags.string({
    description: 'also what this list names, a path to a line, from the current folder; - for stdin',
    helpValue: 'FILE|-',
    helpGroup: GROUP,
    exclusive: ['files-from0'],
  }),
  'files-from0': Flags.string({
    description: 'the same for a list whose paths end with NUL bytes, as from find -print0',
    helpValue: 'FILE|-',
    helpGroup: GROUP,
  }),
  include: Flags.string({
    description: "only files that match: '*.bam', 'lane_1/**'; may be repeated",
    helpValue: 'PATTERN',
    helpGroup: GROUP,
    multiple: true,
    multipleNonGreedy: true,
  }),
  exclude: Flags.string({
    description: 'no files that match, whatever includes them; may be repeated',
    helpValue: 'PATTERN',
    helpGroup: GROUP,
    multiple: true,
    multipleNonGreedy: true,
  }),
  links: Flags.option({
    options: ['files', 'follow', 'skip', 'refuse'] as const,
    description: 'symbolic links: follow those to files, all, leave them out with a note, or refuse them',
    default: 'files',
    helpGroup: GROUP,
  })(),
}

/** The parsed flags as the workflows take them. */
export interface SourceSettings {
  filesFrom: { name: string; bytes: AsyncIterable<Uint8Array>; nulSeparated: boolean } | undefined
  include: string[]
  exclude: string[]
  links: 'files' | 'follow' | 'skip' | 'refuse'
  signal: AbortSignal
}

/** What the workflows need to find the sources. Nothing is read yet. */
export function sourceOptions(
  flags: {
    'files-from'?: string | undefined
    'files-from0'?: string | undefined
    include?: string[] | undefined
    exclude?: string[] | undefined
    links: SourceSettings['links']
  },
  signal: AbortSignal,
): SourceSettings {
  const name = flags['files-from'] ?? flags['files-from0']
  const nulSeparated = flags['files-from'] === undefined
  return {
    filesFrom: name === undefined ? undefined : { name, bytes: readInput(name, signal), nulSeparated },
    include: flags.include ?? [],
    exclude: flags.exclude ?? [],
    links: flags.links,
    signal,
  }
}
