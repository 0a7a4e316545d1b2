import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'

import { parseGrantee } from '../../../src/storage/access/grantee.ts'
import type { GrantTerms } from '../../../src/storage/access/roles.ts'
import type { Provider } from '../../../src/storage/provider/provider.ts'
import { grantAccess } from '../../../src/workflows/grant-access.ts'
import { openBucket } from '../../../src/workflows/open-bucket.ts'
import { refusal } from '../../support/s3.ts'
import type { Stage } from './stage.ts'
import { get, keysOf, put, stateOf } from './steps.ts'

/** Grants and refusals on a server that has bucket policies. */
export function grantStories(stage: () => Stage, { capabilities, dialect }: Provider): void {
  const opened = async (terms: GrantTerms): Promise<{ bucket: string; theirs: string }> => {
    const { group, producer, newBucket, address } = stage()
    const bucket = newBucket()
    await openBucket(group.store, { bucket, project: producer.project, terms, keyFiles: [] })
    return { bucket, theirs: address(bucket) }
  }

  it('a depositor delivers, and the owner reads it without any further step', async () => {
    const { group, producer } = stage()
    const { bucket, theirs } = await opened({ role: 'depositor' })
    // Not even the ACL that our own uploads ask for.
    await put(producer.s3, theirs, 'delivered')
    expect(await get(group.s3, bucket, 'delivered')).toBe('delivered')
    expect(await keysOf(group.s3, bucket)).toEqual(['delivered'])
  })

  it("a depositor neither lists, nor reads or deletes the owner's objects", async () => {
    const { group, producer } = stage()
    const { bucket, theirs } = await opened({ role: 'depositor' })
    await put(group.s3, bucket, 'private')
    const there = { Bucket: theirs, Key: 'private' }
    expect(await refusal(producer.s3.send(new ListObjectsV2Command({ Bucket: theirs })))).toBe(403)
    expect(await refusal(producer.s3.send(new GetObjectCommand(there)))).toBe(403)
    expect(await refusal(producer.s3.send(new DeleteObjectCommand(there)))).toBe(403)
    expect(await keysOf(group.s3, bucket)).toEqual(['private'])
  })

  it('nobody but the owner writes the key card', async () => {
    const { group, producer } = stage()
    for (const role of ['depositor', 'collaborator'] as const) {
      const { bucket, theirs } = await opened({ role })
      await put(group.s3, bucket, 'keys/animine.pub')
      const card = { Bucket: theirs, Key: 'keys/animine.pub' }
      expect(await get(producer.s3, theirs, 'keys/animine.pub')).toBe('keys/animine.pub')
      expect(await refusal(producer.s3.send(new PutObjectCommand({ ...card, Body: 'x' })))).toBe(403)
      expect(await refusal(producer.s3.send(new DeleteObjectCommand(card)))).toBe(403)
      expect(await get(group.s3, bucket, 'keys/animine.pub')).toBe('keys/animine.pub')
    }
  })

  it('a reader lists and reads, what comes later too, and writes nothing', async () => {
    const { group, producer } = stage()
    const { bucket, theirs } = await opened({ role: 'reader' })
    await put(group.s3, bucket, 'later')
    expect(await keysOf(producer.s3, theirs)).toEqual(['later'])
    expect(await get(producer.s3, theirs, 'later')).toBe('later')
    const there = { Bucket: theirs, Key: 'later' }
    expect(await refusal(producer.s3.send(new PutObjectCommand({ ...there, Body: 'x' })))).toBe(403)
    expect(await refusal(producer.s3.send(new DeleteObjectCommand(there)))).toBe(403)
  })

  it('a collaborator writes, reads and deletes', async () => {
    const { group, producer } = stage()
    const { bucket, theirs } = await opened({ role: 'collaborator' })
    await put(group.s3, bucket, 'ours')
    await put(producer.s3, theirs, 'theirs')
    expect(await keysOf(producer.s3, theirs)).toEqual(['ours', 'theirs'])
    await producer.s3.send(new DeleteObjectCommand({ Bucket: theirs, Key: 'ours' }))
    expect(await keysOf(group.s3, bucket)).toEqual(['theirs'])
  })

  it('an outsider and a request without signature are refused, whatever the producer may', async () => {
    const { group, outsider, anonymous } = stage()
    const { bucket, theirs } = await opened({ role: 'collaborator' })
    await put(group.s3, bucket, 'private')
    for (const s3 of [outsider.s3, anonymous]) {
      const there = { Bucket: theirs, Key: 'private' }
      expect(await refusal(s3.send(new ListObjectsV2Command({ Bucket: theirs })))).toBe(403)
      expect(await refusal(s3.send(new GetObjectCommand(there)))).toBe(403)
      expect(await refusal(s3.send(new PutObjectCommand({ ...there, Body: 'x' })))).toBe(403)
      expect(await refusal(s3.send(new DeleteObjectCommand(there)))).toBe(403)
    }
    expect(await get(group.s3, bucket, 'private')).toBe('private')
  })

  it('a new grant replaces the one before, and leaves those of others alone', async () => {
    const { group, producer, other } = stage()
    const { bucket, theirs } = await opened({ role: 'collaborator' })
    await grantAccess(group.store, { bucket, project: other.project, terms: { role: 'depositor' } })
    await grantAccess(group.store, { bucket, project: producer.project, terms: { role: 'reader' } })
    await put(other.s3, theirs, 'delivered')
    expect(await keysOf(producer.s3, theirs)).toEqual(['delivered'])
    const late = { Bucket: theirs, Key: 'late', Body: 'x' }
    expect(await refusal(producer.s3.send(new PutObjectCommand(late)))).toBe(403)
    expect(await refusal(other.s3.send(new ListObjectsV2Command({ Bucket: theirs })))).toBe(403)
  })

  it("somebody else's statement stays, and goes on to count", async () => {
    const { group, producer, other } = stage()
    const { bucket, theirs } = await opened({ role: 'depositor' })
    const before = await group.store.bucketPolicy(bucket)
    const foreign = {
      Sid: 'TheirsToKeep',
      Effect: 'Allow' as const,
      Principal: { AWS: principalOf(stage().backend.projects.other.identity) },
      Action: 's3:GetObject',
      Resource: `arn:aws:s3:::${bucket}/open/*`,
    }
    const Policy = JSON.stringify({ ...before, Statement: [...(before?.Statement ?? []), foreign] })
    await group.s3.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }))
    await put(group.s3, bucket, 'open/reads')
    await grantAccess(group.store, { bucket, project: producer.project, terms: { role: 'reader' } })
    const sids = (await group.store.bucketPolicy(bucket))?.Statement.map(({ Sid }) => Sid)
    expect(sids).toContain('TheirsToKeep')
    expect(await get(other.s3, theirs, 'open/reads')).toBe('open/reads')
    expect(await get(producer.s3, theirs, 'open/reads')).toBe('open/reads')
  })

  // Ceph stores anybody's name.
  if (dialect !== 'rgw') {
    it('a project that the server does not know is refused, and the bucket stays as it was', async () => {
      const { group, backend } = stage()
      const { bucket } = await opened({ role: 'depositor' })
      const before = await stateOf(group.s3, bucket)
      const ghost = backend.projects.other.identity.replace(/\d{4}/, '9999').replace('2000444', 'nobody')
      const project = { name: 'ghost', grantee: parseGrantee(ghost) }
      const granted = grantAccess(group.store, { bucket, project, terms: { role: 'reader' } })
      await expect(granted).rejects.toMatchObject({ code: expect.any(String) as string })
      expect(await stateOf(group.s3, bucket)).toEqual(before)
    })
  }

  describe('what the server would not enforce is refused, and nothing changes', () => {
    const until = new Date(Date.now() + 3_600_000)
    const refused: readonly (readonly [string, boolean, GrantTerms])[] = [
      ['--until', capabilities.policyConditions !== 'enforced', { role: 'depositor', until }],
      ['--from-ip', capabilities.policyConditions !== 'enforced', { role: 'reader', fromIp: '192.0.2.7' }],
      [
        '--prefix for who lists',
        capabilities.prefixCondition !== 'enforced',
        { role: 'reader', prefix: 'run_12' },
      ],
    ]
    it.each(refused)('%s (refused: %s)', async (_, isRefused, terms) => {
      const { group, producer, newBucket } = stage()
      const { bucket } = await opened({ role: 'depositor' })
      const before = await stateOf(group.s3, bucket)
      const granted = grantAccess(group.store, { bucket, project: producer.project, terms })
      if (!isRefused) {
        await expect(granted).resolves.toMatchObject({ state: 'stored' })
        return
      }
      await expect(granted).rejects.toMatchObject({ code: 'UNSUPPORTED' })
      const fresh = { bucket: newBucket(), project: producer.project, terms, keyFiles: [] }
      await expect(openBucket(group.store, fresh)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
      expect(await stateOf(group.s3, bucket)).toEqual(before)
    })
  })
}

/** As a policy on the server of that identity names it; written by hand, not by the code that writes ours. */
export function principalOf(identity: string): string {
  const [, kind = '', rest = ''] = /^(rgw|access-key|arn):(.*)$/.exec(identity) ?? []
  if (kind === 'arn') return identity
  if (kind === 'access-key') return rest
  const at = rest.indexOf('$')
  return `arn:aws:iam::${rest.slice(0, Math.max(0, at))}:user/${rest.slice(at + 1)}`
}
