import {
  CreateMultipartUploadCommand,
  type Grant,
  PutBucketAclCommand,
  PutBucketPolicyCommand,
  PutObjectAclCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { canonicalIdOf } from '../../../src/storage/access/principal.ts'
import { serializeGrantee } from '../../../src/storage/access/grantee.ts'
import { auditAccess, type AuditRequest } from '../../../src/workflows/audit-access.ts'
import { bucketFindings, type BucketFindings } from '../../../src/workflows/bucket-findings.ts'
import type { KnownHere } from '../../../src/workflows/bucket-findings-known.ts'
import type { FindingKind } from '../../../src/workflows/bucket-findings-list.ts'
import { grantAccess } from '../../../src/workflows/grant-access.ts'
import { revokeAccess } from '../../../src/workflows/revoke-access.ts'
import { onEveryStore, type Player } from './stage.ts'

const NOBODY: KnownHere = { projects: [], events: [], damagedLines: 0, ownUploadIds: new Set() }

function idOf({ project }: Player): string {
  return canonicalIdOf(project.grantee, 'rgw') ?? ''
}

function identityOf({ project }: Player): string {
  return serializeGrantee(project.grantee)
}

function kindsOf({ findings }: BucketFindings): FindingKind[] {
  return findings.map(({ kind }) => kind)
}

onEveryStore('looking at who has access', (stage) => {
  /** The group's bucket, in which everybody may put objects who is named. */
  async function bucketFor(...writers: Player[]): Promise<string> {
    const { group, newBucket } = stage()
    const bucket = newBucket()
    await group.store.createBucket(bucket)
    const grants: Grant[] = [
      { Grantee: { Type: 'CanonicalUser', ID: idOf(group) }, Permission: 'FULL_CONTROL' },
      ...writers.map((one): Grant => ({
        Grantee: { Type: 'CanonicalUser', ID: idOf(one) },
        Permission: 'WRITE',
      })),
    ]
    await group.s3.send(
      new PutBucketAclCommand({
        Bucket: bucket,
        AccessControlPolicy: { Owner: { ID: idOf(group) }, Grants: grants },
      }),
    )
    return bucket
  }

  const put = (who: Player, bucket: string, Key: string, more: object = {}): Promise<unknown> =>
    who.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'sealed', ...more }))

  const look = (bucket: string, known: KnownHere = NOBODY): Promise<BucketFindings> =>
    bucketFindings(stage().group.store, { bucket, withObjects: true, known })

  it('finds nothing in a bucket of one owner', async () => {
    const { group } = stage()
    const bucket = await bucketFor()
    await put(group, bucket, 'a')
    const found = await look(bucket)
    expect(found.findings).toEqual([])
    expect(found.owner).toEqual({ who: identityOf(group) })
    expect(found.objects).toMatchObject({ count: 1, grants: [], unreadable: { count: 0 } })
  })

  it('names roles, with the name in the address book and since when', async () => {
    const { group, producer } = stage()
    const bucket = await bucketFor()
    const { project } = producer
    await grantAccess(group.store, { bucket, project, terms: { role: 'reader' } })
    const at = '2026-11-01T10:00:00.000Z'
    const identity = identityOf(producer)
    const known: KnownHere = {
      ...NOBODY,
      projects: [{ name: 'partner', identity }],
      events: [{ at, endpoint: 'here', bucket, what: 'granted', identity, role: 'reader' }],
    }
    const entry = (found: BucketFindings) => found.access.find(({ access }) => access === 'reader')
    const found = await look(bucket, known)
    expect(entry(found)).toMatchObject({ who: identity, name: 'partner', since: at })
    expect(found.findings).toEqual([])
    // In another bucket it was something else.
    const elsewhere = { ...known, events: known.events.map((event) => ({ ...event, bucket: 'other' })) }
    expect(entry(await look(bucket, elsewhere))).not.toHaveProperty('since')
    expect(entry(await look(bucket))).toMatchObject({ unknown: true })
    expect(kindsOf(await look(bucket))).toEqual(['unknown'])

    await revokeAccess(group.store, { bucket, project })
    const blocked = await look(bucket)
    expect(blocked.access.find(({ who }) => who === identity)).toMatchObject({ access: 'blocked' })
    expect(blocked.findings).toEqual([])
  })

  it('finds public statements, ended ones, and an owner who is none', async () => {
    const { group, producer } = stage()
    const bucket = await bucketFor()
    await grantAccess(group.store, { bucket, project: producer.project, terms: { role: 'reader' } })
    const policy = await group.store.bucketPolicy(bucket)
    const [theirs] = policy?.Statement.filter(({ Sid }) => Sid?.startsWith('SealiftReader')) ?? []
    const unlimited = {
      Effect: 'Allow',
      Principal: theirs?.Principal,
      Action: 's3:GetObject',
      Resource: `arn:aws:s3:::${bucket}/*`,
    }
    const Statement = [
      { ...unlimited, Sid: 'Public', Principal: '*' },
      { ...unlimited, Sid: 'SealiftOwner' },
      {
        ...unlimited,
        Sid: 'Ended',
        Condition: { DateLessThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' } },
      },
    ]
    await group.s3.send(
      new PutBucketPolicyCommand({
        Bucket: bucket,
        Policy: JSON.stringify({ Version: '2012-10-17', Statement }),
      }),
    )
    const found = await look(bucket)
    expect(kindsOf(found).toSorted()).toEqual(['expired', 'public', 'unknown'])
    const pretender = found.access.find(({ sids }) => sids?.includes('SealiftOwner'))
    expect(pretender).toMatchObject({ access: 'other', unknown: true, who: identityOf(producer) })
  })

  it('sums up the ACLs of objects, and finds those that the owner cannot read', async () => {
    const { group, producer, outsider, address } = stage()
    const bucket = await bucketFor(producer)
    const theirs = address(bucket)
    await put(group, bucket, 'public', { ACL: 'public-read' })
    await put(producer, theirs, 'kept to itself')
    await put(producer, theirs, 'delivered', { ACL: 'bucket-owner-full-control' })
    await put(group, bucket, 'shown')
    await group.s3.send(
      new PutObjectAclCommand({
        Bucket: bucket,
        Key: 'shown',
        AccessControlPolicy: {
          Owner: { ID: idOf(group) },
          Grants: [
            { Grantee: { Type: 'CanonicalUser', ID: idOf(group) }, Permission: 'FULL_CONTROL' },
            { Grantee: { Type: 'CanonicalUser', ID: idOf(outsider) }, Permission: 'READ' },
            { Grantee: { Type: 'CanonicalUser', ID: idOf(outsider) }, Permission: 'READ_ACP' },
          ],
        },
      }),
    )
    const { objects, findings } = await look(bucket, {
      ...NOBODY,
      projects: [{ name: 'partner', identity: identityOf(producer) }],
    })
    expect(objects).toMatchObject({
      count: 4,
      unreadable: { count: 1, examples: ['kept to itself'] },
      hidden: { count: 0 },
    })
    const by = (who: string) => objects?.grants.find((grant) => grant.who === who)
    expect(by('anyone')).toMatchObject({ public: true, permissions: ['READ'], examples: ['public'] })
    expect(by(identityOf(producer))).toMatchObject({
      name: 'partner',
      owned: 2,
      count: 2,
      examples: ['delivered', 'kept to itself'],
    })
    expect(by(identityOf(outsider))).toMatchObject({
      unknown: true,
      owned: 0,
      count: 1,
      permissions: ['READ', 'READ_ACP'],
    })
    // The partner may also write into the bucket, but is known.
    expect(findings.map(({ kind }) => kind).toSorted()).toEqual(['public', 'unknown', 'unreadable'])

    const fast = await bucketFindings(group.store, { bucket, withObjects: false, known: NOBODY })
    expect(fast.objects).toBeUndefined()

    // With a policy that names the owner, the very same object can be read.
    await grantAccess(group.store, { bucket, project: producer.project, terms: { role: 'depositor' } })
    expect((await look(bucket)).objects?.unreadable.count).toBe(0)
  })

  it('names ten objects and counts the others', async () => {
    const { group, producer, address } = stage()
    const bucket = await bucketFor(producer)
    for (let n = 0; n < 12; n++) await put(producer, address(bucket), `object-${n}`)
    await put(group, bucket, 'own')
    const { objects } = await look(bucket)
    expect(objects?.unreadable).toMatchObject({ count: 12 })
    expect(objects?.unreadable.examples).toHaveLength(10)
    expect(objects?.grants[0]).toMatchObject({ count: 12, owned: 12 })
    expect(objects?.count).toBe(13)
  })

  it('finds unfinished uploads, but those of own transfers', async () => {
    const { producer, address } = stage()
    const bucket = await bucketFor(producer)
    const { UploadId } = await producer.s3.send(
      new CreateMultipartUploadCommand({ Bucket: address(bucket), Key: 'run_12' }),
    )
    const found = await look(bucket)
    expect(found.uploads.others + found.uploads.unclear).toBe(1)
    expect(found.uploads.oldest).toMatchObject([{ objectKey: 'run_12', uploadId: UploadId }])
    expect(kindsOf(found)).toContain('uploads')

    const mine = await look(bucket, { ...NOBODY, ownUploadIds: new Set([UploadId ?? '']) })
    expect(mine.uploads).toMatchObject({ own: 1, others: 0, unclear: 0 })
    expect(kindsOf(mine)).not.toContain('uploads')
  })

  describe('several buckets', () => {
    const request = (buckets: string[], more: Partial<AuditRequest> = {}): AuditRequest => ({
      buckets,
      endpoint: stage().endpoint,
      withObjects: true,
      known: NOBODY,
      failOn: [],
      ...more,
    })

    it('are looked at in turn, own ones when none is named', async () => {
      const { group } = stage()
      const bucket = await bucketFor()
      await put(group, bucket, 'open', { ACL: 'public-read' })
      const { buckets, found } = await auditAccess(group.store, request([]))
      const own = await group.store.listBuckets()
      expect(buckets.map((one) => one.bucket).toSorted()).toEqual(own.map((one) => one.bucket).toSorted())
      expect(found.public).toBeGreaterThanOrEqual(1)
    })

    it('do not stand in each other’s way', async () => {
      const { group } = stage()
      const bucket = await bucketFor()
      const { buckets, failed } = await auditAccess(group.store, request(['not-there', bucket]))
      expect(buckets.map((one) => one.bucket)).toEqual([bucket])
      expect(failed).toMatchObject([{ name: 's3://not-there', code: 'BUCKET_NOT_FOUND' }])
      const none = auditAccess(group.store, request(['not-there']))
      await expect(none).rejects.toMatchObject({ code: 'BUCKET_NOT_FOUND' })
    })

    it('fail the audit for what it is told to fail on, and nothing else', async () => {
      const { group } = stage()
      const bucket = await bucketFor()
      await put(group, bucket, 'open', { ACL: 'public-read' })
      const failing = auditAccess(group.store, request([bucket], { failOn: ['expired', 'public'] }))
      await expect(failing).rejects.toMatchObject({
        code: 'AUDIT_FAILED',
        message: 'the audit found 1 public',
        result: { found: { public: 1 }, buckets: [{ bucket }] },
      })
      const { found } = await auditAccess(group.store, request([bucket], { failOn: ['expired', 'unknown'] }))
      expect(found).toEqual({ public: 1 })
    })
  })
})
