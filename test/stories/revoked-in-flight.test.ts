import { HeadObjectCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import type { S3Client } from '@aws-sdk/client-s3'
import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, it } from 'vitest'

import { openImportBucket } from '../support/cast.ts'
import { expectFailure } from '../support/failure.ts'
import { onEveryBackend } from '../support/on-every-backend.ts'
import { refusal } from '../support/s3.ts'

const BUCKET = 'animine-data-import-3'

onEveryBackend('an upload that is under way when its right ends', (stage) => {
  beforeAll(async () => {
    const { group, producer } = stage()
    await openImportBucket(group, producer, BUCKET)
    const file = join(producer.home, 'large.bin')
    await writeFile(file, '')
    await truncate(file, 256 * 1024 ** 2)
  })

  it('fails, leaves no object and no unfinished upload', async () => {
    const { backend, group, producer } = stage()
    const target = `s3://${backend.bucketAddress(BUCKET)}/large.bin.c4gh`
    const slowly = ['--part-size', '5MiB', '--concurrency', '1']
    const running = producer.start(['upload', 'large.bin', target, '--to-bucket-keys', ...slowly])
    await untilUploading(group.s3, running.ended)

    // The producer's process stands still while it is shut out, so that it is in the midst of the upload.
    running.kill('SIGSTOP')
    expect(await unfinishedUploads(group.s3)).toHaveLength(1)
    const revoke = ['access', 'revoke', BUCKET, '--project', producer.project.name]
    const revoked = await group.sealift(revoke)
    running.kill('SIGCONT')
    expect(revoked).toMatchObject({ code: 0 })

    expectFailure(await running.ended, { code: 11, error: /denied/ })
    expect(await unfinishedUploads(group.s3)).toEqual([])
    const there = { Bucket: BUCKET, Key: 'large.bin.c4gh' }
    expect(await refusal(group.s3.send(new HeadObjectCommand(there)))).toBe(404)
  })
})

async function untilUploading(s3: S3Client, ended: Promise<unknown>): Promise<void> {
  const over = ended.then(() => 'over')
  while ((await unfinishedUploads(s3)).length === 0) {
    const state = await Promise.race([over, sleep(10, 'under way')])
    if (state === 'over') throw new Error('the upload ended before it could be interrupted')
  }
}

async function unfinishedUploads(s3: S3Client): Promise<string[]> {
  const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }))
  return Uploads.map(({ Key }) => Key ?? '')
}
