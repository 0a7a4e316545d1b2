import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { startSandbox } from '../../src/sandbox/server.ts'
import { startCephRgw } from './ceph-rgw.ts'
import type { CephUser } from './ceph-rgw.ts'
import { missing } from './requirements.ts'

/** One of the three projects of every story, with its credentials. */
export interface Project {
  accessKeyId: string
  secretAccessKey: string
  /** As `sealift project add` takes it. */
  identity: string
  /** What the producer is called in the group's address book. */
  name: string
}

/** A running S3 server with a group that owns the bucket, a producer that is let in, and an outsider. */
export interface Backend {
  name: string
  endpoint: string
  projects: { group: Project; producer: Project; outsider: Project }
  /** How the producer and the outsider address a bucket of the group. */
  bucketAddress(bucket: string): string
  close: () => Promise<void>
}

/** A backend that can be started, or the reason why it can't be on this machine. */
export interface BackendPlan {
  name: string
  skipped: string | undefined
  start: () => Promise<Backend>
}

/** Every server the stories run on: the sandbox always, a real Ceph RGW where it is installed. */
export function backends(): BackendPlan[] {
  const skipped = missing('rgw')
  return [
    { name: 'sandbox', skipped: undefined, start: startSandboxBackend },
    { name: 'rgw', skipped, start: () => startRgwBackend('rgw', IN_ONE_TENANT) },
    {
      name: 'rgw across tenants',
      skipped,
      start: () => startRgwBackend('rgw across tenants', ACROSS_TENANTS),
    },
  ]
}

type Role = keyof Backend['projects']
type Users = Readonly<Record<Role, CephUser>>

const IN_ONE_TENANT: Users = {
  group: user('project_2000222'),
  producer: user('project_2000111'),
  outsider: user('project_2000333'),
}

/** As with Keystone, where the tenant and the user are both the project's id. */
const ACROSS_TENANTS: Users = {
  group: user('proj222', 'proj222'),
  producer: user('proj111', 'proj111'),
  outsider: user('proj333', 'proj333'),
}

/** Keys of throw-away servers: fixed, so that a failing run can be repeated by hand. */
function user(uid: string, tenant?: string): CephUser {
  return { uid, tenant, accessKeyId: `AK${uid}`, secretAccessKey: `SK${uid}` }
}

async function startSandboxBackend(): Promise<Backend> {
  const directory = await mkdtemp(join(tmpdir(), 'sealift-sandbox-'))
  const server = await startSandbox({ directory, projects: Object.values(IN_ONE_TENANT), port: 0 })
  return backend('sandbox', server.endpoint, IN_ONE_TENANT, async () => {
    await server.close()
    await rm(directory, { recursive: true, force: true })
  })
}

async function startRgwBackend(name: string, users: Users): Promise<Backend> {
  const cluster = await startCephRgw()
  try {
    for (const account of Object.values(users)) await cluster.createUser(account)
  } catch (error) {
    await cluster.close()
    throw error
  }
  return backend(name, cluster.endpoint, users, cluster.close)
}

function backend(name: string, endpoint: string, users: Users, close: () => Promise<void>): Backend {
  const { tenant } = users.group
  return {
    name,
    endpoint,
    projects: {
      group: project(users.group),
      producer: project(users.producer),
      outsider: project(users.outsider),
    },
    bucketAddress: (bucket) => (tenant === undefined ? bucket : `${tenant}:${bucket}`),
    close,
  }
}

function project({ uid, tenant, accessKeyId, secretAccessKey }: CephUser): Project {
  const identity = `rgw:${tenant === undefined ? uid : `${tenant}$${uid}`}`
  return { accessKeyId, secretAccessKey, identity, name: uid }
}
