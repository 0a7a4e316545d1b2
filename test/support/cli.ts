import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

interface CliOptions {
  /** Added to the environment of the person. */
  env?: Record<string, string> | undefined
  /** What the command reads from standard input; nothing by default. */
  input?: Uint8Array | undefined
  /** Leaves standard input open, as a producer does that has not finished. */
  inputGoesOn?: boolean | undefined
}

/** How one run of `sealift` ended and what it said. */
export interface CliRun {
  /** The exit code; null when a signal ended the process. */
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
  /** Standard output as it came, for commands that write files there. */
  stdoutBytes: Buffer
}

/** A run that is under way. */
interface RunningCli {
  kill(signal: NodeJS.Signals): void
  ended: Promise<CliRun>
}

/** Someone at a terminal of their own: a home folder with credentials, in which commands run. */
export interface Person {
  /** The home folder, in which every command runs. */
  home: string
  sealift(args: readonly string[], options?: CliOptions): Promise<CliRun>
  start(args: readonly string[], options?: CliOptions): RunningCli
  /** Runs with --json and gives the document; throws what the command said when it fails. */
  json(args: readonly string[], options?: CliOptions): Promise<unknown>
  leave(): Promise<void>
}

export interface Credentials {
  accessKeyId: string
  secretAccessKey: string
}

/** Gives a person the credentials and the endpoint, in ~/.aws as the aws command writes them. */
export async function createPerson(endpoint: string, credentials: Credentials): Promise<Person> {
  const home = await mkdtemp(join(tmpdir(), 'sealift-home-'))
  await mkdir(join(home, '.aws'))
  const { accessKeyId, secretAccessKey } = credentials
  const keys = `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`
  await writeFile(join(home, '.aws', 'credentials'), `[default]\n${keys}`, { mode: 0o600 })
  await writeFile(join(home, '.aws', 'config'), `[default]\nregion = us-east-1\nendpoint_url = ${endpoint}\n`)

  const start = (args: readonly string[], options: CliOptions = {}): RunningCli =>
    startCli(home, args, options)
  return {
    home,
    start,
    sealift: (args, options) => start(args, options).ended,
    async json(args, options) {
      const { code, stdout, stderr } = await start([...args, '--json'], options).ended
      if (code !== 0) throw new Error(`sealift ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`)
      return JSON.parse(stdout) as unknown
    },
    leave: () => rm(home, { recursive: true, force: true }),
  }
}

function startCli(home: string, args: readonly string[], options: CliOptions): RunningCli {
  // Nothing of the environment the tests run in: a user's AWS_PROFILE or HOME must not change a result.
  const env = { PATH: process.env['PATH'], HOME: home, AWS_EC2_METADATA_DISABLED: 'true', ...options.env }
  const child = spawn(process.execPath, [BIN, ...args], { cwd: home, env, stdio: 'pipe' })
  // A command that fails early does not read its input: that is its right.
  child.stdin.on('error', () => undefined)
  if (options.inputGoesOn === true) child.stdin.write(options.input)
  else child.stdin.end(options.input)
  const ended = Promise.all([buffer(child.stdout), text(child.stderr), once(child, 'close')]).then(
    ([stdoutBytes, stderr]): CliRun => ({
      code: child.exitCode,
      signal: child.signalCode,
      stdout: stdoutBytes.toString('utf8'),
      stderr,
      stdoutBytes,
    }),
  )
  return {
    ended,
    kill(signal) {
      child.kill(signal)
    },
  }
}
