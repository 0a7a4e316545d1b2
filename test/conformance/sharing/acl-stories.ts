import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { expect, it } from 'vitest'

import type { GrantTerms } from '../../../src/storage/access/roles.ts'
import { grantAccess } from '../../../src/workflows/grant-access.ts'
import { openBucket } from '../../../src/workflows/open-bucket.ts'
import { revokeAccess } from '../../../src/workflows/revoke-access.ts'
import type { Stage } from './stage.ts'
import { get, keysOf, put, stateOf } from './steps.ts'

/** Sharing on a server that has ACLs and no policies: what is there now, object by object. */
export function aclStories(stage: () => Stage): void {
  const shared = async (terms: GrantTerms): Promise<{ bucket: string; theirs: string }> => {
    const { group, producer, newBucket, address } = stage()
    const bucket = newBucket()
    await group.store.createBucket(bucket)
    await put(group.s3, bucket, 'reads')
    const granted = await grantAccess(group.store, { bucket, project: producer.project, terms })
    expect(granted).toMatchObject({ mechanism: 'acl', state: 'stored', objects: 1 })
    return { bucket, theirs: address(bucket) }
  }
  const status = async (request: Promise<unknown>): Promise<number | undefined> => {
    try {
      await request
      return 200
    } catch (error) {
      return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
    }
  }

  it('a reader lists and reads what is there, and nobody else does', async () => {
    const { group, producer, outsider, anonymous } = stage()
    const { bucket, theirs } = await shared({ role: 'reader' })
    expect(await keysOf(producer.s3, theirs)).toEqual(['reads'])
    expect(await get(producer.s3, theirs, 'reads')).toBe('reads')
    const there = { Bucket: theirs, Key: 'reads' }
    expect(await status(producer.s3.send(new PutObjectCommand({ ...there, Body: 'x' })))).toBe(403)
    for (const s3 of [outsider.s3, anonymous]) {
      expect(await status(s3.send(new ListObjectsV2Command({ Bucket: theirs })))).not.toBe(200)
      expect(await status(s3.send(new GetObjectCommand(there)))).not.toBe(200)
    }
    expect(await get(group.s3, bucket, 'reads')).toBe('reads')
  })

  it('a revoked reader reads nothing any more', async () => {
    const { group, producer } = stage()
    const { bucket, theirs } = await shared({ role: 'reader' })
    const revoked = await revokeAccess(group.store, { bucket, project: producer.project })
    expect(revoked).toMatchObject({ mechanism: 'acl', remaining: [], removed: { objects: ['reads'] } })
    const list = producer.s3.send(new ListObjectsV2Command({ Bucket: theirs }))
    expect(await status(list)).toBe(403)
    const read = producer.s3.send(new GetObjectCommand({ Bucket: theirs, Key: 'reads' }))
    expect(await status(read)).toBe(403)
  })

  it('what a collaborator uploaded stays its own, and revoking says so instead of claiming success', async () => {
    const { group, producer } = stage()
    const { bucket, theirs } = await shared({ role: 'collaborator' })
    await put(producer.s3, theirs, 'theirs')
    await expect(revokeAccess(group.store, { bucket, project: producer.project })).rejects.toMatchObject({
      code: 'STILL_ACCESSIBLE',
      result: { remaining: expect.arrayContaining([expect.objectContaining({ objectKey: 'theirs' })]) as [] },
    })
  })

  const until = new Date(Date.now() + 3_600_000)
  const unsaid: readonly (readonly [string, GrantTerms])[] = [
    ['a depositor', { role: 'depositor' }],
    ['--until', { role: 'reader', until }],
    ['--prefix', { role: 'reader', prefix: 'run_12' }],
    ['--from-ip', { role: 'reader', fromIp: '192.0.2.7' }],
  ]
  it.each(unsaid)('%s is what no ACL can say: refused, and nothing changes', async (_, terms) => {
    const { group, producer, newBucket } = stage()
    const { bucket } = await shared({ role: 'reader' })
    const before = await stateOf(group.s3, bucket)
    const granted = grantAccess(group.store, { bucket, project: producer.project, terms })
    await expect(granted).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    const fresh = { bucket: newBucket(), project: producer.project, terms, keyFiles: [] }
    await expect(openBucket(group.store, fresh)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    expect(await stateOf(group.s3, bucket)).toEqual(before)
  })
}
