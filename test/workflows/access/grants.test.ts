import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { PolicyStatement } from '../../../src/storage/access/access-store.ts'
import { grantAccess } from '../../../src/workflows/grant-access.ts'
import { openBucket } from '../../../src/workflows/open-bucket.ts'
import { revokeAccess } from '../../../src/workflows/revoke-access.ts'
import { parseBucket } from '../../../src/workflows/s3-url.ts'
import { showAccess } from '../../../src/workflows/show-access.ts'
import { refusal } from '../../support/s3.ts'
import { onEveryStore } from './stage.ts'

const BYTES = Buffer.from('sealed')
/** Seconds: the requests before the end have to fit in, and somebody waits for the rest. */
const OPEN = 5

onEveryStore('a grant', (stage) => {
  it('that ends takes from the producer what it owns as well, and nothing before', async () => {
    const { group, producer, newBucket, address } = stage()
    const bucket = newBucket()
    const until = new Date(Math.ceil(Date.now() / 1000 + OPEN) * 1000)
    const { project } = producer
    await openBucket(group.store, { bucket, project, terms: { role: 'depositor', until }, keyFiles: [] })
    // As earlier versions wrote it: only the Allow has an end.
    const before = newBucket()
    await openBucket(group.store, {
      bucket: before,
      project,
      terms: { role: 'depositor', until },
      keyFiles: [],
    })
    const { Statement = [], ...policy } = (await group.store.bucketPolicy(before)) ?? {}
    const withoutEnd = Statement.filter(({ Sid }) => Sid?.includes('Ended') !== true)
    expect(withoutEnd).toHaveLength(Statement.length - 1)
    await group.store.putBucketPolicy(before, { ...policy, Statement: withoutEnd })

    const own = { Bucket: address(bucket), Key: 'run_12/a.c4gh' }
    const earlier = { ...own, Bucket: address(before) }
    const seen = async (object = own) => (await producer.s3.send(new HeadObjectCommand(object))).ContentLength
    for (const object of [own, earlier])
      await producer.s3.send(new PutObjectCommand({ ...object, Body: BYTES }))
    // Ceph lets an uploader read what it owns; until the end that is its right.
    expect(await seen()).toBe(BYTES.length)

    await sleep(until.getTime() - Date.now() + 1500)
    expect(await seen(earlier)).toBe(BYTES.length)
    expect(await refusal(producer.s3.send(new GetObjectCommand(own)))).toBe(403)
    expect(await refusal(producer.s3.send(new HeadObjectCommand(own)))).toBe(403)
    expect(await refusal(producer.s3.send(new PutObjectCommand({ ...own, Body: BYTES })))).toBe(403)
    expect((await group.store.headObject(bucket, own.Key)).size).toBe(BYTES.length)
    for (const name of [bucket, before]) {
      const { access } = await showAccess(group.store, { bucket: name })
      expect(access).toContainEqual(expect.objectContaining({ access: 'depositor', expired: true }))
    }

    // A later grant takes the end away again.
    await grantAccess(group.store, { bucket, project, terms: { role: 'depositor' } })
    expect(await seen()).toBe(BYTES.length)
  })

  it('tried first writes nothing, and shows what it then does', async () => {
    const { group, producer, outsider, newBucket } = stage()
    const bucket = newBucket()
    await group.store.createBucket(bucket)
    const request = { bucket, project: producer.project, terms: { role: 'reader' } } as const
    const planned = await grantAccess(group.store, { ...request, dryRun: true })
    expect(planned).toMatchObject({ state: 'planned', before: [], mechanism: 'policy' })
    expect(await group.store.bucketPolicy(bucket)).toBeUndefined()

    await grantAccess(group.store, request)
    expect((await group.store.bucketPolicy(bucket))?.Statement).toEqual(planned.after)
    const other = { ...request, project: outsider.project, dryRun: true }
    const second = await grantAccess(group.store, other)
    expect(second.before).toEqual(planned.after)
    expect(second.after?.length).toBeGreaterThan(second.before?.length ?? 0)
    expect((await group.store.bucketPolicy(bucket))?.Statement).toEqual(planned.after)
  })

  it('says how the other project addresses the bucket, and it does', async () => {
    const { group, producer, newBucket, address } = stage()
    const bucket = newBucket()
    const { project } = producer
    const { grant } = await openBucket(group.store, {
      bucket,
      project,
      terms: { role: 'depositor' },
      keyFiles: [],
    })
    expect(grant.address).toBe(`s3://${address(bucket)}/`)
    await producer.store.putObject(parseBucket(grant.address), 'a.c4gh', BYTES)
    expect((await group.store.headObject(bucket, 'a.c4gh')).size).toBe(BYTES.length)
  })

  it('of others with one Sid for all, as SD Connect has them, stays beside ours', async () => {
    const { group, producer, outsider, newBucket } = stage()
    const bucket = newBucket()
    await group.store.createBucket(bucket)
    const shared = (id: string): PolicyStatement => ({
      Sid: 'GrantSDConnectSharedAccessToProject',
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${id}:root` },
      Action: ['s3:GetObject', 's3:ListBucket', 's3:GetObjectTagging', 's3:GetObjectVersion'],
      Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
    })
    const theirs = [shared('3'.repeat(32)), shared('4'.repeat(32))]
    await group.store.putBucketPolicy(bucket, { Version: '2012-10-17', Statement: theirs })
    await grantAccess(group.store, { bucket, project: producer.project, terms: { role: 'reader' } })
    const { access } = await showAccess(group.store, { bucket })
    expect(access.filter(({ by }) => by === 'sd-connect').map(({ access: role }) => role)).toEqual([
      'reader',
      'reader',
    ])
    const project = { name: 'three', grantee: { type: 'keystone', projectId: '3'.repeat(32) } } as const
    await revokeAccess(group.store, { bucket, project })
    await grantAccess(group.store, { bucket, project: outsider.project, terms: { role: 'reader' } })
    const policy = await group.store.bucketPolicy(bucket)
    expect(policy?.Statement).toContainEqual(theirs[1])
    expect(policy?.Statement).not.toContainEqual(theirs[0])
  })
})
