import { PutObjectCommand, S3ServiceException } from '@aws-sdk/client-s3'
import type { S3Client } from '@aws-sdk/client-s3'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'

import { expectFailure } from '../support/failure.ts'
import { onEveryBackend } from '../support/on-every-backend.ts'

const BUCKET = 'animine-data-import-4'

/** Long enough for the commands before it on a busy machine, short enough to wait for. */
const SECONDS_OPEN = 12

onEveryBackend('a grant with an end', (stage) => {
  it('lets the producer in until then and not afterwards, with nothing done in between', async () => {
    const { backend, group, producer } = stage()
    const { name, identity } = producer.project
    await group.json(['project', 'add', name, identity])
    const until = new Date(Date.now() + SECONDS_OPEN * 1000).toISOString()
    await group.json(['bucket', 'open', BUCKET, '--for', name, '--until', until])

    const Bucket = backend.bucketAddress(BUCKET)
    expect(await putStatus(producer.s3, Bucket)).toBe(200)
    let status: number | undefined = 200
    while (status === 200 && Date.now() < Date.parse(until) + 30_000) {
      await sleep(500)
      status = await putStatus(producer.s3, Bucket)
    }
    expect(status).toBe(403)
    const upload = ['upload', '.aws/config', `s3://${Bucket}/late/`, '--to', '@csc-sd']
    expectFailure(await producer.sealift(upload), { code: 11, error: /denied/ })
  })
})

async function putStatus(s3: S3Client, Bucket: string): Promise<number | undefined> {
  try {
    return (await s3.send(new PutObjectCommand({ Bucket, Key: 'probe', Body: 'x' }))).$metadata.httpStatusCode
  } catch (error) {
    if (error instanceof S3ServiceException) return error.$metadata.httpStatusCode
    throw error
  }
}
