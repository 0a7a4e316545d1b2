import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatS3Url, parseBucket, parseS3Url } from '../../src/workflows/s3-url.ts'

describe('s3 addresses', () => {
  it.each([
    ['s3://animine-data-import-1', 'animine-data-import-1', ''],
    ['s3://animine-data-import-1/', 'animine-data-import-1', ''],
    ['s3://animine-data-import-1/run_12/', 'animine-data-import-1', 'run_12/'],
    [
      's3://proj222:animine-data-import-1/run_12/a b.c4gh',
      'proj222:animine-data-import-1',
      'run_12/a b.c4gh',
    ],
    ['s3://bucket//odd', 'bucket', '/odd'],
    ['s3://bucket/100%25?x#y', 'bucket', '100%25?x#y'],
    ['s3://bucket/a\nb', 'bucket', 'a\nb'],
  ])('%j', (url, bucket, objectKey) => {
    expect(parseS3Url(url)).toEqual({ bucket, objectKey })
  })

  it.each(['', 'animine', 'http://x/y', 'S3://bucket/', 's3:/bucket', `s3://bucket/${'x'.repeat(1025)}`])(
    '%j is none',
    (url) => {
      expect(() => parseS3Url(url)).toThrow(expect.objectContaining({ code: 'INVALID_S3_URL' }))
    },
  )

  it.each(['s3://', 's3:///key', 's3://a/key', 's3://-bucket/', 's3://a:b:c/', 's3://buc ket/', 's3://../x'])(
    '%j names no bucket',
    (url) => {
      expect(() => parseS3Url(url)).toThrow(expect.objectContaining({ code: 'INVALID_BUCKET_NAME' }))
    },
  )

  it('keep any object key as it is', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200, unit: 'grapheme' }), (objectKey) => {
        fc.pre(Buffer.byteLength(objectKey) <= 1024)
        expect(parseS3Url(formatS3Url('bucket', objectKey))).toEqual({ bucket: 'bucket', objectKey })
      }),
    )
  })

  it('a bucket may be given by name or address, but not as the address of an object', () => {
    expect(['bucket', 'tenant:bucket', 's3://bucket', 's3://bucket/'].map(parseBucket)).toEqual([
      'bucket',
      'tenant:bucket',
      'bucket',
      'bucket',
    ])
    expect(() => parseBucket('s3://bucket/key')).toThrow(expect.objectContaining({ code: 'INVALID_S3_URL' }))
  })
})
