import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A server's process that runs beside the tests. */
export interface Daemon {
  name: string
  pid: number
  child: ChildProcess
  logFile: string
}

export interface DaemonCommand {
  name: string
  program: string
  args: readonly string[]
  /** Its whole environment; that of the tests by default. */
  env?: NodeJS.ProcessEnv | undefined
}

/** Runs a daemon in the foreground of a process group of its own and leaves its pid to the keeper of its folder. */
export async function startDaemon(
  directory: string,
  { name, program, args, env }: DaemonCommand,
): Promise<Daemon> {
  for (const folder of ['log', 'run']) await mkdir(join(directory, folder), { recursive: true })
  const logFile = join(directory, 'log', `${name}.out`)
  const log = openSync(logFile, 'w')
  const child = spawn(program, args, { detached: true, stdio: ['ignore', log, log], env: env ?? process.env })
  closeSync(log)
  await once(child, 'spawn')
  const pid = child.pid!
  await writeFile(join(directory, 'run', `${name}.pid`), `${pid}\n`)
  child.unref()
  return { name, pid, child, logFile }
}

/** Waits until something listens on the port of 127.0.0.1; throws a daemon's last words when it ends before. */
export async function untilListening(port: number, daemons: readonly Daemon[]): Promise<void> {
  for (let waited = 0; waited < 90_000; waited += 50) {
    for (const { name, child, logFile } of daemons) {
      if (child.exitCode === null && child.signalCode === null) continue
      const output = (await readFile(logFile, 'utf8')).slice(-2000)
      throw new Error(`${name} ended while it was starting:\n${output}`)
    }
    if (await accepts(port)) return
    await sleep(50)
  }
  throw new Error(`nothing listens on 127.0.0.1:${port} after 90 seconds`)
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

export interface Keeper {
  close: () => Promise<void>
}

/**
 * A shell that does nothing until its standard input ends, which it does when this process closes it and also
 * when this process dies, killed or not; then it ends the daemons of a folder and removes the folder.
 * They are killed outright: nothing is to be kept, and a memstore would write its content to the disk first.
 */
export function startKeeper(directory: string): Keeper {
  const script = `cat >/dev/null
    for pidfile in "$1"/run/*.pid; do read -r pid <"$pidfile" && kill -KILL "$pid"; done
    while ! rm -rf "$1"; do sleep 0.1; done`
  const keeper = spawn('sh', ['-c', script, 'keeper', directory], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  keeper.unref()
  const ended = once(keeper, 'exit')
  return {
    async close() {
      keeper.ref()
      keeper.stdin.end()
      await ended
    },
  }
}

/** A port nobody listens on, below the range the system gives to outgoing connections. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = randomInt(10_000, 30_000)
    const server = createServer().listen(port, '127.0.0.1')
    try {
      await once(server, 'listening')
      return port
    } catch {
      // taken: try another one
    } finally {
      server.close()
    }
  }
  throw new Error('no free port found on 127.0.0.1')
}
