import { expect, it } from 'vitest'
import type { Lacks, Stage } from './parties.ts'
import { bytes, expectCode, freshBucket } from './steps.ts'

export function bucketStories(stage: Stage, lacks: Lacks): void {
  it('a new bucket is there, is listed and has no versions', async () => {
    const { store } = stage().owner
    const bucket = await freshBucket(store)
    expect(await store.bucketState(bucket)).toBe('visible')
    expect((await store.listBuckets()).map((entry) => entry.bucket)).toContain(bucket)
    expect(await store.hasAnyVersion(bucket)).toBe(false)
  })

  it('a name that the owner already uses is refused', async () => {
    const { store } = stage().owner
    const bucket = await freshBucket(store)
    await expectCode(store.createBucket(bucket), 'BUCKET_EXISTS')
  })

  it.skipIf(lacks.grants !== undefined)('a name that another project uses is refused', async () => {
    const { owner, grantee, address } = stage()
    const bucket = await freshBucket(owner.store)
    await expectCode(grantee.store.createBucket(address(bucket)), 'BUCKET_EXISTS')
    expect(await grantee.store.bucketState(address(bucket))).toBe('forbidden')
  })

  it('a bucket that does not exist is absent, and nothing works in it', async () => {
    const { store } = stage().owner
    const bucket = 'sealift-test-nowhere'
    expect(await store.bucketState(bucket)).toBe('absent')
    await expectCode(store.putObject(bucket, 'x', bytes('x')), 'BUCKET_NOT_FOUND')
    await expectCode(store.getObject(bucket, 'x'), 'BUCKET_NOT_FOUND')
    await expectCode(store.listObjects(bucket)[Symbol.asyncIterator]().next(), 'BUCKET_NOT_FOUND')
    await expectCode(store.deleteBucket(bucket), 'BUCKET_NOT_FOUND')
    await expectCode(store.bucketPolicy(bucket), 'BUCKET_NOT_FOUND')
  })

  it('a name that S3 does not allow is refused', async () => {
    await expectCode(stage().owner.store.createBucket('Bad_Name'), 'INVALID_BUCKET_NAME')
  })

  it('a bucket is deleted only when it is empty', async () => {
    const { store } = stage().owner
    const bucket = await freshBucket(store)
    await store.putObject(bucket, 'reads.c4gh', bytes('reads'))
    await expectCode(store.deleteBucket(bucket), 'BUCKET_NOT_EMPTY')
    await store.deleteObject(bucket, 'reads.c4gh')
    await store.deleteBucket(bucket)
    expect(await store.bucketState(bucket)).toBe('absent')
  })

  it.skipIf(lacks.versioning !== undefined)(
    'with versioning on, what is deleted is kept as a version',
    async () => {
      const { store } = stage().owner
      const bucket = await freshBucket(store)
      expect(await store.bucketVersioning(bucket)).toBe('off')
      await store.enableVersioning(bucket)
      expect(await store.bucketVersioning(bucket)).toBe('enabled')
      const first = await store.putObject(bucket, 'reads.c4gh', bytes('first'))
      const second = await store.putObject(bucket, 'reads.c4gh', bytes('second'))
      expect(first.versionId).toBeTypeOf('string')
      expect(second.versionId).not.toBe(first.versionId)
      await store.deleteObject(bucket, 'reads.c4gh')
      await expectCode(store.headObject(bucket, 'reads.c4gh'), 'OBJECT_NOT_FOUND')
      expect(await store.hasAnyVersion(bucket)).toBe(true)
      await expectCode(store.deleteBucket(bucket), 'BUCKET_NOT_EMPTY')
    },
  )

  it('wrong credentials are named as such, not as a missing right', async ({ skip }) => {
    const { owner, impostor, address } = stage()
    if (impostor === undefined) skip()
    const bucket = address(await freshBucket(owner.store))
    await expectCode(impostor!.listBuckets(), 'INVALID_CREDENTIALS')
    await expectCode(impostor!.bucketState(bucket), 'INVALID_CREDENTIALS')
    await expectCode(impostor!.headObject(bucket, 'x'), 'INVALID_CREDENTIALS')
    await expectCode(impostor!.putObject(bucket, 'x', bytes('x')), 'INVALID_CREDENTIALS')
    await expectCode(impostor!.createBucket('sealift-test-impostor'), 'INVALID_CREDENTIALS')
  })
}
