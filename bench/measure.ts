import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** A command as a user would type it. */
export interface Command {
  program: string
  args: readonly string[]
  env: Readonly<Record<string, string>>
  cwd: string
  /** A file to read standard input from, and one to write standard output to, as `<` and `>` of a shell do. */
  stdin?: string | undefined
  stdout?: string | undefined
}

/** What one run of one or several commands took. */
export interface Measurement {
  /** Seconds from start to exit. */
  wall: number
  /** Seconds of CPU time, user and system, of all threads and child processes. */
  cpu: number
  /** Bytes: the largest resident set any of the processes reached. */
  peakRss: number
}

/**
 * Starts the command and waits for it with wait4(2), which tells what exactly this process and its children
 * used; Node.js has no call for that. Its own start is not in the figures.
 */
const WAIT4 = `
import json, os, sys, time
report, stdin, stdout, *argv = sys.argv[1:]
actions = [(os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0)]
if stdout:
    actions.append((os.POSIX_SPAWN_OPEN, 1, stdout, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644))
started = time.monotonic()
pid = os.posix_spawnp(argv[0], argv, os.environ, file_actions=actions)
_, status, usage = os.wait4(pid, 0)
wall = time.monotonic() - started
with open(report, 'w') as file:
    json.dump({'wall': wall, 'cpu': usage.ru_utime + usage.ru_stime, 'peakRss': usage.ru_maxrss * 1024}, file)
sys.exit(os.waitstatus_to_exitcode(status) & 255)
`

/** Runs a command and measures it. Throws what it said when it fails. */
export async function measure(command: Command): Promise<Measurement> {
  const report = join(tmpdir(), `sealift-bench-${process.pid}.json`)
  const { program, args, cwd, env, stdin = '/dev/null', stdout = '' } = command
  const child = spawn('python3', ['-c', WAIT4, report, stdin, stdout, program, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const [stderr] = await Promise.all([text(child.stderr), once(child, 'close')])
  if (child.exitCode !== 0)
    throw new Error(`${program} ${args.join(' ')} ended with ${child.exitCode}:\n${stderr}`)
  const measured = JSON.parse(await readFile(report, 'utf8')) as Measurement
  await rm(report)
  return measured
}

/** Steps that a user runs one after another: times add up, memory does not. */
export async function measureSteps(commands: readonly Command[]): Promise<Measurement> {
  const total = { wall: 0, cpu: 0, peakRss: 0 }
  for (const command of commands) {
    const { wall, cpu, peakRss } = await measure(command)
    total.wall += wall
    total.cpu += cpu
    total.peakRss = Math.max(total.peakRss, peakRss)
  }
  return total
}

/** The one in the middle, or the mean of the two there. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}
