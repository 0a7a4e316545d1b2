import {
  CompleteMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'

import type { GrantTerms } from '../../../src/storage/access/roles.ts'
import type { Provider } from '../../../src/storage/provider/provider.ts'
import { closeBucket } from '../../../src/workflows/close-bucket.ts'
import { grantAccess } from '../../../src/workflows/grant-access.ts'
import { openBucket } from '../../../src/workflows/open-bucket.ts'
import { revokeAccess } from '../../../src/workflows/revoke-access.ts'
import { refusal } from '../../support/s3.ts'
import { principalOf } from './grant-stories.ts'
import type { Stage } from './stage.ts'
import { beginUpload, get, keysOf, put, stateOf, unfinished } from './steps.ts'

/** How a grant ends, on a server that has bucket policies. */
export function revokeStories(stage: () => Stage, { capabilities }: Provider): void {
  const opened = async (terms: GrantTerms): Promise<{ bucket: string; theirs: string }> => {
    const { group, producer, newBucket, address } = stage()
    const bucket = newBucket()
    await openBucket(group.store, { bucket, project: producer.project, terms, keyFiles: [] })
    return { bucket, theirs: address(bucket) }
  }
  /** The producer may do nothing any more, what it uploaded itself included. */
  const expectShutOut = async (theirs: string, uploaded: string): Promise<void> => {
    const { s3 } = stage().producer
    const there = { Bucket: theirs, Key: uploaded }
    expect(await refusal(s3.send(new ListObjectsV2Command({ Bucket: theirs })))).toBe(403)
    expect(await refusal(s3.send(new ListObjectsV2Command({ Bucket: theirs, Prefix: 'keys/' })))).toBe(403)
    expect(await refusal(s3.send(new GetObjectCommand(there)))).toBe(403)
    expect(await refusal(s3.send(new PutObjectCommand({ ...there, Body: 'x' })))).toBe(403)
    expect(await refusal(s3.send(new DeleteObjectCommand(there)))).toBe(403)
  }

  if (capabilities.policyConditions === 'enforced') {
    it('a grant ends by itself, for what was uploaded under it as well', async () => {
      const { group, producer } = stage()
      const { bucket, theirs } = await opened({ role: 'depositor' })
      await put(producer.s3, theirs, 'in-time')
      const { UploadId } = await beginUpload(producer.s3, theirs, 'too-slow')
      const until = new Date(Date.now() + 3000)
      const terms = { role: 'depositor', until } as const
      await grantAccess(group.store, { bucket, project: producer.project, terms })
      await sleep(until.getTime() - Date.now() + 1000)
      await expectShutOut(theirs, 'in-time')
      const part = { Bucket: theirs, Key: 'too-slow', UploadId, PartNumber: 2, Body: 'late' }
      expect(await refusal(producer.s3.send(new UploadPartCommand(part)))).toBe(403)
      expect(await get(group.s3, bucket, 'in-time')).toBe('in-time')
    })
  }

  it.each(['depositor', 'collaborator'] as const)(
    'after a revocation a %s has no way in, and the owner keeps everything',
    async (role) => {
      const { group, producer } = stage()
      const { bucket, theirs } = await opened({ role })
      await put(producer.s3, theirs, 'delivered')
      const revoked = await revokeAccess(group.store, { bucket, project: producer.project })
      expect(revoked).toMatchObject({ mechanism: 'policy', remaining: [], blocked: true })
      await expectShutOut(theirs, 'delivered')
      expect(await get(group.s3, bucket, 'delivered')).toBe('delivered')
      // Once more is no failure.
      const again = await revokeAccess(group.store, { bucket, project: producer.project })
      expect(again).toMatchObject({ remaining: [] })
      expect(again.removed.statements).toEqual([])
    },
  )

  it('an upload under way is ended: it cannot go on, and no object comes of it', async () => {
    const { group, producer } = stage()
    const { bucket, theirs } = await opened({ role: 'depositor' })
    const { Key, UploadId, ETag } = await beginUpload(producer.s3, theirs, 'in-flight')
    expect(await unfinished(group.s3, bucket)).toEqual(['in-flight'])
    const revoked = await revokeAccess(group.store, { bucket, project: producer.project })
    expect(revoked.aborted.map(({ objectKey }) => objectKey)).toEqual(['in-flight'])
    const upload = { Bucket: theirs, Key, UploadId }
    const part = { ...upload, PartNumber: 2, Body: 'late' }
    expect(await refusal(producer.s3.send(new UploadPartCommand(part)))).toBe(403)
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
    const complete = new CompleteMultipartUploadCommand({ ...upload, MultipartUpload })
    expect(await refusal(producer.s3.send(complete))).toBe(403)
    expect(await unfinished(group.s3, bucket)).toEqual([])
    expect(await keysOf(group.s3, bucket)).toEqual([])
  })

  it('another project that was let in stays in, with what it uploaded', async () => {
    const { group, producer, other } = stage()
    const { bucket, theirs } = await opened({ role: 'depositor' })
    await grantAccess(group.store, { bucket, project: other.project, terms: { role: 'collaborator' } })
    await put(other.s3, theirs, 'others')
    await put(producer.s3, theirs, 'delivered')
    await revokeAccess(group.store, { bucket, project: producer.project })
    await expectShutOut(theirs, 'delivered')
    expect(await keysOf(other.s3, theirs)).toEqual(['delivered', 'others'])
    expect(await get(other.s3, theirs, 'others')).toBe('others')
    await put(other.s3, theirs, 'more')
  })

  it('who was shut out can be let in again', async () => {
    const { group, producer } = stage()
    const { bucket, theirs } = await opened({ role: 'depositor' })
    await revokeAccess(group.store, { bucket, project: producer.project })
    await grantAccess(group.store, { bucket, project: producer.project, terms: { role: 'collaborator' } })
    await put(producer.s3, theirs, 'again')
    expect(await get(producer.s3, theirs, 'again')).toBe('again')
  })

  it("in somebody else's statement only this project is taken out", async () => {
    const { group, producer, other, outsider, backend, newBucket, address } = stage()
    const bucket = newBucket()
    await group.store.createBucket(bucket)
    await put(group.s3, bucket, 'reads')
    const { projects } = backend
    const named = (identity: string): string => principalOf(identity)
    const arn = `arn:aws:s3:::${bucket}`
    const Statement = [
      {
        Sid: 'TheOwner',
        Effect: 'Allow',
        Principal: { AWS: named(projects.group.identity) },
        Action: 's3:*',
        Resource: [arn, `${arn}/*`],
      },
      {
        Sid: 'TheirsToKeep',
        Effect: 'Allow',
        Principal: { AWS: [named(projects.producer.identity), named(projects.other.identity)] },
        Action: 's3:GetObject',
        Resource: `${arn}/*`,
      },
    ]
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
    await group.s3.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }))
    const theirs = address(bucket)
    expect(await get(producer.s3, theirs, 'reads')).toBe('reads')
    await revokeAccess(group.store, { bucket, project: producer.project })
    await expectShutOut(theirs, 'reads')
    expect(await get(other.s3, theirs, 'reads')).toBe('reads')
    const outside = new GetObjectCommand({ Bucket: theirs, Key: 'reads' })
    expect(await refusal(outsider.s3.send(outside))).toBe(403)
  })

  it('the owner is never shut out: not by naming it, and not by what is left after everybody is out', async () => {
    const { group, producer } = stage()
    const { bucket, theirs } = await opened({ role: 'depositor' })
    const before = await stateOf(group.s3, bucket)
    const itself = { bucket, project: group.project }
    await expect(revokeAccess(group.store, itself)).rejects.toMatchObject({ code: 'USAGE' })
    const granted = grantAccess(group.store, { ...itself, terms: { role: 'reader' } })
    await expect(granted).rejects.toMatchObject({ code: 'USAGE' })
    expect(await stateOf(group.s3, bucket)).toEqual(before)

    await put(producer.s3, theirs, 'delivered')
    await revokeAccess(group.store, { bucket, project: producer.project })
    await closeBucket(group.store, { bucket })
    const policy = await group.store.bucketPolicy(bucket)
    if (policy !== undefined) await group.store.putBucketPolicy(bucket, policy)
    expect(await keysOf(group.s3, bucket)).toEqual(['delivered'])
    await put(group.s3, bucket, 'ours')
    expect(await get(group.s3, bucket, 'delivered')).toBe('delivered')
    await group.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'delivered' }))
  })

  it('closing shuts everybody out and keeps the data', async () => {
    const { group, producer, other } = stage()
    const { bucket, theirs } = await opened({ role: 'depositor' })
    await grantAccess(group.store, { bucket, project: other.project, terms: { role: 'reader' } })
    await put(producer.s3, theirs, 'delivered')
    await beginUpload(producer.s3, theirs, 'in-flight')
    const closed = await closeBucket(group.store, { bucket })
    expect(closed).toMatchObject({ remaining: [], deleted: false, kept: { count: 1 } })
    await expectShutOut(theirs, 'delivered')
    expect(await refusal(other.s3.send(new ListObjectsV2Command({ Bucket: theirs })))).toBe(403)
    expect(await unfinished(group.s3, bucket)).toEqual([])
    expect(await get(group.s3, bucket, 'delivered')).toBe('delivered')
  })

  it('closing with deletion takes an empty bucket away, and refuses one that holds something', async () => {
    const { group, producer } = stage()
    const { bucket, theirs } = await opened({ role: 'depositor' })
    const empty = await opened({ role: 'depositor' })
    await put(producer.s3, theirs, 'delivered')
    const before = await stateOf(group.s3, bucket)
    const refused = closeBucket(group.store, { bucket, deleteBucket: true })
    await expect(refused).rejects.toMatchObject({ code: 'BUCKET_NOT_EMPTY' })
    expect(await stateOf(group.s3, bucket)).toEqual(before)
    await closeBucket(group.store, { bucket: empty.bucket, deleteBucket: true })
    expect(await group.store.bucketState(empty.bucket)).toBe('absent')
  })
}
