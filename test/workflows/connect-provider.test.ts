import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startSandbox } from '../../src/sandbox/server.ts'
import { providerNamed } from '../../src/storage/provider/providers.ts'
import { connect, type ConnectRequest } from '../../src/workflows/connect.ts'
import { writeServer } from '../../src/workflows/server-book.ts'

let folder: string
let server: Awaited<ReturnType<typeof startSandbox>>
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-connect-'))
  const projects = [{ uid: 'group', accessKeyId: 'AK', secretAccessKey: 'SK' }]
  server = await startSandbox({ directory: join(folder, 'data'), projects, port: 0 })
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

const environment = { AWS_ACCESS_KEY_ID: 'AK', AWS_SECRET_ACCESS_KEY: 'SK' }

async function providerOf(request: Partial<ConnectRequest>): Promise<string> {
  const connection = await connect({
    endpoint: server.endpoint,
    environment,
    homeDirectory: folder,
    retryFor: 0,
    ...request,
  })
  try {
    return (await connection.store.provider()).name
  } finally {
    connection.close()
  }
}

it('what the user says counts before what doctor saw, and that before the host and the answers', async () => {
  const serversFile = join(folder, 'servers.json')
  expect(await providerOf({ serversFile })).toBe('ceph')
  await writeServer(serversFile, server.endpoint, providerNamed('versitygw'), new Date())
  expect(await providerOf({ serversFile })).toBe('versitygw')
  expect(await providerOf({ serversFile, provider: 'minio' })).toBe('minio')
})

it('nothing is asked of a host whose kind is known', async () => {
  // Reserved for documentation: nothing answers there.
  expect(await providerOf({ endpoint: 'https://a3s.fi' })).toBe('ceph-keystone')
  expect(await providerOf({ endpoint: 'https://192.0.2.1', provider: 'ceph' })).toBe('ceph')
})

it('somebody without an account finds out as well: a refusal has the same headers', async () => {
  expect(await providerOf({ anonymous: true, environment: {} })).toBe('ceph')
})

it('credentials that are refused do not hide the server', async () => {
  expect(await providerOf({ environment: { ...environment, AWS_SECRET_ACCESS_KEY: 'wrong' } })).toBe('ceph')
})
