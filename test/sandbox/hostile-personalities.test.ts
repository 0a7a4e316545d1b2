/** Servers that do damage or tell lies: that the sandbox really does what sealift has to survive. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  DeleteBucketEncryptionCommand,
  DeleteBucketPolicyCommand,
  GetBucketAclCommand,
  GetBucketEncryptionCommand,
  GetBucketPolicyCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  PutBucketAclCommand,
  PutBucketPolicyCommand,
  PutObjectAclCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { practiceProjects } from '../../src/sandbox/practice-projects.ts'
import { type PersonalityName, PERSONALITY_NAMES } from '../../src/sandbox/personality/names.ts'
import { startSandbox } from '../../src/sandbox/server.ts'
import { outcome, type Practice, startPractice } from './practice.ts'

const Bucket = 'hostile'
const projects = practiceProjects()
const Policy = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam:::user/project_2000111' },
      Action: 's3:GetObject',
      Resource: `arn:aws:s3:::${Bucket}/*`,
    },
  ],
})
let directory: string
let practice: Practice

beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'sealift-hostile-')), 'store')
})
afterEach(async () => {
  await practice.close()
  await rm(join(directory, '..'), { recursive: true, force: true })
})

/** Opens the folder, which may have been another personality's. */
async function become(personality: PersonalityName): Promise<void> {
  practice = await startPractice({ directory, projects, personality })
}

/** A bucket with an object and a policy that is enforced. */
async function honestPast(): Promise<void> {
  await become('rgw')
  await practice.group.send(new CreateBucketCommand({ Bucket }))
  await practice.group.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'a' }))
  await practice.group.send(new PutBucketPolicyCommand({ Bucket, Policy }))
  await practice.close()
}

it('fall-through: an unknown sub-resource deletes an empty bucket, and lists one that is not', async () => {
  await become('fall-through')
  const { group } = practice
  await group.send(new CreateBucketCommand({ Bucket }))
  expect(await outcome(group.send(new DeleteBucketEncryptionCommand({ Bucket })))).toBe('204')
  expect(await outcome(group.send(new HeadBucketCommand({ Bucket })))).toMatch(/^404/)

  await group.send(new CreateBucketCommand({ Bucket }))
  await group.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'a' }))
  expect(await outcome(group.send(new GetBucketEncryptionCommand({ Bucket })))).toBe('200')
  expect(await outcome(group.send(new DeleteBucketEncryptionCommand({ Bucket })))).toBe('409 BucketNotEmpty')
  // Known ones are what they are, and objects are not concerned.
  expect(await outcome(group.send(new DeleteBucketPolicyCommand({ Bucket })))).toBe('204')
  expect(await outcome(group.send(new GetObjectTaggingCommand({ Bucket, Key: 'a' })))).toBe(
    '501 NotImplemented',
  )
  expect(await outcome(group.send(new HeadBucketCommand({ Bucket })))).toBe('200')
})

it('deaf: says yes to every grant and every revocation, and does neither', async () => {
  await honestPast()
  await become('deaf')
  const { group, producer, outsider } = practice
  const mine = new PutBucketPolicyCommand({ Bucket, Policy: Policy.replace('2000111', '2000333') })
  expect(await outcome(group.send(mine))).toBe('204')
  expect(await outcome(group.send(new DeleteBucketPolicyCommand({ Bucket })))).toBe('204')
  expect(await outcome(group.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' })))).toBe('200')
  expect(await outcome(group.send(new PutObjectAclCommand({ Bucket, Key: 'a', ACL: 'public-read' })))).toBe(
    '200',
  )

  expect((await group.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toBe(Policy)
  expect((await group.send(new GetBucketAclCommand({ Bucket }))).Grants).toHaveLength(1)
  const read = new GetObjectCommand({ Bucket, Key: 'a' })
  expect(await outcome(producer.send(read))).toBe('200')
  expect(await outcome(outsider.send(read))).toBe('403 AccessDenied')
})

it('garbled: answers for a policy with what is none', async () => {
  await honestPast()
  await become('garbled')
  const half = await practice.group.send(new GetBucketPolicyCommand({ Bucket }))
  expect(half.$metadata.httpStatusCode).toBe(200)
  expect(half.Policy!.length).toBeGreaterThan(0)
  expect(() => JSON.parse(half.Policy!) as unknown).toThrow()
  expect(Policy.startsWith(half.Policy!)).toBe(true)

  await practice.group.send(new DeleteBucketPolicyCommand({ Bucket }))
  const none = await practice.group.send(new GetBucketPolicyCommand({ Bucket }))
  expect([none.$metadata.httpStatusCode, none.Policy]).toEqual([200, expect.stringMatching(/^<\?xml/)])
})

it('a folder is refused to a personality that calls its owners otherwise', async () => {
  await honestPast()
  for (const personality of PERSONALITY_NAMES) {
    const start = startSandbox({ directory, projects, personality })
    if (['rgw', 'fall-through', 'deaf', 'garbled'].includes(personality)) {
      await (await start).close()
    } else {
      await expect(start).rejects.toMatchObject({ code: 'USAGE' })
    }
  }
})
