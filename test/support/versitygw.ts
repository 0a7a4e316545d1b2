import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { freePort, startDaemon, startKeeper, untilListening } from './daemon.ts'
import type { Credentials } from './cli.ts'

const run = promisify(execFile)

/** The program a throw-away gateway needs; `.ci/servers.sh` builds it. */
export const VERSITYGW_PROGRAMS = ['versitygw'] as const

/** A running server whose accounts are known by their access key ids. */
export interface AccountServer {
  endpoint: string
  createAccount(account: Credentials): Promise<void>
  /** Ends the server and removes everything it wrote. */
  close: () => Promise<void>
}

/**
 * Starts a throw-away versitygw on 127.0.0.1 that keeps objects as files, versions too. It ends with close(), and also
 * when this process ends in any other way.
 */
export async function startVersitygw(program: string): Promise<AccountServer> {
  const directory = await mkdtemp(join(tmpdir(), 'sealift-versitygw-'))
  const keeper = startKeeper(directory)
  try {
    const port = await freePort()
    const endpoint = `http://127.0.0.1:${port}`
    const root = { accessKeyId: 'root', secretAccessKey: randomBytes(16).toString('hex') }
    const folder = async (name: string): Promise<string> => {
      await mkdir(join(directory, name))
      return join(directory, name)
    }
    const gateway = ['--port', `127.0.0.1:${port}`, '--iam-dir', await folder('iam'), '--quiet']
    // Metadata beside the files: temporary folders may be on a file system without extended attributes.
    const posix = ['--versioning-dir', await folder('versions'), '--sidecar', await folder('sidecar')]
    const daemon = await startDaemon(directory, {
      name: 'versitygw',
      program,
      args: [...gateway, 'posix', ...posix, await folder('buckets')],
      env: { ROOT_ACCESS_KEY: root.accessKeyId, ROOT_SECRET_KEY: root.secretAccessKey },
    })
    await untilListening(port, [daemon])
    return {
      endpoint,
      async createAccount({ accessKeyId, secretAccessKey }) {
        // userplus: may create buckets of its own.
        const account = ['--access', accessKeyId, '--secret', secretAccessKey, '--role', 'userplus']
        await run(program, ['admin', '--endpoint-url', endpoint, 'create-user', ...account], {
          env: { ADMIN_ACCESS_KEY: root.accessKeyId, ADMIN_SECRET_KEY: root.secretAccessKey },
        })
      },
      close: keeper.close,
    }
  } catch (error) {
    await keeper.close()
    throw error
  }
}
