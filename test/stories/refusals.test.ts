import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, it } from 'vitest'

import { openImportBucket } from '../support/cast.ts'
import { expectFailure } from '../support/failure.ts'
import { writeTree } from '../support/files.ts'
import { onEveryBackend } from '../support/on-every-backend.ts'
import { refusal } from '../support/s3.ts'

const BUCKET = 'animine-data-import-2'
const GROUP_OBJECT = 'group/notes.txt.c4gh'
const DELIVERED = 'run_12/sample.fastq.c4gh'

/** The smallest part S3 takes before the last one. */
const PART = Buffer.alloc(5 * 1024 ** 2, 'sealift ')

onEveryBackend('who is refused what', (stage) => {
  let Bucket = ''
  let bucketUrl = ''

  beforeAll(async () => {
    const { backend, group, producer, outsider } = stage()
    Bucket = backend.bucketAddress(BUCKET)
    bucketUrl = `s3://${Bucket}`
    await openImportBucket(group, producer, BUCKET)
    await writeTree(group.home, { 'notes.txt': Buffer.from('private') })
    await writeTree(producer.home, { 'sample.fastq': Buffer.from('@read\nACGT\n+\nFFFF\n') })
    await writeTree(outsider.home, { 'intruder.txt': Buffer.from('let me in') })
    await group.json(['upload', 'notes.txt', `s3://${BUCKET}/${GROUP_OBJECT}`, '--to', 'animine.pub'])
    await producer.json(['upload', 'sample.fastq', `${bucketUrl}/run_12/`, '--to-bucket-keys'])
  })

  describe('an outsider', () => {
    it('is told that listing, downloading and uploading are denied', async () => {
      const { outsider } = stage()
      const denied = { code: 11, error: /denied/ }
      expectFailure(await outsider.sealift(['ls', `${bucketUrl}/`]), denied)
      expectFailure(await outsider.sealift(['download', `${bucketUrl}/${DELIVERED}`, '--no-decrypt']), denied)
      const upload = ['upload', 'intruder.txt', `${bucketUrl}/intruder/`, '--to', '@csc-sd']
      expectFailure(await outsider.sealift(upload), denied)
    })

    it('gets 403 from the server for list, get, head, put and delete', async () => {
      const { s3 } = stage().outsider
      const there = { Bucket, Key: DELIVERED }
      expect(await refusal(s3.send(new ListObjectsV2Command({ Bucket })))).toBe(403)
      expect(await refusal(s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'keys/' })))).toBe(403)
      expect(await refusal(s3.send(new GetObjectCommand(there)))).toBe(403)
      expect(await refusal(s3.send(new HeadObjectCommand(there)))).toBe(403)
      expect(await refusal(s3.send(new DeleteObjectCommand(there)))).toBe(403)
      expect(await refusal(s3.send(new PutObjectCommand({ Bucket, Key: 'x', Body: 'x' })))).toBe(403)
      expect(await refusal(s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'x' })))).toBe(403)
    })
  })

  describe('a depositor', () => {
    it('is told that listing and downloading are denied', async () => {
      const { producer } = stage()
      expectFailure(await producer.sealift(['ls', `${bucketUrl}/`]), { code: 11, error: /denied/ })
      const download = await producer.sealift(['download', `${bucketUrl}/${GROUP_OBJECT}`, '--no-decrypt'])
      expectFailure(download, { code: 11, error: /denied/ })
    })

    it("gets 403 for listing, and for reading and deleting the group's object", async () => {
      const { s3 } = stage().producer
      const there = { Bucket, Key: GROUP_OBJECT }
      expect(await refusal(s3.send(new ListObjectsV2Command({ Bucket })))).toBe(403)
      expect(await refusal(s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'run_12/' })))).toBe(403)
      expect(await refusal(s3.send(new GetObjectCommand(there)))).toBe(403)
      expect(await refusal(s3.send(new HeadObjectCommand(there)))).toBe(403)
      expect(await refusal(s3.send(new DeleteObjectCommand(there)))).toBe(403)
    })

    it("can't replace the group's key in the key card", async () => {
      const { producer } = stage()
      const { Contents = [] } = await producer.s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'keys/' }))
      expect(Contents.map(({ Key }) => Key)).toEqual(['keys/animine.pub'])
      for (const Key of ['keys/animine.pub', 'keys/another.pub']) {
        const put = new PutObjectCommand({ Bucket, Key, Body: 'forged' })
        expect(await refusal(producer.s3.send(put))).toBe(403)
      }
    })

    it('can put, and resume an upload from a process that starts anew', async () => {
      const { group, producer } = stage()
      const Key = 'run_12/resumed.c4gh'
      const create = new CreateMultipartUploadCommand({ Bucket, Key, ACL: 'bucket-owner-full-control' })
      const { UploadId } = await producer.s3.send(create)
      const upload = { Bucket, Key, UploadId }
      await producer.s3.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: PART }))

      const later = producer.newClient()
      const { Parts = [] } = await later.send(new ListPartsCommand(upload))
      expect(Parts.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([[1, PART.length]])
      const { ETag } = await later.send(new UploadPartCommand({ ...upload, PartNumber: 2, Body: 'the rest' }))
      const parts = [
        { PartNumber: 1, ETag: Parts[0]?.ETag },
        { PartNumber: 2, ETag },
      ]
      await later.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } }))
      later.destroy()

      const { Body } = await group.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }))
      const stored = Buffer.from(await Body!.transformToByteArray())
      expect(stored.equals(Buffer.concat([PART, Buffer.from('the rest')]))).toBe(true)
    })

    it('can put over an object it may not read, and what was there is kept as an older version', async () => {
      const { group, producer } = stage()
      const there = { Bucket: BUCKET, Key: 'group/overwritten.c4gh' }
      const { VersionId } = await group.s3.send(new PutObjectCommand({ ...there, Body: 'the original' }))
      await producer.s3.send(new PutObjectCommand({ ...there, Bucket, Body: 'something else' }))
      const { Body } = await group.s3.send(new GetObjectCommand({ ...there, VersionId }))
      expect(await Body!.transformToString()).toBe('the original')
    })

    it('can send with a plain client, and the group reads that without any further step', async () => {
      const { group, producer } = stage()
      const Key = 'run_12/plain-client.c4gh'
      await producer.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'no ACL asked for' }))
      const { Body } = await group.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }))
      expect(await Body!.transformToString()).toBe('no ACL asked for')
    })
  })

  describe('a producer that was shut out', () => {
    const Key = 'run_12/unfinished.c4gh'
    let upload: { Bucket: string; Key: string; UploadId: string | undefined }
    let etag: string | undefined

    beforeAll(async () => {
      const { group, producer } = stage()
      const { UploadId } = await producer.s3.send(new CreateMultipartUploadCommand({ Bucket, Key }))
      upload = { Bucket, Key, UploadId }
      const part = new UploadPartCommand({ ...upload, PartNumber: 1, Body: PART })
      etag = (await producer.s3.send(part)).ETag
      const revoke = ['access', 'revoke', BUCKET, '--project', producer.project.name]
      expect(await group.sealift(revoke)).toMatchObject({ code: 0 })
    })

    it('gets 403 for the next part of an upload, and for completing it', async () => {
      const { s3 } = stage().producer
      const part = new UploadPartCommand({ ...upload, PartNumber: 2, Body: 'the rest' })
      expect(await refusal(s3.send(part))).toBe(403)
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: etag }] }
      expect(await refusal(s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload })))).toBe(
        403,
      )
    })

    it('gets 403 for reading and deleting what it uploaded itself, for listing and for putting', async () => {
      const { s3 } = stage().producer
      for (const own of [DELIVERED, 'run_12/resumed.c4gh', 'run_12/plain-client.c4gh']) {
        const there = { Bucket, Key: own }
        expect(await refusal(s3.send(new GetObjectCommand(there)))).toBe(403)
        expect(await refusal(s3.send(new HeadObjectCommand(there)))).toBe(403)
        expect(await refusal(s3.send(new DeleteObjectCommand(there)))).toBe(403)
      }
      expect(await refusal(s3.send(new ListObjectsV2Command({ Bucket })))).toBe(403)
      expect(await refusal(s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'keys/' })))).toBe(403)
      expect(await refusal(s3.send(new GetObjectCommand({ Bucket, Key: 'keys/animine.pub' })))).toBe(403)
      expect(await refusal(s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' })))).toBe(403)
    })

    it('has left no unfinished upload behind, and the group still has every object', async () => {
      const { s3 } = stage().group
      const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }))
      expect(Uploads).toEqual([])
      for (const own of [DELIVERED, 'run_12/resumed.c4gh', 'run_12/plain-client.c4gh', GROUP_OBJECT]) {
        await s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: own }))
      }
    })

    it('can be let in again', async () => {
      const { group, producer } = stage()
      await group.json(['access', 'grant', BUCKET, '--project', producer.project.name])
      await producer.json(['upload', 'sample.fastq', `${bucketUrl}/run_13/`, '--to-bucket-keys'])
    })
  })
})
