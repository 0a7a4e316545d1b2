/**
 * The reference tools parse with docopt: flags stand anywhere, with `=` or without, and may be shortened while that
 * is unambiguous. This gives the same over node:util's parser.
 */
import { parseArgs } from 'node:util'
import type { ParseArgsOptionsConfig } from 'node:util'
import { AppError } from '../util/errors.ts'

/** A flag of a tool, under its long name. */
export interface Flag {
  short?: string | undefined
  /** Takes a value; otherwise it is a switch. */
  value?: boolean | undefined
}

/** What stands on a command line. */
export interface CommandLine {
  /** What is no flag, in order. */
  words: readonly string[]
  /** Names of the flags that were given. */
  given: ReadonlySet<string>
  /** The value of a flag that may be given once. Throws USAGE when it was given several times. */
  value(flag: string): string | undefined
  /** All values of a flag, in order. */
  values(flag: string): readonly string[]
}

/**
 * Parses a command line.
 *
 * @throws {@link AppError} USAGE for an unknown or ambiguous flag, and one whose value is missing
 */
export function parseCommandLine(
  argv: readonly string[],
  flags: Readonly<Record<string, Flag>>,
): CommandLine {
  const { values, positionals } = parsed(
    argv.map((argument) => unabbreviated(argument, Object.keys(flags))),
    options(flags),
  )
  const found = new Map<string, readonly string[]>()
  for (const [flag, value] of Object.entries(values)) {
    found.set(flag, Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [])
  }
  const all = (flag: string): readonly string[] => found.get(flag) ?? []
  return {
    words: positionals,
    given: new Set(found.keys()),
    value(flag) {
      const [value, second] = all(flag)
      if (second !== undefined) throw new AppError('USAGE', `--${flag} was given several times`)
      return value
    },
    values: all,
  }
}

function options(flags: Readonly<Record<string, Flag>>): ParseArgsOptionsConfig {
  const entries = Object.entries(flags).map(([name, { short, value = false }]) => {
    const shortName = short === undefined ? {} : { short }
    return [name, { type: value ? 'string' : 'boolean', multiple: true, ...shortName }] as const
  })
  return Object.fromEntries(entries)
}

function parsed(args: string[], config: ParseArgsOptionsConfig): ReturnType<typeof parseArgs> {
  try {
    return parseArgs({ args, options: config, allowPositionals: true })
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    throw new AppError(
      'USAGE',
      cause.message.replace(/^./, (first) => first.toLowerCase()),
      { cause },
    )
  }
}

/** `--rec=x` becomes `--recipient_pk=x`; what is no abbreviation stays as it is. */
function unabbreviated(argument: string, names: readonly string[]): string {
  const [, typed = '', rest = ''] = /^--([^=]+)(.*)$/s.exec(argument) ?? []
  if (typed === '' || names.includes(typed)) return argument
  const candidates = names.filter((name) => name.startsWith(typed))
  if (candidates.length > 1) {
    throw new AppError(
      'USAGE',
      `--${typed} may be ${candidates.map((candidate) => `--${candidate}`).join(' or ')}`,
    )
  }
  return candidates[0] === undefined ? argument : `--${candidates[0]}${rest}`
}
