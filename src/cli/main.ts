import { run } from '@oclif/core/run'
import { hasSwitch } from './base-command.ts'
import { failureJson, failureOf, failureText } from './failure.ts'
import { EXIT } from './exit-codes.ts'
import { jsonBegun } from './json-stream.ts'
import { printableJson } from './printable.ts'

/**
 * Runs the command line, shows what fails, and ends the process once its output is written.
 *
 * @param entry - URL of the program's entry file, from which the package is found
 */
export async function main(entry: string, argv: readonly string[] = process.argv.slice(2)): Promise<void> {
  let ended = false
  // When nothing is left to wait for although the command has not ended, Node would stop with success or with its own 13.
  process.once('exit', (code) => {
    if (ended || (code !== 0 && code !== 13)) return
    process.stderr.write(
      'error: the command stopped before its end\nhint: this is a bug in sealift: please report it\n',
    )
    process.exitCode = EXIT.failure
  })
  process.once('uncaughtException', (error) => {
    process.exit(tell(error, argv))
  })
  try {
    await run([...argv], entry)
  } catch (error) {
    process.exitCode = tell(error, argv)
  }
  ended = true
  await written(process.stdout)
  await written(process.stderr)
  process.exit()
}

/** Shows a failure and gives its exit code. */
function tell(error: unknown, argv: readonly string[]): number {
  const failure = failureOf(error)
  const verbose = hasSwitch(argv, '--verbose', '-v')
  // A second document behind the beginning of one would only hide that the first has no end.
  const json = hasSwitch(argv, '--json') && !jsonBegun()
  if (json) process.stdout.write(`${printableJson(failureJson(failure))}\n`)
  // Whoever closed the pipe knows: `sealift cat … | head` shall end like `cat … | head`.
  if (failure.code === 'OUTPUT_CLOSED' && !verbose) return failure.exitCode
  if (!json || verbose) process.stderr.write(`${failureText(failure, verbose)}\n`)
  return failure.exitCode
}

/** Resolves when everything written so far has left the process, or its reader is gone. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) {
      resolve()
      return
    }
    stream.write('', () => {
      resolve()
    })
  })
}
