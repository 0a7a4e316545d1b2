import { wrongWords } from './usage-error.ts'

/** What CSC's `a-access` would do: `+rw PROJECT`, `-r PROJECT`, … */
export interface AccessWords {
  give: boolean
  permission: 'read' | 'write' | 'read-write'
  project: string
}

/** As `a-access` spells them (allas-cli-utils); `+wr` too. */
const PERMISSIONS: Readonly<Record<string, AccessWords['permission']>> = {
  r: 'read',
  read: 'read',
  w: 'write',
  write: 'write',
  rw: 'read-write',
  wr: 'read-write',
  'read-write': 'read-write',
}

/**
 * Takes the words of `a-access` out of a command line; the rest is for the usual parser, which would take `-rw` for
 * flags. Throws USAGE for two changes at once, one without a project, public access and the Swift protocol.
 */
export function takeAccessWords(argv: readonly string[]): { words: AccessWords | undefined; rest: string[] } {
  const rest: string[] = []
  let words: AccessWords | undefined
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? ''
    const permission = Object.hasOwn(PERMISSIONS, word.slice(1)) ? PERMISSIONS[word.slice(1)] : undefined
    if (/^[+-]/.test(word) && permission !== undefined) {
      if (words !== undefined)
        throw wrongWords('one change at a time', 'give the command once for each project')
      at += 1
      words = { give: word.startsWith('+'), permission, project: projectAfter(word, argv[at]) }
    } else if (!isOfAAccess(word)) {
      rest.push(word)
    }
  }
  return { words, rest }
}

function projectAfter(word: string, project: string | undefined): string {
  if (project !== undefined && !/^[+-]/.test(project)) return project
  throw wrongWords(`${word} needs a project`, `write: sealift access ${word} project_2000111 BUCKET`)
}

/** Other options of `a-access`. True for those that mean what sealift does anyhow. */
function isOfAAccess(word: string): boolean {
  switch (word) {
    case '-S':
    case '--s3':
    case '--s3cmd':
      return true
    case '-A':
    case '--sw':
    case '--swift':
      throw wrongWords(
        'sealift speaks S3 only',
        'leave the option out: what S3 grants holds for Swift on the same Ceph',
      )
    case '+p':
    case '+public':
      throw wrongWords('access is never given to everyone', 'name one project')
    case '-p':
    case '-public':
      throw wrongWords(
        'public access is not taken away alone',
        '`sealift access show BUCKET` says PUBLIC where there is any; `sealift bucket close BUCKET` ends all access',
      )
    default:
      return false
  }
}
