import { printable } from './printable.ts'
import { count, formatByteSize, formatTransfer, lines, table } from './report.ts'

/** Objects that are named one by one when all is done; of more only the sums are told. */
const SHOWN = 100

/** Whether one more is worth keeping for the text: with more than are shown, none is. */
export function isShown(before: number): boolean {
  return before <= SHOWN
}

/** One object; the workflow's own type has this shape. */
export interface CopyToPrint {
  objectKey: string
  target: string
  size: number
  state: 'copied' | 'there' | 'new' | 'replaced' | 'refused'
}

/** What `cp` and `mv` tell; the workflows' own types have this shape. */
export interface CopiesToPrint {
  source: string
  target: string
  dryRun: boolean
  objects: number
  bytes: number
  alreadyThere: number
  notEncrypted: number
  leftOut: { publishedKeys: number; byPattern: number; folderItself: number }
  olderVersions?: 'kept' | 'none' | 'unknown'
  seconds: number
  failedCount: number
  failed: readonly unknown[]
}

const WORDS = {
  copy: { done: 'copied', wouldBe: 'would copy', there: 'copied by an earlier run' },
  move: {
    done: 'moved',
    wouldBe: 'would move',
    there: 'copied by an earlier run; only the source is deleted',
  },
}

/** One line of a dry run. */
export function copyLine(verb: keyof typeof WORDS, object: CopyToPrint): string {
  return printable(cells(verb, object).join('  ').trimEnd())
}

function cells(verb: keyof typeof WORDS, { objectKey, target, size, state }: CopyToPrint): string[] {
  const states = {
    copied: '',
    new: '',
    there: WORDS[verb].there,
    replaced: 'replaces what is there',
    refused: 'refused: another object is there',
  }
  return [objectKey, target, formatByteSize(size), states[state]]
}

/** What was copied or moved, for people. */
export function copiesText(
  verb: keyof typeof WORDS,
  result: CopiesToPrint,
  shown: readonly CopyToPrint[],
): string {
  const { source, target, dryRun, objects, bytes, alreadyThere, notEncrypted, seconds } = result
  const { done, wouldBe } = WORDS[verb]
  const places = `${printable(source)} to ${printable(target)}`
  const sum = dryRun
    ? `${wouldBe} ${count(objects, 'object')}, ${formatByteSize(bytes)}, from ${places}`
    : `${done} ${count(objects, 'object')}, ${formatTransfer(bytes, seconds)}, from ${places}`
  return lines(
    dryRun || shown.length === 0 || shown.length > SHOWN
      ? undefined
      : table(sorted(shown).map((object) => cells(verb, object))),
    sum,
    alreadyThere === 0 ? undefined : alreadyText(verb, alreadyThere, dryRun),
    notEncrypted === 0
      ? undefined
      : `not encrypted: ${count(notEncrypted, 'object')} of them; who may read the copies can read what is in them`,
    leftOutText(result.leftOut),
    dryRun || verb === 'copy' ? undefined : olderText(result),
    unnamedFailures(result),
  )
}

/** They ended in any order. */
function sorted(shown: readonly CopyToPrint[]): CopyToPrint[] {
  return shown.toSorted((a, b) => (a.objectKey < b.objectKey ? -1 : 1))
}

function alreadyText(verb: keyof typeof WORDS, alreadyThere: number, dryRun: boolean): string {
  const what = `${count(alreadyThere, 'object')} had been copied by an earlier run`
  if (verb === 'copy') return what
  return dryRun ? `${what}; would delete the source` : `${what}; the source is deleted now`
}

/** Below a prefix, what was not touched. */
export function leftOutText(leftOut: CopiesToPrint['leftOut']): string | undefined {
  const { publishedKeys, byPattern } = leftOut
  const text = lines(
    publishedKeys === 0
      ? undefined
      : `left out ${count(publishedKeys, 'published key')} below keys/; --keys takes them too`,
    byPattern === 0 ? undefined : `left out ${count(byPattern, 'object')} by --include and --exclude`,
  )
  return text === '' ? undefined : text
}

/** Failures beyond those that are named. */
export function unnamedFailures({
  failed,
  failedCount,
}: {
  failed: readonly unknown[]
  failedCount: number
}): string | undefined {
  const unnamed = failedCount - failed.length
  return unnamed === 0 ? undefined : `${count(unnamed, 'object')} more failed and are not named`
}

function olderText({ source, objects, alreadyThere, olderVersions }: CopiesToPrint): string | undefined {
  if (objects + alreadyThere === 0 || olderVersions === undefined || olderVersions === 'none')
    return undefined
  const place = printable(source)
  const recursive = source.endsWith('/') ? ' --recursive' : ''
  return olderVersions === 'kept'
    ? `the bucket keeps versions: what was moved stays readable there; to delete it for good: sealift rm ${place}${recursive} --versions`
    : `older versions of what was moved may stay readable in the bucket: sealift rm ${place}${recursive} --versions --dry-run`
}
