import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomInt, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

import { cephConf } from './ceph-conf.ts'
import type { CephObjectStore } from './ceph-conf.ts'

const run = promisify(execFile)

/** The programs a throw-away cluster needs; Debian: `apt install radosgw ceph-mon ceph-osd`. */
export const CEPH_PROGRAMS = [
  'ceph',
  'ceph-mon',
  'ceph-osd',
  'monmaptool',
  'radosgw',
  'radosgw-admin',
] as const

export interface CephRgwOptions {
  /** In memory by default: starts in about a second, takes almost twice its content in RAM. */
  objectStore?: CephObjectStore | undefined
  /** Bytes the cluster may hold. */
  capacity?: number | undefined
  /** A folder to create the cluster's own folder in; the system's temporary one by default. */
  parent?: string | undefined
}

export interface CephUser {
  uid: string
  tenant?: string | undefined
  accessKeyId: string
  secretAccessKey: string
}

/** A running Ceph RGW. */
export interface CephRgw {
  endpoint: string
  /** The process ids of the daemons, by name. */
  pids: Readonly<Record<'mon' | 'osd' | 'rgw', number>>
  createUser(user: CephUser): Promise<void>
  /** Frees the space of deleted objects now, which the gateway would do some seconds later. */
  collectGarbage(): Promise<void>
  /** Stops the daemons and removes everything they wrote. */
  close: () => Promise<void>
}

/**
 * Starts a throw-away Ceph (monitor, OSD, gateway) as the user who runs the tests: no root, no systemd,
 * 127.0.0.1 only. It ends with close(), and also when this process ends in any other way.
 */
export async function startCephRgw(options: CephRgwOptions = {}): Promise<CephRgw> {
  const directory = await mkdtemp(join(options.parent ?? tmpdir(), 'sealift-ceph-'))
  const keeper = startKeeper(directory)
  try {
    return await bringUp(directory, keeper, options)
  } catch (error) {
    await keeper.close()
    throw error
  }
}

async function bringUp(directory: string, keeper: Keeper, options: CephRgwOptions): Promise<CephRgw> {
  const [monitorPort, gatewayPort] = [await freePort(), await freePort()]
  const fsid = randomUUID()
  const confFile = join(directory, 'ceph.conf')
  for (const folder of ['mon', 'osd', 'rgw', 'run', 'log', 'crash']) await mkdir(join(directory, folder))
  const { objectStore = 'memstore', capacity = 8 * 1024 ** 3 } = options
  await writeFile(confFile, cephConf({ fsid, directory, monitorPort, gatewayPort, objectStore, capacity }))
  const conf = ['--conf', confFile]

  const monmap = join(directory, 'monmap')
  const monitor = `[v2:127.0.0.1:${monitorPort}]`
  await run('monmaptool', ['--create', '--clobber', '--fsid', fsid, '--addv', 'a', monitor, monmap])
  await run('ceph-mon', [...conf, '-i', 'a', '--mkfs', '--monmap', monmap])
  const mon = await startDaemon(directory, 'mon', 'ceph-mon', [...conf, '-f', '-i', 'a'])

  const osdUuid = randomUUID()
  await run('ceph', [...conf, '--connect-timeout', '60', 'osd', 'new', osdUuid])
  await run('ceph-osd', [...conf, '-i', '0', '--mkfs', '--osd-uuid', osdUuid])
  const osd = await startDaemon(directory, 'osd', 'ceph-osd', [...conf, '-f', '-i', '0'])

  // The gateway waits by itself until the OSD is up.
  const rgw = await startDaemon(directory, 'rgw', 'radosgw', [...conf, '-f', '-n', 'client.rgw'])
  await untilListening(gatewayPort, [mon, osd, rgw])

  return {
    endpoint: `http://127.0.0.1:${gatewayPort}`,
    pids: { mon: mon.pid, osd: osd.pid, rgw: rgw.pid },
    async createUser({ uid, tenant, accessKeyId, secretAccessKey }) {
      const keys = ['--access-key', accessKeyId, '--secret-key', secretAccessKey]
      const name = [
        '--uid',
        uid,
        '--display-name',
        uid,
        ...(tenant === undefined ? [] : ['--tenant', tenant]),
      ]
      await run('radosgw-admin', [...conf, 'user', 'create', ...name, ...keys])
    },
    async collectGarbage() {
      await run('radosgw-admin', [...conf, 'gc', 'process', '--include-all'])
    },
    close: keeper.close,
  }
}

interface Daemon {
  name: string
  pid: number
  child: ChildProcess
  logFile: string
}

/** Runs a daemon in the foreground of a process group of its own and leaves its pid to the keeper. */
async function startDaemon(
  directory: string,
  name: string,
  command: string,
  args: string[],
): Promise<Daemon> {
  const logFile = join(directory, 'log', `${name}.out`)
  const log = openSync(logFile, 'w')
  const child = spawn(command, args, { detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  await once(child, 'spawn')
  const pid = child.pid!
  await writeFile(join(directory, 'run', `${name}.pid`), `${pid}\n`)
  child.unref()
  return { name, pid, child, logFile }
}

async function untilListening(port: number, daemons: readonly Daemon[]): Promise<void> {
  for (let waited = 0; waited < 90_000; waited += 50) {
    for (const { name, child, logFile } of daemons) {
      if (child.exitCode === null && child.signalCode === null) continue
      const output = (await readFile(logFile, 'utf8')).slice(-2000)
      throw new Error(`ceph ${name} ended while the cluster was starting:\n${output}`)
    }
    if (await accepts(port)) return
    await sleep(50)
  }
  throw new Error(`no gateway on 127.0.0.1:${port} after 90 seconds`)
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

interface Keeper {
  close: () => Promise<void>
}

/**
 * A shell that does nothing until its standard input ends, which it does when this process closes it and also
 * when this process dies, killed or not; then it ends the daemons and removes the folder.
 * They are killed outright: nothing is to be kept, and a memstore would write its content to the disk first.
 */
function startKeeper(directory: string): Keeper {
  const script = `cat >/dev/null
    for pidfile in "$1"/run/*.pid; do read -r pid <"$pidfile" && kill -KILL "$pid"; done
    while ! rm -rf "$1"; do sleep 0.1; done`
  const keeper = spawn('sh', ['-c', script, 'ceph-keeper', directory], {
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
async function freePort(): Promise<number> {
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
