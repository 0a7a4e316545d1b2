import { GetObjectCommand, PutObjectAclCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { expect, it } from 'vitest'

import { openImportBucket } from '../support/cast.ts'
import { onEveryBackend } from '../support/on-every-backend.ts'
import { refusal } from '../support/s3.ts'

const BUCKET = 'animine-data-import-7'
const KEY = 'run 12/reads.c4gh'

onEveryBackend('an older version that its uploader made public', (stage) => {
  it('is closed by the revocation, to everybody', async () => {
    const { backend, group, producer } = stage()
    await openImportBucket(group, producer, BUCKET)
    const Bucket = backend.bucketAddress(BUCKET)
    const put = (Body: string) => producer.s3.send(new PutObjectCommand({ Bucket, Key: KEY, Body }))
    const { VersionId } = await put('first')
    await put('second')
    const older = { Bucket, Key: KEY, VersionId: VersionId! }
    await producer.s3.send(new PutObjectAclCommand({ ...older, ACL: 'public-read' }))
    const anybody = async (): Promise<number> => {
      const url = `${backend.endpoint}/${Bucket}/${encodeURI(KEY)}?versionId=${VersionId!}`
      const answer = await fetch(url)
      await answer.arrayBuffer()
      return answer.status
    }
    expect(await anybody()).toBe(200)

    const revoked = await group.json(['access', 'revoke', BUCKET, '--project', producer.project.name])
    expect(revoked).toMatchObject({ removed: { objects: [KEY] }, remaining: [] })
    expect(await anybody()).toBe(403)
    expect(await refusal(producer.s3.send(new GetObjectCommand(older)))).toBe(403)
    const kept = await group.s3.send(new GetObjectCommand({ ...older, Bucket: BUCKET }))
    expect(await kept.Body?.transformToString()).toBe('first')
  })
})
