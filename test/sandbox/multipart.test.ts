import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { outcome, type Practice, startPractice } from './practice.ts'

const Bucket = 'parts'
const fiveMiB = 5 * 1024 * 1024
let practice: Practice

beforeAll(async () => {
  practice = await startPractice()
  await practice.group.send(new CreateBucketCommand({ Bucket }))
})
afterAll(async () => {
  await practice.close()
})

interface Sent {
  PartNumber: number
  ETag: string | undefined
}

async function open(Key: string, more: object = {}): Promise<string> {
  const { UploadId } = await practice.group.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }))
  return UploadId!
}
async function send(Key: string, UploadId: string, PartNumber: number, Body: Buffer | string): Promise<Sent> {
  const { ETag } = await practice.group.send(
    new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }),
  )
  return { PartNumber, ETag }
}
const complete = (Key: string, UploadId: string, Parts: Sent[], more: object = {}): Promise<string> =>
  outcome(
    practice.group.send(
      new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }),
    ),
  )
const contentFiles = async (): Promise<number> => (await readdir(join(practice.directory, 'content'))).length

describe('a multipart upload', () => {
  it('joins its parts, keeps type and metadata, and has the ETag of its parts', async () => {
    const [first, last] = [randomBytes(fiveMiB), randomBytes(1000)]
    const id = await open('joined', { ContentType: 'text/x-part', Metadata: { sample: 's1' } })
    const parts = [await send('joined', id, 1, first), await send('joined', id, 2, last)]
    expect(await complete('joined', id, parts)).toBe('200')

    const md5 = (bytes: Buffer): Buffer => createHash('md5').update(bytes).digest()
    const etag = `"${md5(Buffer.concat([md5(first), md5(last)])).toString('hex')}-2"`
    const { Body, ...got } = await practice.group.send(new GetObjectCommand({ Bucket, Key: 'joined' }))
    expect(got).toMatchObject({ ETag: etag, ContentType: 'text/x-part', Metadata: { sample: 's1' } })
    expect(Buffer.compare(await Body!.transformToByteArray(), Buffer.concat([first, last]))).toBe(0)
  })

  it('is read across its parts by a range', async () => {
    const [first, last] = [Buffer.alloc(fiveMiB, 'a'), Buffer.from('0123456789')]
    const id = await open('ranged')
    await complete('ranged', id, [await send('ranged', id, 3, first), await send('ranged', id, 7, last)])
    const Range = `bytes=${fiveMiB - 3}-${fiveMiB + 2}`
    const { Body } = await practice.group.send(new GetObjectCommand({ Bucket, Key: 'ranged', Range }))
    expect(await Body!.transformToString()).toBe('aaa012')
  })

  it('is finished without copying a byte: the part files become the object', async () => {
    const id = await open('moved')
    const parts = [await send('moved', id, 1, Buffer.alloc(fiveMiB)), await send('moved', id, 2, 'x')]
    const before = await contentFiles()
    await complete('moved', id, parts)
    expect(await contentFiles()).toBe(before)
  })

  it('shows nothing of the object before it is complete', async () => {
    const id = await open('unseen')
    await send('unseen', id, 1, 'x')
    expect(await outcome(practice.group.send(new HeadObjectCommand({ Bucket, Key: 'unseen' })))).toBe(
      '404 NotFound',
    )
  })

  it('refuses a small part that is not the last, only at the end', async () => {
    const id = await open('small')
    const parts = [await send('small', id, 1, Buffer.alloc(fiveMiB - 1)), await send('small', id, 2, 'x')]
    expect(await complete('small', id, parts)).toBe('400 EntityTooSmall')
    const again = [await send('small', id, 1, Buffer.alloc(fiveMiB)), parts[1]!]
    expect(await complete('small', id, again)).toBe('200')
  })

  it('refuses a wrong ETag, a missing part, a wrong order and a list that leaves parts out', async () => {
    const id = await open('listed')
    const parts = [await send('listed', id, 1, Buffer.alloc(fiveMiB)), await send('listed', id, 2, 'x')]
    const [first, second] = [parts[0]!, parts[1]!]
    const wrong = { ...second, ETag: first.ETag }
    expect(await complete('listed', id, [first, wrong])).toBe('400 InvalidPart')
    expect(await complete('listed', id, [...parts, { PartNumber: 3, ETag: second.ETag }])).toBe(
      '400 InvalidPart',
    )
    expect(await complete('listed', id, [second, first])).toBe('400 InvalidPartOrder')
    expect(await complete('listed', id, [first, first, second])).toBe('400 InvalidPartOrder')
    expect(await complete('listed', id, [first])).toBe('400 InvalidPart')
    expect(await complete('listed', id, [])).toBe('400 MalformedXML')
    expect(await complete('listed', id, parts)).toBe('200')
  })

  it('may be completed twice; then its id is gone', async () => {
    const id = await open('twice')
    const parts = [await send('twice', id, 1, 'x')]
    expect([await complete('twice', id, parts), await complete('twice', id, parts)]).toEqual(['200', '200'])
    const target = { Bucket, Key: 'twice', UploadId: id }
    const late = practice.group.send(new UploadPartCommand({ ...target, PartNumber: 2, Body: 'x' }))
    expect(await outcome(late)).toBe('404 NoSuchUpload')
    expect(await outcome(practice.group.send(new ListPartsCommand(target)))).toBe('404 NoSuchKey')
  })

  it('that is aborted is gone with its parts', async () => {
    const before = await contentFiles()
    const id = await open('aborted')
    const parts = [await send('aborted', id, 1, 'x')]
    const target = { Bucket, Key: 'aborted', UploadId: id }
    expect(await outcome(practice.group.send(new AbortMultipartUploadCommand(target)))).toBe('204')
    expect(await outcome(practice.group.send(new AbortMultipartUploadCommand(target)))).toBe(
      '404 NoSuchUpload',
    )
    expect(await complete('aborted', id, parts)).toBe('404 NoSuchUpload')
    expect(await contentFiles()).toBe(before)
  })

  it('is known under its own object key only', async () => {
    const id = await open('mine')
    const other = { Bucket, Key: 'yours', UploadId: id }
    const part = practice.group.send(new UploadPartCommand({ ...other, PartNumber: 1, Body: 'x' }))
    expect(await outcome(part)).toBe('404 NoSuchUpload')
  })

  it.each([0, 10_001])('has no part %i', async (PartNumber) => {
    const id = await open('numbered')
    const part = new UploadPartCommand({ Bucket, Key: 'numbered', UploadId: id, PartNumber, Body: 'x' })
    expect(await outcome(practice.group.send(part))).toBe('400 InvalidArgument')
  })

  it('does not overwrite with If-None-Match', async () => {
    const id = await open('only-once')
    const parts = [await send('only-once', id, 1, 'second')]
    await practice.group.send(new PutObjectCommand({ Bucket, Key: 'only-once', Body: 'first' }))
    expect(await complete('only-once', id, parts, { IfNoneMatch: '*' })).toBe('412 PreconditionFailed')
    const { Body } = await practice.group.send(new GetObjectCommand({ Bucket, Key: 'only-once' }))
    expect(await Body!.transformToString()).toBe('first')
  })
})

