/** How the two tools start and end. */
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { AppError } from '../util/errors.ts'
import { fileError } from '../util/file-errors.ts'
import { parseCommandLine } from './command-line.ts'
import type { CommandLine, Flag } from './command-line.ts'

/** A program of the package beside `sealift` itself. */
export interface Tool {
  /** As it is called. */
  name: string
  /** What `--help` prints. */
  help: string
  flags: Readonly<Record<string, Flag>>
  run(commandLine: CommandLine): Promise<void>
}

/** What the tools end with. The reference has the same three, but often ends with 0 where nothing was done. */
const EXIT = { done: 0, failure: 1, notUnlocked: 2, interrupted: 130 } as const

/** Flags of both tools. Loggers of Python can't be configured here, so `--log` is taken and has no effect. */
const COMMON_FLAGS: Readonly<Record<string, Flag>> = {
  help: { short: 'h' },
  version: { short: 'v' },
  log: { value: true },
}

/** Runs a tool with its command line and sets the exit code of the process. */
export async function runTool(tool: Tool, argv: readonly string[] = process.argv.slice(2)): Promise<void> {
  try {
    const commandLine = parseCommandLine(argv, { ...COMMON_FLAGS, ...tool.flags })
    if (commandLine.given.has('help')) process.stdout.write(tool.help)
    else if (commandLine.given.has('version')) process.stdout.write(`${tool.name} (sealift ${version()})\n`)
    else await tool.run(commandLine)
    process.exitCode = EXIT.done
  } catch (error) {
    process.exitCode = tell(tool, fileError(error, 'use', 'a file'))
  }
  // What nobody reads to its end must not keep the process alive.
  process.stdin.destroy()
}

function tell(tool: Tool, error: unknown): number {
  if (!(error instanceof AppError)) {
    const shown = error instanceof Error ? error.stack : inspect(error, { depth: 0 })
    process.stderr.write(
      `error: unexpected: ${shown ?? 'no reason given'}\nhint: this is a bug: please report it\n`,
    )
    return EXIT.failure
  }
  const hints = error.code === 'USAGE' ? [...error.hints, `${tool.name} --help shows the usage`] : error.hints
  const lines = [`error: ${error.message}`, ...hints.map((hint) => `hint: ${hint}`)]
  process.stderr.write(`${lines.map(printable).join('\n')}\n`)
  if (error.code === 'INTERRUPTED') return EXIT.interrupted
  return ['WRONG_PASSPHRASE', 'PASSPHRASE_NEEDED'].includes(error.code) ? EXIT.notUnlocked : EXIT.failure
}

/** Names of files come from outside: nothing of them may steer a terminal. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
}

function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
