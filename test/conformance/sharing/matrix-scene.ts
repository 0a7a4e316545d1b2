import {
  CreateMultipartUploadCommand,
  GetBucketPolicyCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { setTimeout as sleep } from 'node:timers/promises'

import { ROLES, type Role } from '../../../src/storage/access/roles.ts'
import { grantAccess } from '../../../src/workflows/grant-access.ts'
import { revokeAccess } from '../../../src/workflows/revoke-access.ts'
import { CALLERS, MOMENTS, ROLE_OF_OTHER, type Caller, type Moment } from './expectations.ts'
import type { Targets, Upload } from './operations.ts'
import type { Stage } from './stage.ts'

/** Seconds for which the short grant lasts: enough to be written, and to wait for. */
const SHORT = 3

/** How many operations take a delivered object, and how many an unfinished upload. */
const DELIVERIES = 4
const UPLOADS = 4

/** A bucket at one moment of a grant's life, and what each caller may lay hands on there. */
export type Scene = Readonly<Record<Caller, { s3: S3Client; targets: Targets }>>

/** Makes the bucket, lets `other` in, and brings the grantee to the moment that is asked for. */
export async function prepareScene(stage: Stage, role: Role, moment: Moment): Promise<Scene> {
  const { group, producer, other, address, newBucket } = stage
  const bucket = newBucket()
  const theirs = address(bucket)
  await group.store.createBucket(bucket)
  await group.store.enableVersioning(bucket)
  await group.s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'keys/animine.pub', Body: 'key' }))
  await grantAccess(group.store, {
    bucket,
    project: other.project,
    terms: { role: ROLE_OF_OTHER[role] },
  })

  const grant = (until?: Date): Promise<unknown> =>
    grantAccess(group.store, { bucket, project: producer.project, terms: { role, until } })
  if (moment !== 'before') await grant()
  const isSender = moment !== 'before' && role !== 'reader'
  const sender = isSender ? { s3: producer.s3, Bucket: theirs } : { s3: group.s3, Bucket: bucket }
  const delivered: string[] = []
  const uploads: Upload[] = []
  for (let nth = 0; nth < CALLERS.length * DELIVERIES; nth += 1) delivered.push(await deliver(sender, nth))
  for (let nth = 0; nth < CALLERS.length * UPLOADS; nth += 1) uploads.push(await begin(sender, `sent/${nth}`))

  if (moment === 'expired') {
    const end = new Date(Date.now() + SHORT * 1000)
    await grant(end)
    await sleep(end.getTime() - Date.now() + 1000)
  }
  if (moment === 'revoked') await revokeAccess(group.store, { bucket, project: producer.project })
  const policy = await policyOf(group.s3, bucket)

  const targetsFor = (caller: Caller): Targets => {
    let keys = 0
    const freshKey = (): string => `new/${caller}-${++keys}`
    const put = async (Key: string): Promise<string> => {
      await group.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'the group’s' }))
      return Key
    }
    const at = CALLERS.indexOf(caller)
    const ownDelivered = delivered.slice(at * DELIVERIES, (at + 1) * DELIVERIES)
    const ownUploads = uploads.slice(at * UPLOADS, (at + 1) * UPLOADS)
    // Revoking ends the unfinished uploads, unless it can't tell whose they are: the others need one that is there.
    const isAborted = moment === 'revoked' && caller !== 'grantee'
    return {
      Bucket: caller === 'owner' ? bucket : theirs,
      policy,
      freshKey,
      data: () => put(freshKey()),
      card: () => put(`keys/${caller}-${++keys}.pub`),
      delivered: async () => next(ownDelivered),
      upload: async () =>
        isAborted ? begin({ s3: group.s3, Bucket: bucket }, freshKey()) : next(ownUploads),
    }
  }
  const clients: Readonly<Record<Caller, S3Client>> = {
    owner: group.s3,
    grantee: producer.s3,
    other: other.s3,
    outsider: stage.outsider.s3,
    anonymous: stage.anonymous,
  }
  const part = (caller: Caller): Scene[Caller] => ({ s3: clients[caller], targets: targetsFor(caller) })
  return {
    owner: part('owner'),
    grantee: part('grantee'),
    other: part('other'),
    outsider: part('outsider'),
    anonymous: part('anonymous'),
  }
}

interface Sender {
  s3: S3Client
  Bucket: string
}

async function deliver({ s3, Bucket }: Sender, nth: number): Promise<string> {
  const Key = `delivered/${nth}`
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'delivered' }))
  return Key
}

async function begin({ s3, Bucket }: Sender, Key: string): Promise<Upload> {
  const { UploadId = '' } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  const part = { Bucket, Key, UploadId, PartNumber: 1, Body: 'part' }
  const { ETag = '' } = await s3.send(new UploadPartCommand(part))
  return { Key, UploadId, etag: ETag }
}

async function policyOf(s3: S3Client, Bucket: string): Promise<string> {
  const { Policy = '' } = await s3.send(new GetBucketPolicyCommand({ Bucket }))
  return Policy
}

function next<Target>(targets: Target[]): Target {
  const target = targets.shift()
  if (target === undefined) throw new Error('more operations than targets')
  return target
}

/** Every role at every moment. */
export const CASES = ROLES.flatMap((role) => MOMENTS.map((moment) => ({ role, moment })))