describe('a part that is copied', () => {
  it('is the range that was asked for', async () => {
    const source = randomBytes(fiveMiB + 1000)
    await practice.group.send(new PutObjectCommand({ Bucket, Key: 'sourcé/ä', Body: source }))
    const id = await open('copied')
    const target = {
      Bucket,
      Key: 'copied',
      UploadId: id,
      CopySource: `${Bucket}/${encodeURIComponent('sourcé/ä')}`,
    }
    const copy = async (PartNumber: number, CopySourceRange?: string): Promise<Sent> => {
      const part = new UploadPartCopyCommand({ ...target, PartNumber, CopySourceRange })
      return { PartNumber, ETag: (await practice.group.send(part)).CopyPartResult?.ETag }
    }
    const parts = [await copy(1, `bytes=1000-${fiveMiB + 999}`), await copy(2, 'bytes=0-999')]
    expect(await complete('copied', id, parts)).toBe('200')
    const { Body } = await practice.group.send(new GetObjectCommand({ Bucket, Key: 'copied' }))
    const wanted = Buffer.concat([source.subarray(1000), source.subarray(0, 1000)])
    expect(Buffer.compare(await Body!.transformToByteArray(), wanted)).toBe(0)

    const past = new UploadPartCopyCommand({
      ...target,
      PartNumber: 3,
      CopySourceRange: `bytes=0-${fiveMiB + 1000}`,
    })
    expect(await outcome(practice.group.send(past))).toMatch(/^4(16 InvalidRange|04 NoSuchUpload)$/)
  })

  it('needs a source that may be read, and a range inside it', async () => {
    await practice.group.send(new PutObjectCommand({ Bucket, Key: 'short', Body: '0123456789' }))
    await practice.outsider.send(new CreateBucketCommand({ Bucket: 'of-outsider' }))
    const { UploadId } = await practice.outsider.send(
      new CreateMultipartUploadCommand({ Bucket: 'of-outsider', Key: 'x' }),
    )
    const theirs = { Bucket: 'of-outsider', Key: 'x', UploadId, PartNumber: 1, CopySource: `${Bucket}/short` }
    expect(await outcome(practice.outsider.send(new UploadPartCopyCommand(theirs)))).toBe('403 AccessDenied')
    const id = await open('copied-2')
    const ours = { ...theirs, Bucket, Key: 'copied-2', UploadId: id, CopySourceRange: 'bytes=5-10' }
    expect(await outcome(practice.group.send(new UploadPartCopyCommand(ours)))).toBe('416 InvalidRange')
  })
})

