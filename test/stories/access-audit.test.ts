import { appendFile, mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetBucketAclCommand,
  PutBucketAclCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, it } from 'vitest'
import { recordAccess } from '../../src/workflows/access-history.ts'
import { openImportBucket } from '../support/cast.ts'
import { expectFailure } from '../support/failure.ts'
import { onEveryBackend } from '../support/on-every-backend.ts'

const INBOX = 'audited-inbox'
const OPEN = 'audited-open'

interface Audited {
  buckets: { bucket: string; access: { who: string; since?: string; name?: string }[]; objects?: object }[]
  found: Record<string, number>
  failed: unknown[]
}

onEveryBackend('an audit', (stage) => {
  beforeAll(async () => {
    const { group, producer, backend } = stage()
    await openImportBucket(group, producer, INBOX)
    await group.s3.send(new CreateBucketCommand({ Bucket: OPEN }))
    await group.s3.send(
      new PutObjectCommand({ Bucket: OPEN, Key: 'shown\u202ereversed', Body: 'x', ACL: 'public-read' }),
    )
    await producer.s3.send(
      new CreateMultipartUploadCommand({ Bucket: backend.bucketAddress(INBOX), Key: 'run_12/begun' }),
    )
  })

  it('names who is in, by the name in the address book', async () => {
    const { group, producer } = stage()
    const { code, stdout } = await group.sealift(['access', 'show', INBOX])
    expect(code).toBe(0)
    const { name, identity } = producer.project
    expect(stdout).toMatch(
      new RegExp(`${name} \\(${identity.replace('$', '\\$')}\\) +depositor +by policy +until`),
    )
    expect(stdout).toContain('1 unfinished upload')
    expect(stdout).not.toContain('UNKNOWN')
  })

  it('looks at all buckets, objects too, and passes', async () => {
    const { group } = stage()
    const run = await group.sealift(['access', 'audit'])
    expect(run.code).toBe(0)
    expect(run.stdout).toContain(`s3://${INBOX}`)
    expect(run.stdout).toMatch(/anyone +READ +1 +shown\\u202ereversed +PUBLIC/)
    expect(run.stdout).toMatch(
      /audited 2 buckets at .*: 1 uploads, 1 public|audited 2 buckets at .*: 1 public, 1 uploads/,
    )
  })

  it('fails on what it is told to fail on, with its result all the same', async () => {
    const { group } = stage()
    const run = await group.sealift(['access', 'audit', OPEN, '--fail-on', 'expired,public'])
    expectFailure(run, { code: 15, error: /the audit found 1 public/ })
    expect(run.stdout).toContain('PUBLIC')

    const json = await group.sealift(['access', 'audit', OPEN, '--fail-on', 'public', '--json'])
    expect(json.code).toBe(15)
    expect(JSON.parse(json.stdout)).toMatchObject({
      error: { code: 'AUDIT_FAILED' },
      result: { found: { public: 1 }, buckets: [{ bucket: OPEN }] },
    })
    const other = await group.sealift(['access', 'audit', OPEN, '--fail-on', 'unknown,uploads'])
    expect(other.code).toBe(0)
    const fast = await group.sealift(['access', 'audit', OPEN, '--no-objects', '--fail-on', 'public'])
    expect(fast.code).toBe(0)
    expectFailure(await group.sealift(['access', 'audit', '--fail-on', 'everything']), {
      code: 2,
      error: /fail-on/,
    })
  })

  it('goes on with the other buckets when one cannot be looked at', async () => {
    const { group } = stage()
    const run = await group.sealift(['access', 'audit', 'audited-nowhere', INBOX, '--json'])
    expect(run.code).toBe(3)
    const { buckets, failed } = JSON.parse(run.stdout) as Audited
    expect(buckets.map(({ bucket }) => bucket)).toEqual([INBOX])
    expect(failed).toMatchObject([{ name: 's3://audited-nowhere', code: 'BUCKET_NOT_FOUND' }])
  })

  it('refuses buckets of others with the denial, and shows nothing', async () => {
    const { outsider, backend } = stage()
    const run = await outsider.sealift(['access', 'audit', backend.bucketAddress(INBOX)])
    expectFailure(run, { code: 11, error: /denied/ })
    expect(run.stdout).toBe('')
  })

  describe('with a history of this machine', () => {
    it('says since when, and how many lines of it are damaged', async () => {
      const { group, producer, backend } = stage()
      const folder = join(group.home, 'state')
      await mkdir(folder)
      const path = join(folder, 'access-history.jsonl')
      await recordAccess(path, {
        at: '2026-10-01T08:00:00.000Z',
        endpoint: `${backend.endpoint}/`,
        bucket: INBOX,
        what: 'opened',
        identity: producer.project.identity,
        role: 'depositor',
      })
      await appendFile(path, 'damaged\n')
      const run = await group.sealift(['access', 'audit', INBOX], { env: { SEALIFT_STATE_DIR: folder } })
      expect(run.code).toBe(0)
      expect(run.stdout).toMatch(/depositor .* since 2026-10-01/)
      expect(run.stderr).toContain("1 line of this machine's access history cannot be read")
      expect(await readFile(path, 'utf8')).toMatch(/damaged\n$/)
      expect((await stat(path)).mode & 0o077).toBe(0)
    })
  })

  it('finds what the owner cannot read', async () => {
    const { group, producer, backend } = stage()
    const [owner, writer] = await Promise.all(
      [group, producer].map(async ({ s3 }, index) => {
        const Bucket = `audited-own-${index}`
        await s3.send(new CreateBucketCommand({ Bucket }))
        return (await s3.send(new GetBucketAclCommand({ Bucket }))).Owner?.ID
      }),
    )
    await group.s3.send(
      new PutBucketAclCommand({
        Bucket: 'audited-own-0',
        AccessControlPolicy: {
          Owner: { ID: owner },
          Grants: [
            { Grantee: { Type: 'CanonicalUser', ID: owner }, Permission: 'FULL_CONTROL' },
            { Grantee: { Type: 'CanonicalUser', ID: writer }, Permission: 'WRITE' },
          ],
        },
      }),
    )
    const Bucket = backend.bucketAddress('audited-own-0')
    await producer.s3.send(new PutObjectCommand({ Bucket, Key: 'kept', Body: 'x' }))
    const run = await group.sealift(['access', 'show', 'audited-own-0', '--objects'])
    expect(run.code).toBe(0)
    expect(run.stdout).toContain('you cannot read 1 object: kept')
    const audit = await group.sealift(['access', 'audit', 'audited-own-0', '--fail-on', 'unreadable'])
    expectFailure(audit, { code: 15, error: /1 unreadable/ })
  })
})
