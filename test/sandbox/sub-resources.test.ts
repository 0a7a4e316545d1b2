import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketAnalyticsConfigurationCommand,
  DeleteBucketCorsCommand,
  DeleteBucketEncryptionCommand,
  DeleteBucketLifecycleCommand,
  DeleteBucketOwnershipControlsCommand,
  DeleteBucketReplicationCommand,
  DeleteBucketTaggingCommand,
  DeleteBucketWebsiteCommand,
  DeletePublicAccessBlockCommand,
  GetBucketEncryptionCommand,
  GetBucketOwnershipControlsCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  PutBucketEncryptionCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseRequestTarget } from '../../src/sandbox/request-target.ts'
import { findOperation } from '../../src/sandbox/routes.ts'
import { outcome, type Practice, startPractice } from './practice.ts'

const Bucket = 'empty-bucket'
const unknown = '501 NotImplemented'
let practice: Practice

beforeAll(async () => {
  practice = await startPractice()
  await practice.group.send(new CreateBucketCommand({ Bucket }))
})
afterAll(async () => {
  await practice.close()
})

describe('a sub-resource the sandbox does not know', () => {
  it.each([
    ['DELETE ?encryption', () => practice.group.send(new DeleteBucketEncryptionCommand({ Bucket }))],
    [
      'DELETE ?ownershipControls',
      () => practice.group.send(new DeleteBucketOwnershipControlsCommand({ Bucket })),
    ],
    [
      'DELETE ?analytics',
      () => practice.group.send(new DeleteBucketAnalyticsConfigurationCommand({ Bucket, Id: '1' })),
    ],
    ['DELETE ?lifecycle', () => practice.group.send(new DeleteBucketLifecycleCommand({ Bucket }))],
    ['DELETE ?cors', () => practice.group.send(new DeleteBucketCorsCommand({ Bucket }))],
    ['DELETE ?tagging', () => practice.group.send(new DeleteBucketTaggingCommand({ Bucket }))],
    ['DELETE ?replication', () => practice.group.send(new DeleteBucketReplicationCommand({ Bucket }))],
    ['DELETE ?website', () => practice.group.send(new DeleteBucketWebsiteCommand({ Bucket }))],
    ['DELETE ?publicAccessBlock', () => practice.group.send(new DeletePublicAccessBlockCommand({ Bucket }))],
  ])('%s is refused, and the empty bucket stays', async (_name, send) => {
    expect(await outcome(send())).toBe(unknown)
    expect(await outcome(practice.group.send(new HeadBucketCommand({ Bucket })))).toBe('200')
  })

  it('is no listing and no object either', async () => {
    await practice.group.send(new PutObjectCommand({ Bucket: 'empty-bucket', Key: 'x', Body: 'x' }))
    const rule = { ServerSideEncryptionConfiguration: { Rules: [] } }
    const requests = [
      practice.group.send(new GetBucketEncryptionCommand({ Bucket })),
      practice.group.send(new GetBucketOwnershipControlsCommand({ Bucket })),
      practice.group.send(new PutBucketEncryptionCommand({ Bucket, ...rule })),
      practice.group.send(new GetObjectTaggingCommand({ Bucket, Key: 'x' })),
      practice.group.send(new PutObjectTaggingCommand({ Bucket, Key: 'x', Tagging: { TagSet: [] } })),
      practice.group.send(new GetObjectAttributesCommand({ Bucket, Key: 'x', ObjectAttributes: ['ETag'] })),
      practice.group.send(new GetObjectCommand({ Bucket, Key: 'x', PartNumber: 1 })),
    ].map(outcome)
    expect(await Promise.all(requests)).toEqual(requests.map(() => unknown))
    const { Body } = await practice.group.send(new GetObjectCommand({ Bucket, Key: 'x' }))
    expect(await Body!.transformToString()).toBe('x')
  })

  it('whatever its name, never ends at the bare operation', () => {
    const known =
      /^(x-id|x-amz-.*|versionId|response-.*|acl|uploadId|partNumber|max-parts|part-number-marker|encoding-type)$/i
    fc.assert(
      fc.property(
        fc.constantFrom('GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH'),
        fc.constantFrom('/bucket', '/bucket/', '/bucket/object'),
        fc
          .string({ minLength: 1, unit: 'grapheme-ascii' })
          .filter(
            (name) =>
              !known.test(name) &&
              !/^(location|versioning|policy|versions|uploads|list-type|delete|prefix|delimiter|max-keys|marker)$/.test(
                name,
              ),
          ),
        (method, path, name) => {
          const target = parseRequestTarget(`${path}?${encodeURIComponent(name)}`)
          expect(() => findOperation(method, target, [])).toThrow(/does not know/)
        },
      ),
    )
  })
})

describe('what the sandbox would have to ignore', () => {
  it.each([
    ['encryption by the server', { ServerSideEncryption: 'AES256' as const }],
    ['tags', { Tagging: 'a=b' }],
    ['object lock', { ObjectLockLegalHoldStatus: 'ON' as const }],
  ])('%s is refused, not promised', async (_what, wish) => {
    const put = new PutObjectCommand({ Bucket, Key: 'wish', Body: 'x', ...wish })
    expect(await outcome(practice.group.send(put))).toBe(unknown)
    const create = new CreateMultipartUploadCommand({ Bucket, Key: 'wish', ...wish })
    expect(await outcome(practice.group.send(create))).toBe(unknown)
  })
})

describe('an odd request', () => {
  it('for an unknown method, a broken escape or a parameter given twice is refused', async () => {
    const url = await getSignedUrl(practice.group, new GetObjectCommand({ Bucket, Key: 'x' }))
    for (const [target, init, expected] of [
      [`${practice.endpoint}/${Bucket}`, { method: 'PATCH' }, 501],
      [`${practice.endpoint}/${Bucket}`, { method: 'POST' }, 501],
      [`${practice.endpoint}/${Bucket}/%zz`, {}, 400],
      [`${url}&versionId=1&versionId=2`, {}, 400],
    ] as const) {
      expect((await fetch(target, init)).status).toBe(expected)
    }
  })
})
