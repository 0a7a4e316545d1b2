/** What servers with policies of their own kind do otherwise than Ceph RGW, seen through the plain SDK. */
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectsCommand,
  GetBucketAclCommand,
  GetBucketPolicyCommand,
  GetObjectAclCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutBucketAclCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { awsAccountId } from '../../src/sandbox/personality/aws.ts'
import { type Box, readableBy, useBox } from './box.ts'
import { outcome } from './practice.ts'

describe('as AWS S3', () => {
  const box = useBox('aws')
  const root = (role: 'group' | 'producer'): object => ({
    AWS: `arn:aws:iam::${awsAccountId(box.practice.projects[role])}:root`,
  })

  it('refuses to write ACLs, and shows that only the owner has any right', async () => {
    const owner = box.canonicalId('group')
    const AccessControlPolicy = readableBy(box.canonicalId('producer'), owner)
    const requests = [
      box.practice.group.send(new PutBucketAclCommand({ Bucket: box.name, ACL: 'public-read' })),
      box.practice.group.send(new PutBucketAclCommand({ Bucket: box.name, AccessControlPolicy })),
      box.practice.group.send(new PutObjectAclCommand({ Bucket: box.name, Key: 'a', ACL: 'public-read' })),
      box.practice.group.send(
        new PutObjectCommand({ Bucket: box.name, Key: 'b', Body: 'b', ACL: 'public-read' }),
      ),
    ].map(outcome)
    expect(await Promise.all(requests)).toEqual(requests.map(() => '400 AccessControlListNotSupported'))
    const acl = await box.practice.group.send(new GetBucketAclCommand({ Bucket: box.name }))
    expect(acl.Owner?.ID).toMatch(/^[0-9a-f]{64}$/)
    expect(acl.Grants).toEqual([
      { Grantee: { Type: 'CanonicalUser', ID: owner }, Permission: 'FULL_CONTROL' },
    ])
    expect((await fetch(box.practice.endpoint)).headers.get('server')).toBe('sealift-sandbox (aws)')
  })

  it('gives uploads to the owner of the bucket; who uploaded them has no right in them', async () => {
    expect(await box.putPolicy(box.statement(root('producer'), 's3:PutObject'))).toBe('204')
    await box.put(box.practice.producer, 'p', { ACL: 'bucket-owner-full-control' })
    const acl = await box.practice.group.send(new GetObjectAclCommand({ Bucket: box.name, Key: 'p' }))
    expect(acl.Owner?.ID).toBe(box.canonicalId('group'))
    expect([await box.get(box.practice.group, 'p'), await box.get(box.practice.producer, 'p')]).toEqual([
      '200',
      '403 AccessDenied',
    ])
  })

  it('knows an account by number, ARN and canonical id, gives back ARNs, and refuses strangers', async () => {
    const number = awsAccountId(box.practice.projects.producer)
    const id = box.canonicalId('producer')
    for (const principal of [{ AWS: number }, { CanonicalUser: id }, { AWS: [number] }]) {
      expect(await box.putPolicy(box.statement(principal, 's3:GetObject'))).toBe('204')
      expect(await box.get(box.practice.producer, 'a')).toBe('200')
      const { Policy } = await box.practice.group.send(new GetBucketPolicyCommand({ Bucket: box.name }))
      expect(JSON.parse(Policy!)).toMatchObject({ Statement: [{ Principal: root('producer') }] })
    }
    for (const principal of [
      { AWS: '000000000000' },
      { AWS: 'arn:aws:iam:::user/x' },
      { CanonicalUser: 'x' },
    ]) {
      expect(await box.putPolicy(box.statement(principal, 's3:GetObject'))).toBe('400 MalformedPolicy')
    }
  })

  it('keeps the owner able to change a policy that denies it everything', async () => {
    expect(await box.putPolicy(box.statement('*', 's3:*', { Effect: 'Deny' }))).toBe('204')
    expect(await box.get(box.practice.group, 'a')).toBe('403 AccessDenied')
    expect(await outcome(box.practice.group.send(new DeleteBucketPolicyCommand({ Bucket: box.name })))).toBe(
      '204',
    )
    expect(await box.get(box.practice.group, 'a')).toBe('200')
  })

  it('blocks public policies and such as are about another bucket or the wrong kind of resource', async () => {
    expect(await box.putPolicy(box.statement('*', 's3:GetObject'))).toBe('403 AccessDenied')
    for (const [action, Resource] of [
      ['s3:GetObject', 'arn:aws:s3:::elsewhere/*'],
      ['s3:GetObject', `arn:aws:s3:::${box.name}`],
      ['s3:ListBucket', `arn:aws:s3:::${box.name}/*`],
    ] as const) {
      expect(await box.putPolicy(box.statement(root('producer'), action, { Resource }))).toBe(
        '400 MalformedPolicy',
      )
    }
  })

  it('lets conditions end a grant, and holds a put and a Complete to If-None-Match', async () => {
    const past = { DateLessThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' } }
    await box.putPolicy(box.statement(root('producer'), 's3:GetObject', { Condition: past }))
    expect(await box.get(box.practice.producer, 'a')).toBe('403 AccessDenied')
    expect(await box.put(box.practice.group, 'a', { IfNoneMatch: '*' })).toBe('412 PreconditionFailed')
    expect(await completeOver(box, 'a')).toBe('412 PreconditionFailed')
    expect(await completeOver(box, 'new')).toBe('200')
  })
})

describe('as versitygw', () => {
  const box = useBox('versitygw')
  const account = (role: 'group' | 'producer'): object => ({ AWS: box.practice.projects[role].accessKeyId })

  it('goes by the policy alone once there is one: who forgets itself is locked out', async () => {
    expect(await box.putPolicy(box.statement(account('producer'), 's3:GetObject'))).toBe('204')
    expect([await box.get(box.practice.producer, 'a'), await box.get(box.practice.group, 'a')]).toEqual([
      '200',
      '403 AccessDenied',
    ])
    expect(await outcome(box.practice.group.send(new DeleteBucketPolicyCommand({ Bucket: box.name })))).toBe(
      '403 AccessDenied',
    )
    expect(await box.putPolicy(box.statement(account('group'), 's3:*'))).toBe('403 AccessDenied')
  })

  it('stores conditions and never looks at them, in an Allow as in a Deny', async () => {
    const past = { DateLessThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' } }
    const elsewhere = { NotIpAddress: { 'aws:SourceIp': '127.0.0.1/32' } }
    await box.putPolicy(
      box.statement(account('group'), 's3:*'),
      box.statement(account('producer'), 's3:GetObject', { Condition: past }),
    )
    expect(await box.get(box.practice.producer, 'a')).toBe('200')
    const { Policy } = await box.practice.group.send(new GetBucketPolicyCommand({ Bucket: box.name }))
    expect(Policy).toContain('2020-01-01')
    await box.putPolicy(
      box.statement(account('group'), 's3:*'),
      box.statement('*', 's3:GetObject', { Effect: 'Deny', Condition: elsewhere }),
    )
    expect(await box.get(box.practice.group, 'a')).toBe('403 AccessDenied')
  })

  it.each([
    ['a bare name', (key: string) => key, '204'],
    ['a name under AWS', (key: string) => ({ AWS: [key] }), '204'],
    ['an ARN', (key: string) => ({ AWS: `arn:aws:iam:::user/${key}` }), '400 MalformedPolicy'],
    ['a canonical user', (key: string) => ({ CanonicalUser: key }), '400 MalformedPolicy'],
    ['nobody', () => ({ AWS: 'nobody' }), '400 MalformedPolicy'],
    ['everybody and somebody', (key: string) => ({ AWS: ['*', key] }), '400 MalformedPolicy'],
  ])('answers a principal that is %s', async (_what, principal, expected) => {
    const owner = box.statement(account('group'), 's3:*')
    expect(
      await box.putPolicy(
        owner,
        box.statement(principal(box.practice.projects.producer.accessKeyId), 's3:GetObject'),
      ),
    ).toBe(expected)
  })

  it('has no ACLs: refused for a bucket, absent for an object, passed over on an upload', async () => {
    const { group } = box.practice
    expect(await outcome(group.send(new PutBucketAclCommand({ Bucket: box.name, ACL: 'private' })))).toBe(
      '400 AccessControlListNotSupported',
    )
    expect(await outcome(group.send(new GetObjectAclCommand({ Bucket: box.name, Key: 'a' })))).toBe(
      '501 NotImplemented',
    )
    await box.put(group, 'open', { ACL: 'public-read' })
    expect(await box.get(box.practice.anonymous, 'open')).toBe('403 AccessDenied')
  })

  it('does not tell whose versions and uploads are', async () => {
    const { group } = box.practice
    await group.send(new CreateMultipartUploadCommand({ Bucket: box.name, Key: 'mp' }))
    const { Uploads } = await group.send(new ListMultipartUploadsCommand({ Bucket: box.name }))
    expect(Uploads?.map(({ Owner, Initiator }) => [Owner?.ID, Initiator?.ID])).toEqual([['', '']])
    const { Versions } = await group.send(new ListObjectVersionsCommand({ Bucket: box.name }))
    expect(Versions?.map(({ Owner }) => Owner)).toEqual([undefined])
  })

  it('lets DeleteObjects delete whatever the prefix, when the bucket itself is named', async () => {
    const Resource = [`arn:aws:s3:::${box.name}`, `arn:aws:s3:::${box.name}/mine/*`]
    await box.putPolicy(
      box.statement(account('group'), 's3:*'),
      box.statement(account('producer'), 's3:DeleteObject', { Resource }),
    )
    const Delete = { Objects: [{ Key: 'a' }] }
    expect(
      await outcome(box.practice.producer.send(new DeleteObjectsCommand({ Bucket: box.name, Delete }))),
    ).toBe('200')
    expect(await box.get(box.practice.group, 'a')).toBe('404 NoSuchKey')
  })
})

/** A multipart upload that must not replace anything. */
async function completeOver(box: Box, Key: string): Promise<string> {
  const { group } = box.practice
  const { UploadId } = await group.send(new CreateMultipartUploadCommand({ Bucket: box.name, Key }))
  const { ETag } = await group.send(
    new UploadPartCommand({ Bucket: box.name, Key, UploadId, PartNumber: 1, Body: 'x' }),
  )
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
  return outcome(
    group.send(
      new CompleteMultipartUploadCommand({
        Bucket: box.name,
        Key,
        UploadId,
        MultipartUpload,
        IfNoneMatch: '*',
      }),
    ),
  )
}
