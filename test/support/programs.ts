import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { buffer, text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

/** Entry files of the package's programs. */
export const BINS = {
  sealift: fileURLToPath(new URL('../../bin/run.js', import.meta.url)),
  crypt4gh: fileURLToPath(new URL('../../bin/crypt4gh.js', import.meta.url)),
  'crypt4gh-keygen': fileURLToPath(new URL('../../bin/crypt4gh-keygen.js', import.meta.url)),
} as const

export interface ProgramOptions {
  /** The folder it runs in, and its HOME. */
  home: string
  /** Added to PATH and HOME, which is all it gets of an environment. */
  env?: Readonly<Record<string, string>> | undefined
  /** Its standard input; empty by default. */
  input?: Uint8Array | string | undefined
}

/** How a program ended and what it said. */
export interface ProgramRun {
  /** The exit code; null when a signal ended it. */
  code: number | null
  stdout: Buffer
  stderr: string
}

/** Runs a program without a terminal (setsid), so that it can ask nobody. */
export async function runProgram(
  command: readonly string[],
  { home, env = {}, input }: ProgramOptions,
): Promise<ProgramRun> {
  const child = spawn('setsid', ['--wait', ...command], {
    cwd: home,
    env: { PATH: process.env['PATH'], HOME: home, ...env },
    stdio: 'pipe',
  })
  // A program that fails early does not read its input: that is its right.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [stdout, stderr] = await Promise.all([buffer(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: child.exitCode, stdout, stderr }
}

/** {@link runProgram}, for what must succeed; gives its standard output. */
export async function outputOf(command: readonly string[], options: ProgramOptions): Promise<Buffer> {
  const { code, stdout, stderr } = await runProgram(command, options)
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${String(code)}: ${stderr}`)
  return stdout
}
