import { GetObjectCommand, CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { startSandbox } from '../../src/sandbox/server.ts'
import { startPractice, type Practice } from './practice.ts'

const MIB = 1024 ** 2
const Bucket = 'animine-data-bench'

let practice: Practice
beforeAll(async () => {
  practice = await startPractice({ discard: true })
  await practice.group.send(new CreateBucketCommand({ Bucket }))
})
afterAll(async () => {
  await practice.close()
})

describe('a sandbox that discards', () => {
  it('takes an object with its ETag and size, keeps none of it, and reads zeros', async () => {
    const Body = randomBytes(3 * MIB)
    const put = await practice.group.send(new PutObjectCommand({ Bucket, Key: 'a', Body }))
    expect(put.ETag).toBe(`"${createHash('md5').update(Body).digest('hex')}"`)
    const got = await practice.group.send(
      new GetObjectCommand({ Bucket, Key: 'a', Range: 'bytes=5-2097156' }),
    )
    expect(Buffer.from(await got.Body!.transformToByteArray())).toEqual(Buffer.alloc(2 * MIB))
    expect(got.ContentRange).toBe('bytes 5-2097156/3145728')
    expect(await readdir(join(practice.directory, 'content'))).toEqual([])
  })

  it('makes an object of parts', async () => {
    const Key = 'parts'
    const { UploadId } = await practice.group.send(new CreateMultipartUploadCommand({ Bucket, Key }))
    const part = { Bucket, Key, UploadId, PartNumber: 1 }
    const { ETag } = await practice.group.send(new UploadPartCommand({ ...part, Body: randomBytes(1000) }))
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
    await practice.group.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }))
    const { ContentLength } = await practice.group.send(new GetObjectCommand({ Bucket, Key }))
    expect(ContentLength).toBe(1000)
  })

  it('still refuses a body that is not the one signed for', async () => {
    const wrong = new PutObjectCommand({
      Bucket,
      Key: 'b',
      Body: randomBytes(1000),
      ContentMD5: createHash('md5').update('other').digest('base64'),
    })
    await expect(practice.group.send(wrong)).rejects.toMatchObject({ name: 'BadDigest' })
  })

  it('says what it is in every answer, and its folder is opened by no other sandbox', async () => {
    const answer = await fetch(practice.endpoint)
    expect(answer.headers.get('server')).toMatch(/discards/)
    await answer.arrayBuffer()
    const projects = Object.values(practice.projects)
    const { directory } = practice
    await expect(startSandbox({ directory, projects })).rejects.toMatchObject({ code: 'USAGE' })
    await expect(startSandbox({ directory, projects, discard: true })).rejects.toMatchObject({
      code: 'USAGE',
    })
  })
})
