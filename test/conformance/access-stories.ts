import { expect, it } from 'vitest'
import type { PolicyDocument } from '../../src/storage/access/access-store.ts'
import { uploadObject } from '../../src/storage/multipart-upload.ts'
import type { Store } from '../../src/storage/store.ts'
import type { Stage } from './parties.ts'
import { bytes, collect, expectCode, freshBucket, read } from './steps.ts'

/** What a depositor may do: send objects and parts, nothing else. */
const DEPOSIT = ['s3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts']

export function accessStories(stage: Stage): void {
  /** A bucket of the owner's, as the owner and as the others name it. */
  const shared = async (policy?: (bucket: string) => PolicyDocument) => {
    const { owner, address } = stage()
    const own = await freshBucket(owner.store)
    if (policy !== undefined) await owner.store.putBucketPolicy(own, policy(own))
    return { own, bucket: address(own) }
  }
  const deposit = (bucket: string): PolicyDocument => ({
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'depositor',
        Effect: 'Allow',
        Principal: { AWS: stage().grantee.principal },
        Action: DEPOSIT,
        Resource: `arn:aws:s3:::${bucket}/*`,
      },
      {
        Sid: 'owner',
        Effect: 'Allow',
        Principal: { AWS: stage().owner.principal },
        Action: 's3:*',
        Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
      },
    ],
  })
  const expectShutOut = async (store: Store, bucket: string): Promise<void> => {
    await expectCode(collect(store.listObjects(bucket)), 'ACCESS_DENIED')
    await expectCode(store.headObject(bucket, 'reads.c4gh'), 'ACCESS_DENIED')
    await expectCode(store.getObject(bucket, 'reads.c4gh'), 'ACCESS_DENIED')
    await expectCode(store.putObject(bucket, 'theirs', bytes('x')), 'ACCESS_DENIED')
    await expectCode(store.deleteObject(bucket, 'reads.c4gh'), 'ACCESS_DENIED')
    await expectCode(store.createMultipartUpload(bucket, 'theirs'), 'ACCESS_DENIED')
    await expectCode(collect(store.listMultipartUploads(bucket)), 'ACCESS_DENIED')
    await expectCode(store.bucketPolicy(bucket), 'ACCESS_DENIED')
    await expectCode(store.bucketAcl(bucket), 'ACCESS_DENIED')
    await expectCode(store.objectAcl(bucket, 'reads.c4gh'), 'ACCESS_DENIED')
    await expectCode(store.deleteBucket(bucket), 'ACCESS_DENIED')
  }

  it('an outsider can do nothing, and the bucket stays as it was', async () => {
    const { owner, outsider, anonymous } = stage()
    const { own, bucket } = await shared()
    await owner.store.putObject(own, 'reads.c4gh', bytes('reads'))
    await expectShutOut(outsider.store, bucket)
    if (anonymous !== undefined) await expectShutOut(anonymous, bucket)
    expect((await collect(owner.store.listObjects(own))).map((entry) => entry.objectKey)).toEqual([
      'reads.c4gh',
    ])
  })

  it('a bucket has no policy until one is written; it reads back as written, and is gone when deleted', async () => {
    const { store } = stage().owner
    const { own } = await shared()
    expect(await store.bucketPolicy(own)).toBeUndefined()
    await expect(store.deleteBucketPolicy(own)).resolves.toBeUndefined()
    await store.putBucketPolicy(own, deposit(own))
    expect(await store.bucketPolicy(own)).toEqual(deposit(own))
    await store.deleteBucketPolicy(own)
    expect(await store.bucketPolicy(own)).toBeUndefined()
    expect(await store.bucketState(own)).toBe('visible')
  })

  it('a depositor can send, can not look, read or delete; the others stay out', async () => {
    const { owner, grantee, outsider } = stage()
    const { own, bucket } = await shared(deposit)
    await owner.store.putObject(own, 'reads.c4gh', bytes('reads'))
    await grantee.store.putObject(bucket, 'delivered', bytes('delivered'))
    const uploadId = await grantee.store.createMultipartUpload(bucket, 'in-parts')
    const upload = { bucket, objectKey: 'in-parts', uploadId }
    const part = await grantee.store.uploadPart(upload, 1, bytes('part'))
    expect(await collect(grantee.store.listParts(upload))).toEqual([{ ...part, size: 4 }])
    await grantee.store.completeMultipartUpload(upload, [part])
    await expectCode(collect(grantee.store.listObjects(bucket)), 'ACCESS_DENIED')
    await expectCode(grantee.store.getObject(bucket, 'reads.c4gh'), 'ACCESS_DENIED')
    await expectCode(grantee.store.deleteObject(bucket, 'reads.c4gh'), 'ACCESS_DENIED')
    await expectShutOut(outsider.store, bucket)
  })

  it('the owner reads what another project delivers, in one piece or in parts', async () => {
    const { owner, grantee } = stage()
    const { own, bucket } = await shared(deposit)
    const acl = 'bucket-owner-full-control'
    await grantee.store.putObject(bucket, 'whole', bytes('whole'), { acl })
    const uploadId = await grantee.store.createMultipartUpload(bucket, 'in-parts', { acl })
    const upload = { bucket, objectKey: 'in-parts', uploadId }
    await grantee.store.completeMultipartUpload(upload, [
      await grantee.store.uploadPart(upload, 1, bytes('in parts')),
    ])
    // Not only by the policy, which may be gone later: by the objects' own ACL.
    await owner.store.deleteBucketPolicy(own)
    expect((await read(owner.store, own, 'whole')).toString()).toBe('whole')
    expect((await read(owner.store, own, 'in-parts')).toString()).toBe('in parts')
    const { ownerId, grants } = await owner.store.objectAcl(own, 'in-parts')
    expect(ownerId).toBe(grantee.canonicalId)
    expect(grants).toContainEqual({
      grantee: { type: 'canonical', id: owner.canonicalId },
      permission: 'FULL_CONTROL',
    })
  })

  it('the upload engine delivers as a depositor and says what it could check', async () => {
    const { owner, grantee } = stage()
    const { own, bucket } = await shared(deposit)
    const body = bytes('a small delivery')
    const plan = {
      size: body.length,
      partCount: 1,
      prepare: async () => ({ body, release: () => undefined }),
    }
    const options = { concurrency: 2, acl: 'bucket-owner-full-control', ifAbsent: true } as const
    const result = await uploadObject(grantee.store, { bucket, objectKey: 'small' }, plan, options)
    expect(result.overwriteChecked).toBe(false)
    expect(['head', 'etag']).toContain(result.sizeCheckedBy)
    expect((await read(owner.store, own, 'small')).toString()).toBe('a small delivery')
  })

  it('after the policy is deleted, an upload in flight can not go on; the owner ends it', async () => {
    const { owner, grantee } = stage()
    const { own, bucket } = await shared(deposit)
    const uploadId = await grantee.store.createMultipartUpload(bucket, 'in-flight')
    const upload = { bucket, objectKey: 'in-flight', uploadId }
    const part = await grantee.store.uploadPart(upload, 1, bytes('part'))
    await owner.store.deleteBucketPolicy(own)
    await expectCode(grantee.store.uploadPart(upload, 2, bytes('more')), 'ACCESS_DENIED')
    await expectCode(grantee.store.completeMultipartUpload(upload, [part]), 'ACCESS_DENIED')
    const [found] = await collect(owner.store.listMultipartUploads(own))
    expect(found).toMatchObject({ objectKey: 'in-flight', uploadId })
    await owner.store.abortMultipartUpload({ ...upload, bucket: own })
    expect(await collect(owner.store.listMultipartUploads(own))).toEqual([])
  })

  it('a statement that denies wins over one that allows', async () => {
    const { grantee } = stage()
    const { bucket } = await shared((name) => {
      const policy = deposit(name)
      const deny = {
        Sid: 'key-card',
        Effect: 'Deny' as const,
        Principal: { AWS: grantee.principal },
        Action: 's3:PutObject',
        Resource: `arn:aws:s3:::${name}/keys/*`,
      }
      return { ...policy, Statement: [...policy.Statement, deny] }
    })
    await expectCode(grantee.store.putObject(bucket, 'keys/forged.pub', bytes('x')), 'ACCESS_DENIED')
    await grantee.store.putObject(bucket, 'reads.c4gh', bytes('x'))
  })

  it('a bucket ACL lets another project list, reads back, and ends', async () => {
    const { owner, grantee, outsider } = stage()
    const { own, bucket } = await shared()
    await owner.store.putObject(own, 'reads.c4gh', bytes('reads'))
    const before = await owner.store.bucketAcl(own)
    expect(before.ownerId).toBe(owner.canonicalId)
    const read = { grantee: { type: 'canonical', id: grantee.canonicalId }, permission: 'READ' } as const
    await owner.store.putBucketAcl(own, { ...before, grants: [...before.grants, read] })
    expect((await owner.store.bucketAcl(own)).grants).toContainEqual(read)
    expect((await collect(grantee.store.listObjects(bucket))).length).toBe(1)
    await expectCode(grantee.store.getObject(bucket, 'reads.c4gh'), 'ACCESS_DENIED')
    await expectCode(collect(outsider.store.listObjects(bucket)), 'ACCESS_DENIED')
    await owner.store.putBucketAcl(own, before)
    expect(await owner.store.bucketAcl(own)).toEqual(before)
    await expectCode(collect(grantee.store.listObjects(bucket)), 'ACCESS_DENIED')
  })

  it('an object ACL lets another project read this object only', async () => {
    const { owner, grantee } = stage()
    const { own, bucket } = await shared()
    await owner.store.putObject(own, 'shared', bytes('shared'))
    await owner.store.putObject(own, 'private', bytes('private'))
    const acl = await owner.store.objectAcl(own, 'shared')
    const grant = { grantee: { type: 'canonical', id: grantee.canonicalId }, permission: 'READ' } as const
    await owner.store.putObjectAcl(own, 'shared', { ...acl, grants: [...acl.grants, grant] })
    expect((await owner.store.objectAcl(own, 'shared')).grants).toContainEqual(grant)
    expect((await read(grantee.store, bucket, 'shared')).toString()).toBe('shared')
    await expectCode(grantee.store.getObject(bucket, 'private'), 'ACCESS_DENIED')
    await owner.store.putObjectAcl(own, 'shared', acl)
    await expectCode(grantee.store.getObject(bucket, 'shared'), 'ACCESS_DENIED')
  })
}
