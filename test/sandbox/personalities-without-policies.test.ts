/** What servers do on which a policy lets no other project in, seen through the plain SDK. */
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketAnalyticsConfigurationCommand,
  DeleteObjectCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectsCommand,
  GetBucketAclCommand,
  GetBucketLocationCommand,
  GetBucketPolicyCommand,
  GetObjectAclCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutBucketAclCommand,
} from '@aws-sdk/client-s3'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { readableBy, useBox } from './box.ts'
import { client, outcome } from './practice.ts'

describe('as MinIO', () => {
  const box = useBox('minio')

  it('answers 200 to an ACL that begins with FULL_CONTROL, and forgets it', async () => {
    const { group, producer } = box.practice
    const { accessKeyId } = box.practice.projects.producer
    const AccessControlPolicy = readableBy(accessKeyId, box.practice.projects.group.accessKeyId)
    expect(
      await outcome(group.send(new PutBucketAclCommand({ Bucket: box.name, AccessControlPolicy }))),
    ).toBe('200')
    expect(await box.list(producer)).toBe('403 AccessDenied')
    const acl = await group.send(new GetBucketAclCommand({ Bucket: box.name }))
    expect([acl.Owner?.ID, acl.Grants?.length, acl.Grants?.[0]?.Grantee?.ID]).toEqual(['', 1, undefined])

    const readFirst = { ...AccessControlPolicy, Grants: AccessControlPolicy.Grants!.toReversed() }
    for (const wish of [{ AccessControlPolicy: readFirst }, { ACL: 'public-read' as const }]) {
      expect(await outcome(group.send(new PutBucketAclCommand({ Bucket: box.name, ...wish })))).toBe(
        '501 NotImplemented',
      )
    }
    expect(
      await outcome(group.send(new PutBucketAclCommand({ Bucket: box.name, GrantRead: 'id="x"' }))),
    ).toMatch(/^400/)
  })

  it('consults policies for the anonymous only', async () => {
    const { accessKeyId } = box.practice.projects.producer
    expect(await box.putPolicy(box.statement({ AWS: accessKeyId }, 's3:*'))).toBe('204')
    expect(await box.get(box.practice.producer, 'a')).toBe('403 AccessDenied')
    expect(await box.putPolicy(box.statement({ AWS: '*' }, 's3:GetObject'))).toBe('204')
    expect([await box.get(box.practice.anonymous, 'a'), await box.get(box.practice.producer, 'a')]).toEqual([
      '200',
      '403 AccessDenied',
    ])
    expect(await box.putPolicy(box.statement('*', 's3:*', { Effect: 'Deny' }))).toBe('204')
    expect(await box.get(box.practice.group, 'a')).toBe('200')
  })

  it('gives a policy back as lists, and takes none with a principal of another kind or with none', async () => {
    const { accessKeyId } = box.practice.projects.producer
    const Condition = { StringEquals: { 's3:prefix': 'x' } }
    expect(await box.putPolicy(box.statement({ AWS: accessKeyId }, 's3:ListBucket', { Condition }))).toBe(
      '204',
    )
    const { Policy } = await box.practice.group.send(new GetBucketPolicyCommand({ Bucket: box.name }))
    expect(JSON.parse(Policy!)).toMatchObject({
      Statement: [
        {
          Principal: { AWS: [accessKeyId] },
          Action: ['s3:ListBucket'],
          Condition: { StringEquals: { 's3:prefix': ['x'] } },
        },
      ],
    })
    expect(await box.putPolicy(box.statement({ CanonicalUser: accessKeyId }, 's3:*'))).toBe(
      '400 MalformedPolicy',
    )
    const NotPrincipal = { AWS: accessKeyId }
    expect(await box.putPolicy(box.statement(undefined, 's3:*', { NotPrincipal }))).toBe(
      '400 MalformedPolicy',
    )
  })

  it('deletes an empty bucket for a sub-resource it does not know', async () => {
    const { group } = box.practice
    await group.send(new DeleteObjectCommand({ Bucket: box.name, Key: 'a' }))
    const analytics = new DeleteBucketAnalyticsConfigurationCommand({ Bucket: box.name, Id: '1' })
    expect(await outcome(group.send(analytics))).toBe('204')
    expect(await box.list(group)).toBe('404 NoSuchBucket')
  })

  it('calls every owner minio', async () => {
    const { Owner } = await box.practice.group.send(new ListBucketsCommand({}))
    const { Contents } = await box.practice.group.send(
      new ListObjectsV2Command({ Bucket: box.name, FetchOwner: true }),
    )
    expect(Contents?.[0]?.Owner).toEqual(Owner)
    expect(Owner?.DisplayName).toBe('minio')
  })
})

