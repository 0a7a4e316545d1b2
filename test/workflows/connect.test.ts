import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { practiceProjects } from '../../src/sandbox/practice-projects.ts'
import { startSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/server.ts'
import { connect, type Connection, type ConnectRequest } from '../../src/workflows/connect.ts'
import type { TransferEvent } from '../../src/workflows/transfer-event.ts'

let folder: string
let sandbox: Sandbox | undefined
let connection: Connection | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-connect-'))
})
afterEach(async () => {
  connection?.close()
  await sandbox?.close()
  await rm(folder, { recursive: true })
})

const start = async (options: Partial<SandboxOptions>, request: Partial<ConnectRequest> = {}) => {
  const projects = practiceProjects()
  const [project] = projects
  sandbox = await startSandbox({ ...options, directory: join(folder, 'sandbox'), projects })
  connection = await connect({
    environment: {
      AWS_ACCESS_KEY_ID: project?.accessKeyId,
      AWS_SECRET_ACCESS_KEY: project?.secretAccessKey,
      AWS_ENDPOINT_URL: sandbox.endpoint,
      AWS_CREDENTIAL_EXPIRATION: '2030-01-01T00:00:00Z',
    },
    homeDirectory: folder,
    ...request,
  })
  return { connection, project }
}

describe('a connection for transfers', () => {
  it('reports what is tried again, and names neither keys nor signatures', async () => {
    const events: TransferEvent[] = []
    const { connection, project } = await start(
      {
        faults: ({ operation, attempt }) =>
          operation === 'PutObject' && attempt === 1
            ? { kind: 'status', status: 500, code: 'InternalError' }
            : undefined,
      },
      { onEvent: (event) => events.push(event) },
    )
    await connection.store.createBucket('bucket')
    await connection.store.putObject('bucket', 'reads.c4gh', new Uint8Array(10))
    expect(events).toEqual([
      expect.objectContaining({
        event: 'retry',
        operation: 'PutObject',
        objectKey: 'reads.c4gh',
        code: 'STORE_FAILURE',
        attempt: 1,
      }),
    ])
    expect(JSON.stringify(events)).not.toMatch(new RegExp(`${project?.secretAccessKey}|Signature=`))
  })

  it('with --retry-for 0 tries nothing again', async () => {
    const events: TransferEvent[] = []
    const faults = () => ({ kind: 'status', status: 503, code: 'SlowDown' }) as const
    const { connection } = await start({ faults }, { retryFor: 0, onEvent: (event) => events.push(event) })
    await expect(connection.store.headObject('bucket', 'x')).rejects.toMatchObject({ status: 503 })
    expect(events).toEqual([])
  })

  it('keeps a pace in both directions', async () => {
    let taken = 0
    const pace = {
      take: async (bytes: number) => {
        taken += bytes
      },
    }
    const { connection } = await start({}, { pace })
    await connection.store.createBucket('bucket')
    await connection.store.putObject('bucket', 'x', new Uint8Array(1000))
    const { body } = await connection.store.getObject('bucket', 'x')
    for await (const chunk of body) expect(chunk.length).toBeGreaterThan(0)
    expect(taken).toBe(2000)
  })

  it('tells when its credentials end', async () => {
    const { connection } = await start({})
    expect(await connection.credentialsExpireAt()).toEqual(new Date('2030-01-01T00:00:00Z'))
  })

  it('whose clock is wrong says so and goes on', async () => {
    const notices: string[] = []
    const now = () => new Date(Date.now() + 3_600_000)
    const { connection } = await start({ now }, { onNotice: (message) => notices.push(message) })
    await connection.store.createBucket('bucket')
    expect(await connection.store.bucketState('bucket')).toBe('visible')
    expect(notices).toEqual([expect.stringContaining('60 minutes behind')])
  })
})
