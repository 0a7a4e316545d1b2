/** The minio client signs, lists and uploads with code of its own. */
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { Client } from 'minio'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Practice, startPractice } from './practice.ts'

const MiB = 1024 * 1024
const bucket = 'through-minio'
let practice: Practice
let minio: Client

function minioClient(secretKey: string): Client {
  const { hostname, port } = new URL(practice.endpoint)
  const accessKey = practice.projects.group.accessKeyId
  return new Client({ endPoint: hostname, port: Number(port), useSSL: false, accessKey, secretKey })
}

beforeAll(async () => {
  practice = await startPractice()
  minio = minioClient(practice.projects.group.secretAccessKey)
  await minio.makeBucket(bucket)
})
afterAll(async () => {
  await practice.close()
})

describe('the minio client', () => {
  it('puts and reads objects, small ones and in parts', async () => {
    const [small, large] = [randomBytes(1000), randomBytes(17 * MiB)]
    await minio.putObject(bucket, 'dir/small & ä', small)
    const uploading = new Client({
      endPoint: new URL(practice.endpoint).hostname,
      port: Number(new URL(practice.endpoint).port),
      useSSL: false,
      accessKey: practice.projects.group.accessKeyId,
      secretKey: practice.projects.group.secretAccessKey,
      partSize: 5 * MiB,
    })
    const blocks = Array.from({ length: 17 }, (_, index) => large.subarray(index * MiB, (index + 1) * MiB))
    await uploading.putObject(bucket, 'large', Readable.from(blocks), large.length)
    expect(Buffer.compare(await buffer(await minio.getObject(bucket, 'dir/small & ä')), small)).toBe(0)
    expect(Buffer.compare(await buffer(await minio.getObject(bucket, 'large')), large)).toBe(0)
    const { etag, size } = await minio.statObject(bucket, 'large')
    expect([etag, size]).toEqual([expect.stringMatching(/-4$/), large.length])
  })

  it('lists what is there, in both versions of the listing', async () => {
    const names = async (listing: AsyncIterable<{ name?: string; prefix?: string }>): Promise<string[]> => {
      const found: string[] = []
      for await (const { name, prefix } of listing) found.push(name ?? prefix ?? '')
      return found
    }
    expect(await names(minio.listObjectsV2(bucket, '', true))).toEqual(['dir/small & ä', 'large'])
    expect((await names(minio.listObjects(bucket, '', false))).sort()).toEqual(['dir/', 'large'])
  })

  it('makes presigned URLs that work', async () => {
    const url = await minio.presignedGetObject(bucket, 'large', 60)
    expect((await fetch(url)).status).toBe(200)
    expect((await fetch(`${url}0`)).status).toBe(403)
  })

  it('sets a policy, copies and removes', async () => {
    const policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: ['*'] },
          Action: ['s3:GetObject'],
          Resource: [`arn:aws:s3:::${bucket}/*`],
        },
      ],
    })
    await minio.setBucketPolicy(bucket, policy)
    expect(await minio.getBucketPolicy(bucket)).toBe(policy)
    expect((await fetch(`${practice.endpoint}/${bucket}/large`)).status).toBe(200)
    await minio.removeObjects(bucket, ['dir/small & ä', 'large'])
    await minio.removeBucket(bucket)
    expect(await minio.bucketExists(bucket)).toBe(false)
  })

  it('is refused with a wrong secret', async () => {
    await expect(minioClient('wrong').listBuckets()).rejects.toMatchObject({ code: 'SignatureDoesNotMatch' })
  })
})
