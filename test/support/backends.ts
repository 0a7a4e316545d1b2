import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { personalities } from '../../src/sandbox/personality/personalities.ts'
import type { PersonalityName } from '../../src/sandbox/personality/names.ts'
import { startSandbox, type SandboxOptions } from '../../src/sandbox/server.ts'
import type { ProviderName } from '../../src/storage/provider/provider.ts'
import { startCephRgw } from './ceph-rgw.ts'
import type { CephUser } from './ceph-rgw.ts'
import { startMinio } from './minio.ts'
import { findProgram, missing } from './requirements.ts'
import { startVersitygw } from './versitygw.ts'
import type { AccountServer } from './versitygw.ts'

/** One of the four projects of every story, with its credentials. */
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
  /** What kind of server it is, or plays: which of the stories can be told there. */
  provider: ProviderName
  /** `other` is a second project that may be let in, where a story needs one beside the producer. */
  projects: { group: Project; producer: Project; outsider: Project; other: Project }
  /** How everybody but the group addresses a bucket of the group. */
  bucketAddress(bucket: string): string
  close: () => Promise<void>
}

/** A backend that can be started, or the reason why it can't be on this machine. */
export interface BackendPlan {
  name: string
  provider: ProviderName
  skipped: string | undefined
  start: () => Promise<Backend>
}

/** The servers that every story runs on: the sandbox always, a real Ceph RGW where it is installed. */
export function backends(): BackendPlan[] {
  const skipped = missing('rgw')
  return [
    { name: 'sandbox', provider: 'ceph', skipped: undefined, start: () => startSandboxAs('rgw') },
    {
      name: 'rgw',
      provider: 'ceph',
      skipped,
      start: () => startRgwBackend('rgw', IN_ONE_TENANT),
    },
    {
      name: 'rgw across tenants',
      provider: 'ceph',
      skipped,
      start: () => startRgwBackend('rgw across tenants', ACROSS_TENANTS),
    },
  ]
}

/**
 * Every server there is, those too that can share nothing or little: for the stories of sharing, and of its refusal.
 * Real versitygw and MinIO run where they are installed.
 */
export function sharingBackends(): BackendPlan[] {
  const plays = (personality: 'aws' | 'versitygw' | 'minio' | 'swift'): BackendPlan => ({
    name: `sandbox as ${personality}`,
    provider: personality,
    skipped: undefined,
    start: () => startSandboxAs(personality),
  })
  return [
    ...backends(),
    plays('aws'),
    plays('versitygw'),
    plays('minio'),
    plays('swift'),
    {
      name: 'versitygw',
      provider: 'versitygw',
      skipped: missing('versitygw'),
      start: () => startAccountBackend('versitygw', () => startVersitygw(programPath('versitygw'))),
    },
    {
      name: 'minio',
      provider: 'minio',
      skipped: missing('minio'),
      start: () =>
        startAccountBackend('minio', () =>
          startMinio({ minio: programPath('minio'), mcli: programPath('mcli') }),
        ),
    },
  ]
}

type Role = keyof Backend['projects']
type Users = Readonly<Record<Role, CephUser>>

const IN_ONE_TENANT: Users = {
  // The first one: MinIO gives the buckets to whoever is made first.
  group: user('project_2000222'),
  producer: user('project_2000111'),
  outsider: user('project_2000333'),
  other: user('project_2000444'),
}

/** As with Keystone, where the tenant and the user are both the project's id. */
const ACROSS_TENANTS: Users = {
  group: user('proj222', 'proj222'),
  producer: user('proj111', 'proj111'),
  outsider: user('proj333', 'proj333'),
  other: user('proj444', 'proj444'),
}

/** Swift's ACLs know the users of one account only. */
const IN_ONE_ACCOUNT: Users = {
  group: user('group', 'animine'),
  producer: user('producer', 'animine'),
  outsider: user('outsider', 'animine'),
  other: user('other', 'animine'),
}

/** Keys of throw-away servers: fixed, so that a failing run can be repeated by hand. */
function user(uid: string, tenant?: string): CephUser {
  return { uid, tenant, accessKeyId: `AK${uid}`, secretAccessKey: `SK${uid}` }
}

/** The sandbox as one of the servers it can play, or as one of those that no client should trust. */
export async function startSandboxAs(
  personality: PersonalityName,
  hooks: Pick<SandboxOptions, 'beforeRequest' | 'onRequest'> = {},
): Promise<Backend> {
  const directory = await mkdtemp(join(tmpdir(), 'sealift-sandbox-'))
  const users = personality === 'swift' ? IN_ONE_ACCOUNT : IN_ONE_TENANT
  const projects = Object.values(users)
  const server = await startSandbox({ directory, projects, port: 0, personality, ...hooks })
  const { accounts } = personalities[personality].rules
  return {
    name: personality === 'rgw' ? 'sandbox' : `sandbox as ${personality}`,
    provider: PROVIDER_PLAYED[personality],
    endpoint: server.endpoint,
    ...people(users, (one) => accounts.bookIdentity(one)),
    bucketAddress: (bucket) => bucket,
    async close() {
      await server.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

const PROVIDER_PLAYED: Readonly<Record<PersonalityName, ProviderName>> = {
  rgw: 'ceph',
  aws: 'aws',
  minio: 'minio',
  versitygw: 'versitygw',
  swift: 'swift',
  'fall-through': 'ceph',
  deaf: 'ceph',
  garbled: 'ceph',
}

async function startRgwBackend(name: string, users: Users): Promise<Backend> {
  const cluster = await startCephRgw()
  try {
    for (const account of Object.values(users)) await cluster.createUser(account)
  } catch (error) {
    await cluster.close()
    throw error
  }
  const { endpoint, close } = cluster
  return { name, provider: 'ceph', endpoint, ...people(users, rgwIdentity), close }
}

/** A server that calls its accounts by their access key ids. */
async function startAccountBackend(
  provider: 'versitygw' | 'minio',
  start: () => Promise<AccountServer>,
): Promise<Backend> {
  const server = await start()
  try {
    for (const account of Object.values(IN_ONE_TENANT)) await server.createAccount(account)
  } catch (error) {
    await server.close()
    throw error
  }
  const { endpoint, close } = server
  return { name: provider, provider, endpoint, ...people(IN_ONE_TENANT, accountIdentity), close }
}

function people(
  users: Users,
  identityOf: (user: CephUser) => string,
): Pick<Backend, 'projects' | 'bucketAddress'> {
  const { tenant } = users.group
  const project = (one: CephUser): Project => ({
    accessKeyId: one.accessKeyId,
    secretAccessKey: one.secretAccessKey,
    identity: identityOf(one),
    name: one.uid,
  })
  return {
    projects: {
      group: project(users.group),
      producer: project(users.producer),
      outsider: project(users.outsider),
      other: project(users.other),
    },
    bucketAddress: (bucket) => (tenant === undefined ? bucket : `${tenant}:${bucket}`),
  }
}

function rgwIdentity({ uid, tenant }: CephUser): string {
  return `rgw:${tenant === undefined ? uid : `${tenant}$${uid}`}`
}

function accountIdentity({ accessKeyId }: CephUser): string {
  return `access-key:${accessKeyId}`
}

/** {@link missing} was asked before: it is there. */
function programPath(program: string): string {
  const path = findProgram(program)
  if (path === undefined) throw new Error(`no ${program} on PATH`)
  return path
}
