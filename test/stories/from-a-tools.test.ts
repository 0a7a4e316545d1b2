import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { expect, it } from 'vitest'
import { onEveryBackend } from '../support/on-every-backend.ts'
import { refusal } from '../support/s3.ts'

/** The commands of CSC's tutorial for sequencing centres, as its readers type them. */
onEveryBackend('coming from a-tools', (stage) => {
  const bucket = 'from-a-tools-1'
  const put = () => {
    const { producer, backend } = stage()
    const input = { Bucket: backend.bucketAddress(bucket), Key: 'run_12_R1.fastq.c4gh', Body: 'sealed' }
    return producer.s3.send(new PutObjectCommand(input))
  }

  it('access +rw lets the other project in, and -rw ends it', async () => {
    const { group, producer } = stage()
    const { name, identity } = producer.project
    await group.json(['project', 'add', name, identity])
    await group.s3.send(new CreateBucketCommand({ Bucket: bucket }))
    expect(await refusal(put())).toBe(403)

    const granted = await group.sealift(['access', '+rw', name, bucket])
    expect(granted).toMatchObject({ code: 0, stderr: '' })
    expect(granted.stdout).toContain(`is collaborator of s3://${bucket}`)
    await put()

    const shown = await group.sealift(['access', bucket])
    expect(shown).toMatchObject({ code: 0 })
    expect(shown.stdout).toContain('collaborator')
    const half = await group.json(['access', '-w', name, bucket])
    expect(half).toMatchObject({ done: 'granted', granted: { role: 'reader' } })
    expect(await refusal(put())).toBe(403)

    const revoked = await group.sealift(['access', '-rw', name, bucket])
    expect(revoked).toMatchObject({ code: 0, stderr: '' })
    expect(revoked.stdout).toContain(`is shut out of s3://${bucket}`)
    expect(await refusal(put())).toBe(403)
  })

  it('tells a mistyped command from a bucket, and refuses what sealift does not do', async () => {
    const { group } = stage()
    expect(await group.sealift(['access', 'shwo', bucket])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('unknown command access shwo') as string,
    })
    expect((await group.sealift(['access', 'show', bucket])).code, 'the commands below it stay').toBe(0)
    expect((await group.sealift(['access', '+p', bucket])).stderr).toContain('never given to everyone')
    expect((await group.sealift(['access', '+rw', 'nobody_known', bucket])).code).toBe(10)
    expect((await group.sealift(['access', '-rw', 'project_1', bucket, '--until', '14d'])).code).toBe(2)
  })
})