describe('what is unfinished', () => {
  it('is listed page by page: uploads by key, parts by number', async () => {
    const Bucket = 'unfinished'
    await practice.group.send(new CreateBucketCommand({ Bucket }))
    for (const Key of ['b', 'a/2', 'a/1', 'b']) {
      await practice.group.send(new CreateMultipartUploadCommand({ Bucket, Key }))
    }
    const seen: string[] = []
    let marker: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } | undefined = {}
    while (marker !== undefined) {
      const page: ListMultipartUploadsCommandOutput = await practice.group.send(
        new ListMultipartUploadsCommand({ Bucket, MaxUploads: 1, ...marker }),
      )
      seen.push(...(page.Uploads ?? []).map(({ Key }) => Key!))
      expect(page.Uploads?.[0]).toMatchObject({
        Owner: { ID: 'project_2000222' },
        Initiator: { ID: 'project_2000222' },
      })
      const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page
      marker = page.IsTruncated === true ? { KeyMarker, UploadIdMarker } : undefined
    }
    expect(seen).toEqual(['a/1', 'a/2', 'b', 'b'])
    const folded = await practice.group.send(new ListMultipartUploadsCommand({ Bucket, Delimiter: '/' }))
    expect(folded.CommonPrefixes).toEqual([{ Prefix: 'a/' }])
    expect(folded.Uploads).toHaveLength(2)

    const { UploadId } = await practice.group.send(new CreateMultipartUploadCommand({ Bucket, Key: 'p' }))
    for (const PartNumber of [9, 1, 5]) {
      await practice.group.send(
        new UploadPartCommand({ Bucket, Key: 'p', UploadId, PartNumber, Body: 'xyz' }),
      )
    }
    const target = { Bucket, Key: 'p', UploadId }
    const page = await practice.group.send(new ListPartsCommand({ ...target, MaxParts: 2 }))
    expect([page.IsTruncated, page.Parts?.map((part) => part.PartNumber)]).toEqual([true, [1, 5]])
    const rest = await practice.group.send(
      new ListPartsCommand({ ...target, PartNumberMarker: page.NextPartNumberMarker }),
    )
    expect([rest.IsTruncated, rest.Parts]).toMatchObject([false, [{ PartNumber: 9, Size: 3 }]])
  })
})
