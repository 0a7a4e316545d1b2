import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  DeleteObjectCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3'
import { expect, it } from 'vitest'
import { practiceProjects } from '../../src/sandbox/practice-projects.ts'
import { manyKeys, seedBucket, type SeededObject } from '../support/many-objects.ts'
import { outcome, startPractice } from './practice.ts'

const Bucket = 'many'
const count = 2500

it('a bucket that was made in one go is one like any other', async () => {
  const directory = join(await mkdtemp(join(tmpdir(), 'sealift-many-')), 'store')
  const projects = practiceProjects()
  const [group, producer] = projects
  const objects = [...manyKeys(count)].map((objectKey, index): SeededObject => {
    if (index % 10 !== 0) return { objectKey }
    return { objectKey, owner: producer!, readableByOwner: index % 20 === 0 }
  })
  seedBucket(directory, { bucket: Bucket, owner: group!, objects })
  const practice = await startPractice({ directory, projects })
  try {
    const listed: (string | undefined)[] = []
    for await (const page of paginateListObjectsV2({ client: practice.group }, { Bucket })) {
      listed.push(...(page.Contents ?? []).map(({ Key }) => Key))
    }
    expect(listed).toEqual(objects.map(({ objectKey }) => objectKey))

    const [mine, shared, foreign] = [1, 20, 10].map((index) => objects[index]!.objectKey)
    const acl = async (Key: string | undefined): Promise<string> =>
      outcome(practice.group.send(new GetObjectAclCommand({ Bucket, Key })))
    expect([await acl(mine), await acl(shared), await acl(foreign)]).toEqual([
      '200',
      '200',
      '403 AccessDenied',
    ])
    await practice.group.send(new DeleteObjectCommand({ Bucket, Key: mine }))
    const { Body } = await practice.group.send(new GetObjectCommand({ Bucket, Key: shared }))
    expect(await Body!.transformToString()).toBe('a small object')
  } finally {
    await practice.close()
    await rm(join(directory, '..'), { recursive: true, force: true })
  }
})
