import {
  type AccessControlPolicy,
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import type { PersonalityName } from '../../src/sandbox/personality/names.ts'
import { personalities } from '../../src/sandbox/personality/personalities.ts'
import type { SandboxProject } from '../../src/sandbox/projects.ts'
import { outcome, type Practice, startPractice } from './practice.ts'

/** A bucket of the group's that holds the object `a`, on a sandbox with a personality. */
export class Box {
  readonly #personality: PersonalityName
  practice!: Practice
  name = ''

  constructor(personality: PersonalityName) {
    this.#personality = personality
  }

  put(by: S3Client, Key: string, more: object = {}): Promise<string> {
    return outcome(by.send(new PutObjectCommand({ Bucket: this.name, Key, Body: Key, ...more })))
  }

  get(by: S3Client, Key: string): Promise<string> {
    return outcome(by.send(new GetObjectCommand({ Bucket: this.name, Key })))
  }

  list(by: S3Client): Promise<string> {
    return outcome(by.send(new ListObjectsV2Command({ Bucket: this.name })))
  }

  /** A statement about the bucket and everything in it. */
  statement(principal: unknown, action: string, more: object = {}): object {
    const Resource = [`arn:aws:s3:::${this.name}`, `arn:aws:s3:::${this.name}/*`]
    return { Effect: 'Allow', Principal: principal, Action: action, Resource, ...more }
  }

  putPolicy(...Statement: object[]): Promise<string> {
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
    return outcome(this.practice.group.send(new PutBucketPolicyCommand({ Bucket: this.name, Policy })))
  }

  canonicalId(role: 'group' | 'producer'): string {
    const { accounts } = personalities[this.#personality].rules
    return accounts.identify(this.practice.projects[role]).id
  }
}

let buckets = 0

/** A sandbox of this personality for a group of tests, and a new bucket for each. */
export function useBox(personality: PersonalityName, projects?: SandboxProject[]): Box {
  const box = new Box(personality)
  beforeAll(async () => {
    box.practice = await startPractice({ personality, ...(projects === undefined ? {} : { projects }) })
  })
  afterAll(async () => {
    await box.practice.close()
  })
  beforeEach(async () => {
    buckets += 1
    box.name = `box-${buckets}`
    await box.practice.group.send(new CreateBucketCommand({ Bucket: box.name }))
    await box.put(box.practice.group, 'a')
  })
  return box
}

/** An ACL that lets the owner do everything, and somebody read; in this order, as clients write it. */
export function readableBy(id: string, owner: string): AccessControlPolicy {
  return {
    Owner: { ID: owner },
    Grants: [
      { Grantee: { Type: 'CanonicalUser', ID: owner }, Permission: 'FULL_CONTROL' },
      { Grantee: { Type: 'CanonicalUser', ID: id }, Permission: 'READ' },
    ],
  }
}
