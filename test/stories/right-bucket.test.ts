import { CreateBucketCommand, GetBucketPolicyCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'

import { openImportBucket } from '../support/cast.ts'
import { expectFailure } from '../support/failure.ts'
import { onEveryBackend } from '../support/on-every-backend.ts'

const BUCKET = 'animine-data-import-7'
const FILE = '.aws/config'

onEveryBackend('the bucket that is meant', (stage) => {
  it('is told by the grant, in the words of the producer', async () => {
    const { backend, group, producer } = stage()
    await openImportBucket(group, producer, BUCKET)
    const again = ['access', 'grant', BUCKET, '--project', producer.project.name, '--until', '14d']
    const granted = (await group.json(again)) as { address: string }
    expect(granted.address).toBe(`s3://${backend.bucketAddress(BUCKET)}/`)
    const upload = [FILE, granted.address, '--to-bucket-keys', '--bucket-owner', group.project.identity]
    const sent = await producer.sealift(['upload', ...upload])
    expect(sent.code, sent.stderr).toBe(0)
  })

  it('is no other one: not of another owner, and not one’s own of the same name', async () => {
    const { backend, group, producer, outsider } = stage()
    const theirs = `s3://${backend.bucketAddress(BUCKET)}/again/`
    const wrong = { code: 14, error: /belongs to|bucket of your own/, hint: /s3:\/\// }
    const named = ['upload', FILE, theirs, '--to', '@csc-sd', '--bucket-owner', outsider.project.identity]
    expectFailure(await producer.sealift(named), wrong)
    if (backend.bucketAddress(BUCKET) === BUCKET) return

    await producer.s3.send(new CreateBucketCommand({ Bucket: BUCKET }))
    const bare = ['upload', FILE, `s3://${BUCKET}/again/`, '--to', '@csc-sd']
    expectFailure(await producer.sealift(bare), wrong)
    expect((await producer.s3.send(new ListObjectsV2Command({ Bucket: BUCKET }))).KeyCount).toBe(0)
    const meant = await producer.sealift([...bare, '--bucket-owner', producer.project.identity])
    expect(meant.code, meant.stderr).toBe(0)
    const listed = await group.sealift(['ls', `s3://${BUCKET}/again/`])
    expectFailure(listed, { code: 10, error: /no object/ })
  })

  describe('a grant that is only tried', () => {
    it('shows the statements that would go and come, and writes nothing', async () => {
      const { group, producer } = stage()
      const policy = async () => (await group.s3.send(new GetBucketPolicyCommand({ Bucket: BUCKET }))).Policy
      const before = await policy()
      const to = [BUCKET, '--project', producer.project.name, '--role', 'reader', '--dry-run']
      const { code, stdout } = await group.sealift(['access', 'grant', ...to])
      expect(code).toBe(0)
      expect(stdout).toMatch(/would be reader/)
      expect(stdout).toMatch(/^- \{"Sid":"SealiftDepositorData/m)
      expect(stdout).toMatch(/^\+ \{"Sid":"SealiftReaderData/m)
      expect(stdout).toMatch(/nothing was written/)
      expect(await policy()).toBe(before)
    })
  })

  it('a kind of server that nobody knows, or that ignores grants, is refused with what to do', async () => {
    const { group, producer } = stage()
    const grant = ['access', 'grant', BUCKET, '--project', producer.project.identity]
    expectFailure(await group.sealift(grant, { env: { SEALIFT_PROVIDER: 'cephh' } }), {
      code: 2,
      error: /no kind of server/,
      hint: /ceph-keystone/,
    })
    expectFailure(await group.sealift([...grant, '--provider', 'minio']), {
      code: 1,
      error: /MinIO cannot share a bucket between users/,
      hint: /--provider/,
    })
    const limited = [...grant, '--until', '14d', '--provider', 'generic']
    expectFailure(await group.sealift(limited), { code: 1, error: /enforce --until/, hint: /doctor/ })
  })
})
