import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteBucketPolicyCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'

import { createS3Store } from '../../src/storage/s3/s3-store.ts'
import { adoptObjects } from '../../src/workflows/adopt-objects.ts'
import { openImportBucket, type Member } from '../support/cast.ts'
import { expectFailure } from '../support/failure.ts'
import { onEveryBackend } from '../support/on-every-backend.ts'
import { refusal } from '../support/s3.ts'
import { faultyStore } from '../storage/faulty-store.ts'

const BUCKET = 'animine-data-import-5'
const MIB = 1024 ** 2

onEveryBackend('objects that belong to who uploaded them', (stage) => {
  let theirs: string
  /** As other tools deliver: nobody but the uploader is in the object's ACL. */
  const deliver = async (Key: string, Body: string) => {
    const { producer } = stage()
    const said = { ContentType: 'text/x-reads', Metadata: { sample: '7' }, CacheControl: 'no-store' }
    await producer.s3.send(new PutObjectCommand({ Bucket: theirs, Key, Body, ...said }))
  }
  const bytesOf = async (member: Member, Bucket: string, Key: string, VersionId?: string) => {
    const version = VersionId === undefined ? {} : { VersionId }
    const { Body } = await member.s3.send(new GetObjectCommand({ Bucket, Key, ...version }))
    return Body!.transformToByteArray()
  }
  const textOf = async (...args: Parameters<typeof bytesOf>) => Buffer.from(await bytesOf(...args)).toString()
  const versions = async () => {
    const { Versions = [] } = await stage().group.s3.send(new ListObjectVersionsCommand({ Bucket: BUCKET }))
    return Versions
  }

  beforeAll(async () => {
    const { backend, group, producer } = stage()
    theirs = backend.bucketAddress(BUCKET)
    await openImportBucket(group, producer, BUCKET)
    await deliver('run 12/a+b.c4gh', 'reads a')
    await deliver('run 12/ä.c4gh', 'reads ä')
    await deliver('other/c.c4gh', 'reads c')
  })

  it('are shown with --dry-run, and stay as they are', async () => {
    const { group, producer } = stage()
    const { code, stdout } = await group.sealift(['access', 'adopt', BUCKET, '--dry-run'])
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`run 12/a\\+b.c4gh +7 B +of .*${producer.project.name}`))
    expect(stdout).toMatch(/would take over 3 objects, 22 B/)
    expect(await textOf(producer, theirs, 'other/c.c4gh')).toBe('reads c')
  })

  it('become the group’s: the producer’s reading ends, nothing else changes', async () => {
    const { group, producer } = stage()
    const before = await group.s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'run 12/a+b.c4gh' }))
    const result = await group.json(['access', 'adopt', BUCKET, '--prefix', 'run 12/'])
    expect(result).toMatchObject({ objects: 2, failed: [], adopted: [{ comparedBy: 'etag' }, { size: 8 }] })
    const after = await group.s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'run 12/a+b.c4gh' }))
    for (const name of ['ContentType', 'Metadata', 'CacheControl', 'ETag', 'ContentLength'] as const) {
      expect(after[name]).toEqual(before[name])
    }
    expect(await textOf(group, BUCKET, 'run 12/ä.c4gh')).toBe('reads ä')
    const read = { Bucket: theirs, Key: 'run 12/a+b.c4gh' }
    expect(await refusal(producer.s3.send(new GetObjectCommand(read)))).toBe(403)
    // The version below is still the producer's; its ACL names the group alone.
    const older = (await versions()).find((v) => v.Key === read.Key && v.IsLatest === false)
    expect(older?.Owner?.ID).toBe(producer.project.identity.replace(/^rgw:/, ''))
    const old = { ...read, VersionId: older!.VersionId! }
    expect(await refusal(producer.s3.send(new GetObjectCommand(old)))).toBe(403)
    expect(await textOf(group, BUCKET, read.Key, old.VersionId)).toBe('reads a')
    expect(await textOf(producer, theirs, 'other/c.c4gh')).toBe('reads c')
  })

  it('are taken over once: a second run does what is left, a third nothing', async () => {
    const { group } = stage()
    const before = (await versions()).length
    const second = await group.sealift(['access', 'adopt', BUCKET])
    expect(second).toMatchObject({ code: 0 })
    expect(second.stdout).toMatch(/took over 1 object, 7 B[^]*kept 1 older version/)
    expect(await versions()).toHaveLength(before + 1)
    const third = await group.sealift(['access', 'adopt', BUCKET])
    expect(third.stdout).toMatch(/none belongs to anybody else/)
    expect(await versions()).toHaveLength(before + 1)
  })

  it('that the group can’t read are named, with exit code 3 beside others and 11 alone', async () => {
    const { backend, group, producer } = stage()
    const bucket = 'animine-data-import-6'
    await group.json(['bucket', 'open', bucket, '--for', producer.project.name])
    const put = { Bucket: backend.bucketAddress(bucket), Body: 'reads' }
    await producer.s3.send(new PutObjectCommand({ ...put, Key: 'private' }))
    await producer.s3.send(
      new PutObjectCommand({ ...put, Key: 'readable', ACL: 'bucket-owner-full-control' }),
    )
    await group.s3.send(new DeleteBucketPolicyCommand({ Bucket: bucket }))
    const mixed = await group.sealift(['access', 'adopt', bucket])
    expect(mixed).toMatchObject({ code: 3 })
    expect(mixed.stdout).toMatch(/took over 1 object, 5 B/)
    expect(mixed.stderr).toMatch(/private belongs to .* and cannot be read[^]*hint: .*SealiftOwner/)
    expectFailure(await group.sealift(['access', 'adopt', bucket]), { code: 11, error: /cannot be read/ })
    expect(await textOf(producer, put.Bucket, 'private')).toBe('reads')
  })

  it('keep metadata beyond ASCII', async ({ skip }) => {
    const { backend, group, producer } = stage()
    skip(backend.name === 'sandbox', 'the sandbox takes the letters of a header for its bytes')
    const store = createS3Store({ endpoint: backend.endpoint, credentials: producer.project })
    const headers = { contentDisposition: 'inline; filename="näyte"', metadata: { sample: 'näyte 样本' } }
    const uploadId = await store.createMultipartUpload(theirs, 'said', { headers })
    const upload = { bucket: theirs, objectKey: 'said', uploadId }
    const part = await store.uploadPart(upload, 1, Buffer.from('said'))
    await store.completeMultipartUpload(upload, [part])
    const before = await store.headObject(theirs, 'said')
    store.close()
    expect(before.headers).toMatchObject(headers)
    expect(await group.json(['access', 'adopt', BUCKET])).toMatchObject({ adopted: [{ objectKey: 'said' }] })
    const own = createS3Store({ endpoint: backend.endpoint, credentials: group.project })
    expect((await own.headObject(BUCKET, 'said')).headers).toEqual(before.headers)
    for (const version of await versions()) {
      if (version.Key === 'said') await own.deleteVersion(BUCKET, 'said', version.VersionId ?? '')
    }
    own.close()
  })

  it('can only be taken over by the owner of the bucket', async () => {
    const { outsider } = stage()
    expect((await outsider.sealift(['access', 'adopt', theirs])).code).toBe(11)
  })

  it('and are over the limit of one request are copied in parts, stopped and gone on with', async () => {
    const { backend, group, producer } = stage()
    const body = randomBytes(16 * MIB + 5)
    const target = { Bucket: theirs, Key: 'big ä+.c4gh' }
    const said = { ContentType: 'text/x-reads', Metadata: { sample: '8' } }
    const { UploadId } = await producer.s3.send(new CreateMultipartUploadCommand({ ...target, ...said }))
    const parts = []
    for (const PartNumber of [1, 2, 3]) {
      const Body = body.subarray((PartNumber - 1) * 6 * MIB, PartNumber * 6 * MIB)
      const { ETag } = await producer.s3.send(
        new UploadPartCommand({ ...target, UploadId, PartNumber, Body }),
      )
      parts.push({ PartNumber, ETag })
    }
    const Parts = { MultipartUpload: { Parts: parts } }
    await producer.s3.send(new CompleteMultipartUploadCommand({ ...target, UploadId, ...Parts }))

    const store = createS3Store({ endpoint: backend.endpoint, credentials: group.project })
    const records = { folder: join(group.home, 'adoptions'), endpoint: backend.endpoint }
    const request = { bucket: BUCKET, prefix: 'big', wholeCopyLimit: 8 * MIB, records }
    const stop = new AbortController()
    const stopping = faultyStore(store, {
      copyPart: async (...args) => {
        const part = await store.copyPart(...args)
        if (args[1] === 2) stop.abort(new Error('stopped'))
        return part
      },
    })
    await expect(adoptObjects(stopping.store, request, stop.signal)).rejects.toThrow('stopped')
    expect(Buffer.from(await bytesOf(producer, theirs, target.Key)).equals(body)).toBe(true)
    expect(await readdir(records.folder)).toHaveLength(1)

    const going = faultyStore(store, {})
    const { adopted } = await adoptObjects(going.store, request)
    expect(adopted).toMatchObject([{ size: body.length, parts: 3, comparedBy: 'etag' }])
    expect(going.calls.copyPart?.length ?? 0).toBeLessThan(3)
    expect(going.calls.createMultipartUpload).toBeUndefined()
    expect(await readdir(records.folder)).toEqual([])
    expect(Buffer.from(await bytesOf(group, BUCKET, target.Key)).equals(body)).toBe(true)
    const after = await group.s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: target.Key }))
    expect(after).toMatchObject(said)
    expect(await refusal(producer.s3.send(new GetObjectCommand(target)))).toBe(403)
    store.close()
  })

  it('go with the bucket only when its name is given twice', async () => {
    const { group } = stage()
    const close = ['bucket', 'close', BUCKET, '--delete-bucket']
    expectFailure(await group.sealift(close), { code: 14, error: /it holds objects/ })
    const shown = await group.sealift([...close, '--delete-versions'])
    expect(shown).toMatchObject({ code: 0 })
    expect(shown.stdout).toMatch(
      /would delete 5 objects, 4 older versions, 0 delete markers[^]*kept 5 objects/,
    )
    const wrong = [...close, '--delete-versions', '--yes', 'animine-data-import-6']
    expectFailure(await group.sealift(wrong), { code: 2, error: /--yes names/ })
    expect(await versions()).toHaveLength(9)
    const closed = await group.json([...close, '--delete-versions', '--yes', BUCKET])
    expect(closed).toMatchObject({ deleted: true, versions: { objects: 5, olderVersions: 4, deleted: true } })
    expect(await refusal(group.s3.send(new ListObjectVersionsCommand({ Bucket: BUCKET })))).toBe(404)
  })
})
