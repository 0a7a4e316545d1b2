import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseByteRange } from '../../src/sandbox/operations/byte-range.ts'
import { client, outcome, type Practice, startPractice } from './practice.ts'

const Bucket = 'objects'
let practice: Practice

beforeAll(async () => {
  practice = await startPractice()
  await practice.group.send(new CreateBucketCommand({ Bucket }))
})
afterAll(async () => {
  await practice.close()
})

const put = (Key: string, Body: string | Buffer, more: object = {}) =>
  practice.group.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))
const get = (Key: string, more: object = {}) =>
  practice.group.send(new GetObjectCommand({ Bucket, Key, ...more }))
const text = async (Key: string, more: object = {}): Promise<string> => {
  const { Body } = await get(Key, more)
  return Body!.transformToString()
}

describe('a bucket', () => {
  it.each(['ab', 'Bad-Name', 'under_score', 'dot..dot', '-dash', '10.0.0.1', 'x'.repeat(64)])(
    'can not be called %s',
    async (name) => {
      const create = new CreateBucketCommand({ Bucket: name })
      expect(await outcome(practice.group.send(create))).toMatch(/^400 InvalidBucketName$/)
    },
  )

  it('is in the one location there is', async () => {
    const { LocationConstraint } = await practice.group.send(new GetBucketLocationCommand({ Bucket }))
    expect(LocationConstraint).toBe('default')
    const elsewhere = new CreateBucketCommand({
      Bucket: 'elsewhere',
      CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' },
    })
    expect(await outcome(practice.group.send(elsewhere))).toBe('400 InvalidLocationConstraint')
  })

  it('is deleted only when it is empty', async () => {
    const target = { Bucket: 'to-delete' }
    await practice.group.send(new CreateBucketCommand(target))
    await practice.group.send(new PutObjectCommand({ ...target, Key: 'x', Body: 'x' }))
    expect(await outcome(practice.group.send(new DeleteBucketCommand(target)))).toBe('409 BucketNotEmpty')
    await practice.group.send(new DeleteObjectCommand({ ...target, Key: 'x' }))
    expect(await outcome(practice.group.send(new DeleteBucketCommand(target)))).toBe('204')
    expect(await outcome(practice.group.send(new DeleteBucketCommand(target)))).toBe('404 NoSuchBucket')
  })
})

