import {
  CreateBucketCommand,
  GetBucketAclCommand,
  GetBucketPolicyCommand,
  PutBucketPolicyCommand,
} from '@aws-sdk/client-s3'
import type { S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { PersonalityName } from '../../src/sandbox/personality/names.ts'
import { startSandboxAs, type Backend } from '../support/backends.ts'
import { createCast, PASSPHRASE, type Cast } from '../support/cast.ts'
import { expectFailure } from '../support/failure.ts'

const BUCKET = 'animine-data-import-5'

interface Stage extends Cast {
  backend: Backend
  /** What the server was asked for, as it understood it: operation and bucket. */
  asked: string[]
  /** Called before each request is answered, with the operation. */
  meanwhile: (operation: string) => Promise<void>
}

/** A server that can't be trusted, and the people of the story, who know each other's names. */
function atServer(personality: PersonalityName, stories: (stage: () => Stage) => void): void {
  let stage: Stage | undefined
  beforeAll(async () => {
    const asked: string[] = []
    const backend = await startSandboxAs(personality, {
      beforeRequest: ({ operation }) => stage?.meanwhile(operation),
      onRequest: ({ operation, path }) => asked.push(`${operation} ${path.split('/')[1] ?? ''}`),
    })
    const cast = await createCast(backend)
    stage = { ...cast, backend, asked, meanwhile: () => Promise.resolve() }
    const { group, producer, outsider } = cast
    for (const { project } of [group, producer, outsider]) {
      await group.json(['project', 'add', project.name, project.identity])
    }
    await group.json(['key', 'generate', 'animine'], { env: PASSPHRASE })
  })
  afterAll(async () => {
    await stage?.leave()
    await stage?.backend.close()
  })
  stories(() => stage!)
}

describe('a server that accepts every change of access and keeps none', () => {
  atServer('deaf', (stage) => {
    it('is found out: no grant, no opening and no revocation is reported as done', async () => {
      const { group, producer } = stage()
      const { name } = producer.project
      const heard = { code: 1, error: /accepted .* does not keep/ }
      const open = ['bucket', 'open', BUCKET, '--for', name, '--key', 'animine.pub']
      expectFailure(await group.sealift(open), heard)
      expectFailure(await group.sealift(['access', 'grant', BUCKET, '--project', name]), heard)
      expectFailure(await group.sealift(['access', 'revoke', BUCKET, '--project', name]), heard)
      const denied = await producer.sealift(['ls', `s3://${BUCKET}/`])
      expectFailure(denied, { code: 11, error: /denied/ })
    })
  })
})

describe('a server that answers for a policy with half of it', () => {
  atServer('garbled', (stage) => {
    it('is neither believed nor written to: what the policy says is not known', async () => {
      const { group, producer } = stage()
      const { name, identity } = producer.project
      const open = ['bucket', 'open', BUCKET, '--for', name, '--role', 'reader']
      expectFailure(await group.sealift(open), { code: 1, error: /policy .* cannot be read/ })
      expect(await group.json(['bucket', 'list'])).toMatchObject({ buckets: [] })
      await group.s3.send(new CreateBucketCommand({ Bucket: BUCKET }))
      // Written by somebody else: the policy that the server will show only half of.
      const Policy = policyFor(BUCKET, identity)
      await group.s3.send(new PutBucketPolicyCommand({ Bucket: BUCKET, Policy }))
      const before = await accessOf(group.s3)
      for (const words of [['grant'], ['revoke'], ['grant', '--role', 'reader']]) {
        const [verb = '', ...flags] = words
        const run = await group.sealift(['access', verb, BUCKET, '--project', name, ...flags])
        expectFailure(run, { code: 1, error: /policy/ })
      }
      expectFailure(await group.sealift(['access', 'show', BUCKET]), { code: 1, error: /policy/ })
      expectFailure(await group.sealift(['bucket', 'close', BUCKET]), { code: 1, error: /policy/ })
      expect(await accessOf(group.s3)).toEqual(before)
    })
  })
})

describe('a server that takes unknown parts of a bucket for the bucket itself', () => {
  atServer('fall-through', (stage) => {
    it('has nothing deleted by any command: not even an empty bucket', async () => {
      const { group, producer, asked } = stage()
      const { name } = producer.project
      await group.json(['bucket', 'open', BUCKET, '--for', name])
      asked.length = 0
      const commands = [
        ['bucket', 'show', BUCKET],
        ['bucket', 'list'],
        ['access', 'show', BUCKET],
        ['access', 'grant', BUCKET, '--project', name, '--role', 'collaborator'],
        ['ls', `s3://${BUCKET}/`],
        ['transfer', 'list', `s3://${BUCKET}`],
        ['access', 'audit'],
        ['access', 'adopt', BUCKET],
        ['access', 'verify', BUCKET],
        ['access', 'revoke', BUCKET, '--project', name],
        ['bucket', 'close', BUCKET],
      ]
      for (const command of commands) {
        const { code, stderr } = await group.sealift(command)
        expect({ command, code, stderr }).toMatchObject({ command, code: 0 })
      }
      // It may find something to complain about; a bucket that it makes itself it may delete.
      for (const flags of [[], ['--scratch'], ['--write', BUCKET]]) await group.sealift(['doctor', ...flags])
      expect(asked).not.toContain(`DeleteBucket ${BUCKET}`)
      const shown = await group.json(['bucket', 'list'])
      expect(JSON.stringify(shown)).toContain(BUCKET)
    })

    it('deletes the bucket only when that was asked for', async () => {
      const { group, asked } = stage()
      asked.length = 0
      await group.json(['bucket', 'close', BUCKET, '--delete-bucket'])
      expect(asked.filter((request) => request === `DeleteBucket ${BUCKET}`)).toHaveLength(1)
    })
  })
})

describe('a policy that somebody else changes at the same moment', () => {
  atServer('rgw', (stage) => {
    /** The bucket's policy as somebody else writes it, a new one each time. */
    let times = 0
    const writeTheirs = async (): Promise<void> => {
      times += 1
      const Policy = policyFor(BUCKET, stage().outsider.project.identity, `Theirs${times}`)
      await stage().group.s3.send(new PutBucketPolicyCommand({ Bucket: BUCKET, Policy }))
    }
    const currentPolicy = async (): Promise<string | undefined> => {
      const { Policy } = await stage().group.s3.send(new GetBucketPolicyCommand({ Bucket: BUCKET }))
      return Policy
    }
    const noticed = { code: 14, error: /somebody else changed/ }

    it('is not overwritten when it changed between reading and writing', async () => {
      const { group, producer, asked } = stage()
      const { name } = producer.project
      await group.json(['bucket', 'open', BUCKET, '--for', name])
      for (const verb of ['grant', 'revoke']) {
        asked.length = 0
        const before = times
        stage().meanwhile = async (operation) => {
          if (operation === 'GetBucketPolicy') await writeTheirs()
        }
        const run = await group.sealift(['access', verb, BUCKET, '--project', name])
        stage().meanwhile = () => Promise.resolve()
        expectFailure(run, noticed)
        // What was written, somebody else wrote.
        const written = asked.filter((request) => request === `PutBucketPolicy ${BUCKET}`)
        expect(written).toHaveLength(times - before)
        expect(await currentPolicy()).toContain(`Theirs${times}`)
      }
    })

    it('is noticed when it changed right after the writing', async () => {
      const { group, producer } = stage()
      const { name } = producer.project
      for (const verb of ['grant', 'revoke']) {
        await writeTheirs()
        let isWritten = false
        stage().meanwhile = async (operation) => {
          if (operation === 'PutBucketPolicy') isWritten = true
          if (operation !== 'GetBucketPolicy' || !isWritten) return
          stage().meanwhile = () => Promise.resolve()
          await writeTheirs()
        }
        expectFailure(await group.sealift(['access', verb, BUCKET, '--project', name]), noticed)
        expect(await currentPolicy()).toContain(`Theirs${times}`)
      }
    })

    it('keeps the statements of people nobody knows here', async () => {
      const { group, producer } = stage()
      const { name } = producer.project
      const unknown = policyFor(BUCKET, 'rgw:nobody_here')
      await group.s3.send(new PutBucketPolicyCommand({ Bucket: BUCKET, Policy: unknown }))
      await group.json(['access', 'grant', BUCKET, '--project', name])
      await group.json(['access', 'revoke', BUCKET, '--project', name])
      const { Policy = '' } = await group.s3.send(new GetBucketPolicyCommand({ Bucket: BUCKET }))
      const { Statement } = JSON.parse(Policy) as { Statement: unknown[] }
      expect(Statement).toContainEqual((JSON.parse(unknown) as { Statement: unknown[] }).Statement[0])
      const shown = await group.json(['access', 'show', BUCKET])
      expect(JSON.stringify(shown)).toContain('nobody_here')
    })

    it('never shuts the owner out of its own bucket', async () => {
      const { group } = stage()
      const before = await accessOf(group.s3)
      const itself = ['--project', group.project.name]
      for (const verb of ['grant', 'revoke']) {
        const run = await group.sealift(['access', verb, BUCKET, ...itself])
        expectFailure(run, { code: 2, error: /own/ })
      }
      expect(await accessOf(group.s3)).toEqual(before)
    })
  })
})

/** A policy that somebody else wrote: one statement, for one project. */
function policyFor(bucket: string, identity: string, Sid = 'Theirs'): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Sid,
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam:::user/${identity.replace(/^rgw:/, '')}` },
        Action: ['s3:GetObject'],
        Resource: [`arn:aws:s3:::${bucket}/shared/*`],
      },
    ],
  })
}

/** What the server shows of who may do what, as it shows it. */
async function accessOf(s3: S3Client): Promise<unknown> {
  const { Policy } = await s3.send(new GetBucketPolicyCommand({ Bucket: BUCKET }))
  const { Owner, Grants } = await s3.send(new GetBucketAclCommand({ Bucket: BUCKET }))
  return { Policy, Owner, Grants }
}
