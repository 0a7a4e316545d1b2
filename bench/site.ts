import {
  CreateBucketCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3'
import type { S3Client } from '@aws-sdk/client-s3'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { startCephRgw } from '../test/support/ceph-rgw.ts'
import { s3Client } from '../test/support/s3.ts'
import { measure } from './measure.ts'
import type { Command } from './measure.ts'
import type { Address } from './plain-peers.ts'
import { createWorkplace, peerCommand, sealiftCommand } from './workplace.ts'
import type { Peer, Workplace } from './workplace.ts'

/** A server with an empty bucket, a folder for the files, a key pair, and every program set up to use them. */
export interface Site {
  /** What it is, for titles. */
  title: string
  workplace: Workplace
  sealift: (...args: string[]) => Command
  peer: (peer: Peer, args: readonly string[], more?: Pick<Command, 'stdin' | 'stdout'>) => Command
  address: (objectKey: string) => Address
  /** Removes every object below a prefix, and what is left of it in the server. */
  remove: (prefix: string) => Promise<void>
  /** Throws when a program left an unfinished upload behind. */
  refuseLeftovers: () => Promise<void>
  close: () => Promise<void>
}

interface Server {
  title: string
  endpoint: string
  collectGarbage: () => Promise<void>
  close: () => Promise<void>
}

const BUCKET = 'bench'
const USER = { accessKeyId: 'AKbench', secretAccessKey: 'SKbench' }

/** A throw-away Ceph RGW for `capacity` bytes, in a file on disk; `room` bytes for the files beside it. */
export async function openRgwSite(room: number, capacity: number, onDisk = false): Promise<Site> {
  const workplace = await createWorkplace(room, onDisk)
  const cluster = await startCephRgw({ objectStore: 'bluestore', capacity: capacity + 4 * 1024 ** 3 })
  await cluster.createUser({ uid: 'bench', ...USER })
  return openSite(workplace, { ...cluster, title: 'Ceph RGW' })
}

/** The sandbox in a process of its own, which checks and hashes what it gets and then forgets it. */
export function openDiscardingSite(room: number): Promise<Site> {
  return openSandbox(room, 'a sandbox that discards', [])
}

/** The same, but what it gets is kept, in files beside those of the bench. */
export function openSandboxSite(room: number): Promise<Site> {
  return openSandbox(room, 'the sandbox', ['keep'])
}

async function openSandbox(room: number, title: string, words: readonly string[]): Promise<Site> {
  const workplace = await createWorkplace(room)
  const server = fork(new URL('sandbox-process.ts', import.meta.url), [
    join(workplace.folder, 'sandbox'),
    USER.accessKeyId,
    USER.secretAccessKey,
    ...words,
  ])
  const [endpoint] = (await once(server, 'message')) as [string]
  return openSite(workplace, {
    title,
    endpoint,
    collectGarbage: () => Promise.resolve(),
    async close() {
      const ended = once(server, 'exit')
      server.kill('SIGTERM')
      await ended
    },
  })
}

async function openSite(workplace: Workplace, server: Server): Promise<Site> {
  const { folder } = workplace
  // What sealift remembers of a transfer belongs on a disk, as at its users': writing it is part of the work.
  const stateFolder = await mkdtemp(join(tmpdir(), 'sealift-bench-state-'))
  const env = { ...(await configure(workplace, server.endpoint)), SEALIFT_STATE_DIR: stateFolder }
  const client = s3Client(server.endpoint, USER)
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }))
  const sealift = (...args: string[]): Command => sealiftCommand(folder, args, env)
  await measure(sealift('key', 'generate', 'bench', '--no-passphrase', '--force'))
  return {
    title: server.title,
    workplace,
    sealift,
    peer: (peer, args, more) => peerCommand(peer, folder, args, { env, ...more }),
    address: (objectKey) => ({
      url: `s3://${BUCKET}/${objectKey}`,
      path: `${BUCKET}/${objectKey}`,
      endpoint: server.endpoint,
    }),
    async remove(prefix) {
      await removeObjects(client, prefix)
      await server.collectGarbage()
    },
    refuseLeftovers: () => refuseLeftovers(client),
    async close() {
      client.destroy()
      await server.close()
      await workplace.remove()
      await rm(stateFolder, { recursive: true, force: true })
    },
  }
}

async function removeObjects(client: S3Client, prefix: string): Promise<void> {
  for (;;) {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: prefix }))
    if (Contents.length === 0) return
    const Objects = Contents.map(({ Key }) => ({ Key }))
    await client.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects, Quiet: true } }))
  }
}

/** An upload that ended well leaves nothing unfinished behind. */
async function refuseLeftovers(client: S3Client): Promise<void> {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }))
  if (Uploads.length > 0)
    throw new Error(`unfinished uploads are left: ${Uploads.map(({ Key }) => Key).join(', ')}`)
}

/** Gives each program the endpoint and the credentials where it looks for them. */
async function configure({ folder, path }: Workplace, endpoint: string): Promise<Record<string, string>> {
  await mkdir(path('.aws'), { recursive: true })
  const keys = `aws_access_key_id = ${USER.accessKeyId}\naws_secret_access_key = ${USER.secretAccessKey}\n`
  await writeFile(path('.aws', 'credentials'), `[default]\n${keys}`, { mode: 0o600 })
  // RGW 16 verifies no S3 checksum headers: computing them would only cost aws time.
  const checksums =
    'request_checksum_calculation = when_required\nresponse_checksum_validation = when_required\n'
  await writeFile(
    path('.aws', 'config'),
    `[default]\nregion = us-east-1\nendpoint_url = ${endpoint}\n${checksums}`,
  )
  return {
    HOME: folder,
    AWS_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    RCLONE_CONFIG: path('rclone.conf'),
    RCLONE_CONFIG_BENCH_TYPE: 's3',
    RCLONE_CONFIG_BENCH_PROVIDER: 'Ceph',
    RCLONE_CONFIG_BENCH_ENDPOINT: endpoint,
    RCLONE_CONFIG_BENCH_ACCESS_KEY_ID: USER.accessKeyId,
    RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY: USER.secretAccessKey,
  }
}
