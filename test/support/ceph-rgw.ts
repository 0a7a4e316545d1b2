import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { cephConf } from './ceph-conf.ts'
import type { CephObjectStore } from './ceph-conf.ts'
import { freePort, startDaemon, startKeeper, untilListening } from './daemon.ts'
import type { Daemon, Keeper } from './daemon.ts'

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
  const daemon = (name: string, program: string, ...args: string[]): Promise<Daemon> =>
    startDaemon(directory, { name, program, args: [...conf, '-f', ...args] })
  const mon = await daemon('mon', 'ceph-mon', '-i', 'a')

  const osdUuid = randomUUID()
  await run('ceph', [...conf, '--connect-timeout', '60', 'osd', 'new', osdUuid])
  await run('ceph-osd', [...conf, '-i', '0', '--mkfs', '--osd-uuid', osdUuid])
  const osd = await daemon('osd', 'ceph-osd', '-i', '0')

  // The gateway waits by itself until the OSD is up.
  const rgw = await daemon('rgw', 'radosgw', '-n', 'client.rgw')
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
