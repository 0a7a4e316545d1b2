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

/** Commands at the same time, each reading what the one before writes, as `|` of a shell does. */
export type Pipeline = readonly [Command, ...Command[]]

/** What one run of one or several commands took. */
export interface Measurement {
  /** Seconds from start to exit. */
  wall: number
  /** Seconds of CPU time, user and system, of all threads and child processes. */
  cpu: number
  /** Bytes: the largest resident set any of the processes reached. */
  peakRss: number
  /** Bytes over the line, both ways, where they were counted. */
  traffic?: number | undefined
}

/**
 * Starts the commands and waits for them with wait4(2), which tells what exactly each process and its children
 * used; Node.js has no call for that. Its own start is not in the figures.
 */
const WAIT4 = `
import json, os, sys, time
task = json.loads(sys.argv[1])
commands, last, reading = task['commands'], len(task['commands']) - 1, None
spawned = []
started = time.monotonic()
for number, command in enumerate(commands):
    actions, parent = [], []
    if reading is None:
        actions.append((os.POSIX_SPAWN_OPEN, 0, command.get('stdin') or '/dev/null', os.O_RDONLY, 0))
    else:
        actions.append((os.POSIX_SPAWN_DUP2, reading, 0))
        parent.append(reading)
    if number < last:
        reading, writing = os.pipe()
        actions.append((os.POSIX_SPAWN_DUP2, writing, 1))
        parent.append(writing)
    elif command.get('stdout'):
        actions.append((os.POSIX_SPAWN_OPEN, 1, command['stdout'], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644))
    os.chdir(command['cwd'])
    environment = dict(PATH=os.environ['PATH'], **command['env'])
    spawned.append(os.posix_spawnp(command['program'], [command['program'], *command['args']], environment, file_actions=actions))
    for descriptor in parent:
        os.close(descriptor)
cpu, peak, codes = 0, 0, []
for pid in spawned:
    _, status, usage = os.wait4(pid, 0)
    cpu += usage.ru_utime + usage.ru_stime
    peak = max(peak, usage.ru_maxrss * 1024)
    codes.append(os.waitstatus_to_exitcode(status) & 255)
wall = time.monotonic() - started
with open(task['report'], 'w') as file:
    json.dump({'wall': wall, 'cpu': cpu, 'peakRss': peak}, file)
sys.exit(max(codes))
`

/** Runs a command, or a pipeline, and measures it. Throws what it said when it fails. */
export async function measure(step: Command | Pipeline): Promise<Measurement> {
  const report = join(tmpdir(), `sealift-bench-${process.pid}.json`)
  const commands = 'program' in step ? [step] : step
  const child = spawn('python3', ['-c', WAIT4, JSON.stringify({ report, commands })], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const [stderr] = await Promise.all([text(child.stderr), once(child, 'close')])
  if (child.exitCode !== 0) {
    const line = commands.map(({ program, args }) => `${program} ${args.join(' ')}`).join(' | ')
    throw new Error(`${line} ended with ${child.exitCode}:\n${stderr.slice(-4000)}`)
  }
  const measured = JSON.parse(await readFile(report, 'utf8')) as Measurement
  await rm(report)
  return measured
}

/** The one in the middle, or the mean of the two there. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}