describe('an object', () => {
  it('comes back with its headers and metadata', async () => {
    const kept = {
      ContentType: 'text/plain',
      CacheControl: 'no-store',
      ContentDisposition: 'inline',
      ContentEncoding: 'gzip',
      Metadata: { 'run-id': '12' },
    }
    const { ETag } = await put('headers', 'hello', kept)
    expect(ETag).toBe('"5d41402abc4b2a76b9719d911017c592"')
    expect(await practice.group.send(new HeadObjectCommand({ Bucket, Key: 'headers' }))).toMatchObject({
      ...kept,
      ETag,
      ContentLength: 5,
    })
    const { Body, ContentType } = await get('headers', { ResponseContentType: 'text/html' })
    await Body!.transformToByteArray()
    expect(ContentType).toBe('text/html')
  })

  it('arrives whole from a stream in chunks with a checksum behind it, the way of an SDK by default', async () => {
    const defaults = client(practice.endpoint, practice.projects.group, {
      requestChecksumCalculation: 'WHEN_SUPPORTED',
      responseChecksumValidation: 'WHEN_SUPPORTED',
    })
    const body = randomBytes(3_000_000)
    const blocks = Array.from({ length: 30 }, (_, index) =>
      body.subarray(index * 100_000, (index + 1) * 100_000),
    )
    const stream = Readable.from(blocks)
    await defaults.send(
      new PutObjectCommand({ Bucket, Key: 'streamed', Body: stream, ContentLength: body.length }),
    )
    const { Body, ContentEncoding } = await get('streamed')
    expect(Buffer.compare(await Body!.transformToByteArray(), body)).toBe(0)
    expect(ContentEncoding).toBeUndefined()
    defaults.destroy()
  })

  it.each([
    ['bytes=0-4', '206', '01234'],
    ['bytes=5-', '206', '56789'],
    ['bytes=-3', '206', '789'],
    ['bytes=-99', '206', '0123456789'],
    ['bytes=8-99', '206', '89'],
    ['bytes=5-2', '200', '0123456789'],
    ['lines=1-2', '200', '0123456789'],
  ])('gives for the range %s a %s', async (Range, status, expected) => {
    await put('range', '0123456789')
    const answer = await get('range', { Range })
    expect(await answer.Body!.transformToString()).toBe(expected)
    expect(String(answer.$metadata.httpStatusCode)).toBe(status)
    expect(answer.ContentLength).toBe(expected.length)
  })

  it('has no byte behind its end', async () => {
    await put('range', '0123456789')
    await put('nothing', '')
    expect(await outcome(get('range', { Range: 'bytes=10-' }))).toBe('416 InvalidRange')
    expect(await outcome(get('range', { Range: 'bytes=-0' }))).toBe('416 InvalidRange')
    expect(await outcome(get('nothing', { Range: 'bytes=0-0' }))).toBe('416 InvalidRange')
    expect(await text('nothing')).toBe('')
  })

  it('answers any range with bytes inside it, and with those that were asked for', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(1000), fc.integer({ min: 1, max: 1000 }), (first, last, size) => {
        fc.pre(first < size && first <= last)
        const range = parseByteRange(`bytes=${first}-${last}`, size)
        expect(range).toEqual({ offset: first, length: Math.min(last, size - 1) - first + 1 })
      }),
    )
  })

  it('is read under a condition', async () => {
    const { ETag } = await put('condition', 'x')
    expect(await outcome(get('condition', { IfMatch: ETag }))).toBe('200')
    expect(await outcome(get('condition', { IfMatch: '"other"' }))).toBe('412 PreconditionFailed')
    expect(await outcome(get('condition', { IfNoneMatch: ETag }))).toMatch(/^304/)
    expect(await outcome(get('condition', { IfNoneMatch: '"other"' }))).toBe('200')
    expect(await outcome(get('condition', { IfModifiedSince: new Date(Date.now() + 60_000) }))).toMatch(
      /^304/,
    )
    expect(await outcome(get('condition', { IfUnmodifiedSince: new Date(2001, 1, 1) }))).toBe(
      '412 PreconditionFailed',
    )
  })

  it('is written under a condition, of two at once by one', async () => {
    const both = await Promise.all([
      outcome(put('first-wins', 'a', { IfNoneMatch: '*' })),
      outcome(put('first-wins', 'b', { IfNoneMatch: '*' })),
    ])
    expect(both.sort()).toEqual(['200', '412 PreconditionFailed'])
    const { ETag } = await get('first-wins').then(async ({ Body, ...rest }) => {
      await Body!.transformToByteArray()
      return rest
    })
    expect(await outcome(put('first-wins', 'c', { IfMatch: '"other"' }))).toBe('412 PreconditionFailed')
    expect(await outcome(put('first-wins', 'c', { IfMatch: ETag }))).toBe('200')
    expect(await outcome(put('nowhere', 'c', { IfMatch: ETag }))).toBe('404 NoSuchKey')
  })

  it('is copied with its metadata, or with new', async () => {
    await put('original', 'body', { Metadata: { a: '1' }, ContentType: 'text/plain' })
    const copy = { Bucket, CopySource: `/${Bucket}/original` }
    await practice.group.send(new CopyObjectCommand({ ...copy, Key: 'same' }))
    await practice.group.send(
      new CopyObjectCommand({ ...copy, Key: 'new', MetadataDirective: 'REPLACE', Metadata: { b: '2' } }),
    )
    const head = (Key: string) => practice.group.send(new HeadObjectCommand({ Bucket, Key }))
    expect(await head('same')).toMatchObject({ Metadata: { a: '1' }, ContentType: 'text/plain' })
    expect(await head('new')).toMatchObject({ Metadata: { b: '2' } })
    await practice.group.send(new DeleteObjectCommand({ Bucket, Key: 'original' }))
    expect([await text('same'), await text('new')]).toEqual(['body', 'body'])
  })

  it('is deleted with others, whatever characters are in the keys', async () => {
    const keys = [
      'plain',
      'with space',
      '<&>"\'',
      'line\nbreak',
      'carriage\rreturn',
      'ünï/🧬',
      '1e5',
      'true',
      ' lead',
    ]
    for (const key of keys) await put(key, 'x')
    const answer = await practice.group.send(
      new DeleteObjectsCommand({
        Bucket,
        Delete: { Objects: [...keys, 'never was'].map((Key) => ({ Key })) },
      }),
    )
    expect(answer.Errors).toBeUndefined()
    expect(answer.Deleted?.map(({ Key }) => Key)).toEqual([...keys, 'never was'])
    for (const key of keys) expect(await outcome(get(key)), key).toBe('404 NoSuchKey')
  })

  it('may have a key of 1024 bytes, not of 1025', async () => {
    expect(await outcome(put('ä'.repeat(512), 'x'))).toBe('200')
    expect(await outcome(put(`${'ä'.repeat(512)}x`, 'x'))).toBe('400 InvalidObjectName')
  })

  it('needs a length', async () => {
    const stream = Readable.from([Buffer.from('unknown length')])
    const send = new PutObjectCommand({ Bucket, Key: 'no-length', Body: stream })
    expect(await outcome(practice.group.send(send))).toBe('411 MissingContentLength')
  })
})

