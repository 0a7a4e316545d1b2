import type { CLIError } from '@oclif/core/errors'
import { AppError } from '../util/errors.ts'

/** oclif's own sentences, and ours for them; the first that matches is taken. */
const SENTENCES: readonly (readonly [RegExp, (match: RegExpExecArray) => string])[] = [
  [/^Nonexistent flags?: (.+)$/, (match) => `unknown flag ${match[1] ?? ''}`],
  [/^Unexpected arguments?: (.+)$/, (match) => `unexpected argument ${match[1] ?? ''}`],
  [/^Missing \d+ required args?:\s*(.+)$/, (match) => `missing argument ${match[1] ?? ''}`],
  [/^Missing required flag (\S+)$/, (match) => `missing flag --${match[1] ?? ''}`],
  [/^[Cc]ommand (.+) not found\.?$/, (match) => `unknown command ${(match[1] ?? '').replaceAll(':', ' ')}`],
]

/** Turns what oclif says about a command line into our form: one sentence, lower case, code USAGE. */
export function usageError(error: CLIError): AppError {
  const problems = sentencesOf(error.message).map(rephrase)
  return new AppError('USAGE', problems.join('; '), { cause: error.cause })
}

/** Words that don't go together, where no flag's own rule says so; code USAGE. */
export function wrongWords(sentence: string, ...hints: string[]): AppError {
  return new AppError('USAGE', sentence, { hints })
}

/** oclif rewrites the message of an error that a flag's own parser threw; gives it back as it was, and which flag. */
export function ownSentence(message: string): string {
  const [, flag, sentence] = /^Parsing (--\S+)\s+([^]*?)(?:\nSee more help with [^]*)?$/.exec(message) ?? []
  return flag === undefined || sentence === undefined ? message : `${flag}: ${sentence}`
}

/** oclif puts several problems, a list of arguments or a note into one message of several lines. */
function sentencesOf(message: string): string[] {
  const text = message.split('\nSee more help with')[0] ?? message
  const [first = '', ...rest] = (text.split('\n\nNote:')[0] ?? text)
    .split('\n')
    .map((line) => line.trim().replace(/\s+/g, ' '))
    .filter((line) => line !== '')
  if (/^The following errors? occurred:$/.test(first)) return rest
  return [[first, rest.join(', ')].join(' ').trim()]
}

function rephrase(sentence: string): string {
  for (const [pattern, ours] of SENTENCES) {
    const match = pattern.exec(sentence)
    if (match !== null) return ours(match)
  }
  return `${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}`
}