describe('as Swift', () => {
  const box = useBox('swift')

  it('has no policies, and no buckets of another account', async () => {
    const { group, producer } = box.practice
    const requests = [
      group.send(new GetBucketPolicyCommand({ Bucket: box.name })),
      group.send(new DeleteBucketPolicyCommand({ Bucket: box.name })),
    ].map(outcome)
    expect(await Promise.all(requests)).toEqual(requests.map(() => '501 NotImplemented'))
    expect(await box.putPolicy(box.statement('*', 's3:GetObject'))).toBe('501 NotImplemented')

    const [owner, other] = [box.canonicalId('group'), box.canonicalId('producer')]
    for (const ID of [other, 'nobody:nobody']) {
      const AccessControlPolicy = readableBy(ID, owner)
      expect(
        await outcome(group.send(new PutBucketAclCommand({ Bucket: box.name, AccessControlPolicy }))),
      ).toBe('200')
    }
    expect(await box.list(producer)).toBe('404 NoSuchBucket')
    expect(await outcome(producer.send(new CreateBucketCommand({ Bucket: box.name })))).toBe('200')
    expect(await box.get(producer, 'a')).toBe('404 NoSuchKey')
  })

  it('refuses conditions of a put and chunked bodies, and does not notice a wrong checksum', async () => {
    const { group, projects, endpoint } = box.practice
    expect(await box.put(group, 'b', { IfNoneMatch: '*' })).toBe('501 NotImplemented')
    const ChecksumSHA256 = Buffer.alloc(32).toString('base64')
    expect(await box.put(group, 'b', { ChecksumSHA256 })).toBe('200')
    const ContentMD5 = Buffer.alloc(16).toString('base64')
    expect(await box.put(group, 'b', { ContentMD5 })).toBe('400 BadDigest')
    const Delete = { Objects: [{ Key: 'a' }] }
    expect(await outcome(group.send(new DeleteObjectsCommand({ Bucket: box.name, Delete })))).toBe(
      '400 InvalidRequest',
    )

    const chunked = client(endpoint, projects.group, { requestChecksumCalculation: 'WHEN_SUPPORTED' })
    const Body = Readable.from([Buffer.from('streamed')])
    expect(await box.put(chunked, 'c', { Body, ContentLength: 8 })).toBe('501 NotImplemented')
    chunked.destroy()
  })
})

describe('as Swift with several users in one account', () => {
  const users = ['group', 'producer', 'outsider'].map((uid) => ({
    uid,
    tenant: 'lab',
    accessKeyId: `lab:${uid}`,
    secretAccessKey: `secret of ${uid}`,
  }))
  const box = useBox('swift', users)

  it('lets ACLs work between them, as on AWS of old', async () => {
    const { group, producer, outsider } = box.practice
    expect([await box.list(producer), await box.list(outsider)]).toEqual([
      '403 AccessDenied',
      '403 AccessDenied',
    ])
    const AccessControlPolicy = readableBy('lab:producer', 'lab:group')
    await group.send(new PutBucketAclCommand({ Bucket: box.name, AccessControlPolicy }))
    expect([await box.list(producer), await box.list(outsider)]).toEqual(['200', '403 AccessDenied'])
    expect(await box.get(producer, 'a')).toBe('403 AccessDenied')
    expect(await box.get(outsider, 'missing')).toBe('404 NoSuchKey')
  })

  it('shows whoever asks as the owner of everything a listing has', async () => {
    const { group, producer } = box.practice
    const AccessControlPolicy = readableBy('lab:producer', 'lab:group')
    await group.send(new PutBucketAclCommand({ Bucket: box.name, AccessControlPolicy }))
    await group.send(new CreateMultipartUploadCommand({ Bucket: box.name, Key: 'mp' }))
    for (const [by, id] of [
      [group, 'lab:group'],
      [producer, 'lab:producer'],
    ] as const) {
      const listing = await by.send(new ListObjectsV2Command({ Bucket: box.name, FetchOwner: true }))
      const uploads = await by.send(new ListMultipartUploadsCommand({ Bucket: box.name }))
      expect([listing.Contents?.[0]?.Owner?.ID, uploads.Uploads?.[0]?.Owner?.ID]).toEqual([id, id])
    }
    const { Owner } = await group.send(new GetObjectAclCommand({ Bucket: box.name, Key: 'a' }))
    expect(Owner?.ID).toBe('lab:group')
  })

  it('gives the parts of an upload to who may read the bucket, not to who sends them', async () => {
    const { group, producer } = box.practice
    const writer = {
      Grantee: { Type: 'CanonicalUser' as const, ID: 'lab:producer' },
      Permission: 'WRITE' as const,
    }
    const AccessControlPolicy = { Owner: { ID: 'lab:group' }, Grants: [writer] }
    await group.send(new PutBucketAclCommand({ Bucket: box.name, AccessControlPolicy }))
    const upload = { Bucket: box.name, Key: 'mp' }
    const { UploadId } = await producer.send(new CreateMultipartUploadCommand(upload))
    const parts = new ListPartsCommand({ ...upload, UploadId })
    expect([await outcome(group.send(parts)), await outcome(producer.send(parts))]).toEqual([
      '200',
      '403 AccessDenied',
    ])
    // The owner was left out of the ACL, and may write all the same.
    expect(await box.put(group, 'b')).toBe('200')
  })
})

describe('as Ceph RGW', () => {
  const box = useBox('rgw')

  it('is what the sandbox is unless it is told otherwise', async () => {
    expect((await fetch(box.practice.endpoint)).headers.get('server')).toBe('sealift-sandbox')
    const { LocationConstraint } = await box.practice.group.send(
      new GetBucketLocationCommand({ Bucket: box.name }),
    )
    expect(LocationConstraint).toBe('default')
  })
})
