import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

import { freePort, startDaemon, startKeeper, untilListening } from './daemon.ts'
import type { Credentials } from './cli.ts'
import type { AccountServer } from './versitygw.ts'

const run = promisify(execFile)

/** The server and its administrator's client; `.ci/servers.sh` builds both. */
export const MINIO_PROGRAMS = ['minio', 'mcli'] as const

/**
 * Starts a throw-away MinIO on 127.0.0.1. The first account that is created may do everything with all buckets, the
 * others nothing but ask for their own list: so the first one's buckets are its own as far as the others are concerned,
 * for MinIO's buckets have no owners. It ends with close(), and also when this process ends in any other way.
 */
export async function startMinio(
  programs: Readonly<Record<(typeof MINIO_PROGRAMS)[number], string>>,
): Promise<AccountServer> {
  const directory = await mkdtemp(join(tmpdir(), 'sealift-minio-'))
  const keeper = startKeeper(directory)
  try {
    const port = await freePort()
    const endpoint = `http://127.0.0.1:${port}`
    const root = { accessKeyId: 'root', secretAccessKey: randomBytes(16).toString('hex') }
    const buckets = join(directory, 'buckets')
    await mkdir(buckets)
    const daemon = await startDaemon(directory, {
      name: 'minio',
      program: programs.minio,
      args: ['server', '--quiet', '--address', `127.0.0.1:${port}`, buckets],
      env: {
        HOME: directory,
        MINIO_ROOT_USER: root.accessKeyId,
        MINIO_ROOT_PASSWORD: root.secretAccessKey,
        MINIO_BROWSER: 'off',
        MINIO_UPDATE: 'off',
        // The folder may be on the disk that the system runs from.
        MINIO_CI_CD: 'on',
      },
    })
    await untilListening(port, [daemon])
    await untilReady(endpoint)
    const host = `http://${root.accessKeyId}:${root.secretAccessKey}@127.0.0.1:${port}`
    const admin = async (...args: string[]): Promise<void> => {
      await run(programs.mcli, ['--config-dir', join(directory, 'mcli'), 'admin', ...args], {
        env: { HOME: directory, MC_HOST_local: host },
      })
    }
    const visitor = join(directory, 'visitor.json')
    await writeFile(visitor, JSON.stringify(VISITOR))
    await admin('policy', 'create', 'local', 'visitor', visitor)
    let accounts = 0
    return {
      endpoint,
      async createAccount({ accessKeyId, secretAccessKey }: Credentials) {
        accounts += 1
        await admin('user', 'add', 'local', accessKeyId, secretAccessKey)
        const policy = accounts === 1 ? 'readwrite' : 'visitor'
        await admin('policy', 'attach', 'local', policy, '--user', accessKeyId)
      },
      close: keeper.close,
    }
  } catch (error) {
    await keeper.close()
    throw error
  }
}

const VISITOR = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: ['s3:ListAllMyBuckets'], Resource: ['arn:aws:s3:::*'] }],
}

/** It listens before it can answer. */
async function untilReady(endpoint: string): Promise<void> {
  for (let waited = 0; waited < 60_000; waited += 50) {
    const answer = await fetch(`${endpoint}/minio/health/ready`).catch(() => undefined)
    await answer?.body?.cancel()
    if (answer?.ok === true) return
    await sleep(50)
  }
  throw new Error(`MinIO at ${endpoint} is not ready after 60 seconds`)
}