describe('with versioning', () => {
  it('overwritten and deleted versions stay, until they are deleted by id', async () => {
    const target = { Bucket: 'versions' }
    const group = practice.group
    await group.send(new CreateBucketCommand(target))
    await group.send(new PutObjectCommand({ ...target, Key: 'x', Body: 'before' }))
    await group.send(
      new PutBucketVersioningCommand({ ...target, VersioningConfiguration: { Status: 'Enabled' } }),
    )
    const first = await group.send(new PutObjectCommand({ ...target, Key: 'x', Body: 'first' }))
    const second = await group.send(new PutObjectCommand({ ...target, Key: 'x', Body: 'second' }))
    const marker = await group.send(new DeleteObjectCommand({ ...target, Key: 'x' }))
    expect(marker).toMatchObject({ DeleteMarker: true })
    const read = async (VersionId?: string): Promise<string> => {
      const { Body } = await group.send(new GetObjectCommand({ ...target, Key: 'x', VersionId }))
      return Body!.transformToString()
    }
    await expect(read()).rejects.toMatchObject({ name: 'NoSuchKey' })
    await expect(read(marker.VersionId)).rejects.toMatchObject({ name: 'NoSuchKey' })
    expect([await read('null'), await read(first.VersionId), await read(second.VersionId)]).toEqual([
      'before',
      'first',
      'second',
    ])
    expect(await outcome(group.send(new DeleteBucketCommand(target)))).toBe('409 BucketNotEmpty')

    const listed: string[] = []
    let page: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | undefined = {}
    while (page !== undefined) {
      const answer: ListObjectVersionsCommandOutput = await group.send(
        new ListObjectVersionsCommand({ ...target, MaxKeys: 1, ...page }),
      )
      listed.push(
        ...[...(answer.DeleteMarkers ?? []), ...(answer.Versions ?? [])].map(({ VersionId }) => VersionId!),
      )
      const { NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = answer
      page = answer.IsTruncated === true ? { KeyMarker, VersionIdMarker } : undefined
    }
    expect(listed).toEqual([marker.VersionId, second.VersionId, first.VersionId, 'null'])

    await group.send(new DeleteObjectCommand({ ...target, Key: 'x', VersionId: marker.VersionId }))
    expect(await read()).toBe('second')
    await group.send(new DeleteObjectCommand({ ...target, Key: 'x', VersionId: second.VersionId }))
    expect(await read()).toBe('first')
    await group.send(
      new PutBucketVersioningCommand({ ...target, VersioningConfiguration: { Status: 'Suspended' } }),
    )
    await group.send(new PutObjectCommand({ ...target, Key: 'x', Body: 'over null' }))
    expect([await read(), await read('null'), await read(first.VersionId)]).toEqual([
      'over null',
      'over null',
      'first',
    ])
  })
})
