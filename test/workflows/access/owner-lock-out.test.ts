import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseGrantee } from '../../../src/storage/access/grantee.ts'
import { createS3Store } from '../../../src/storage/s3/s3-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import { grantAccess } from '../../../src/workflows/grant-access.ts'
import { revokeAccess } from '../../../src/workflows/revoke-access.ts'
import { startSandboxAs, type Backend, type Project } from '../../support/backends.ts'

let backend: Backend
let group: Store
beforeAll(async () => {
  backend = await startSandboxAs('aws')
  group = createS3Store({ endpoint: backend.endpoint, credentials: backend.projects.group })
})
afterAll(async () => {
  group.close()
  await backend.close()
})
const known = ({ name, identity }: Project) => ({ name, grantee: parseGrantee(identity) })

/** AWS shows the owner as a canonical id and people name accounts by ARN: only the server knows that they are one. */
it('an owner that names itself by ARN is not denied, whatever was in the policy before', async () => {
  const bucket = 'inbox'
  await group.createBucket(bucket)
  const itself = { bucket, project: known(backend.projects.group) }
  const usage = { code: 'USAGE' }
  await expect(revokeAccess(group, itself)).rejects.toMatchObject(usage)
  expect(await group.bucketPolicy(bucket)).toBeUndefined()

  const theirs = {
    Sid: 'Theirs',
    Effect: 'Allow',
    Principal: { AWS: backend.projects.other.identity },
    Action: 's3:GetObject',
    Resource: `arn:aws:s3:::${bucket}/*`,
  } as const
  await group.putBucketPolicy(bucket, { Version: '2012-10-17', Statement: [theirs] })
  await expect(revokeAccess(group, itself)).rejects.toMatchObject(usage)
  const grant = { ...itself, terms: { role: 'depositor' } } as const
  await expect(grantAccess(group, grant)).rejects.toMatchObject(usage)
  expect((await group.bucketPolicy(bucket))?.Statement).toEqual([theirs])

  await grantAccess(group, { ...grant, project: known(backend.projects.producer) })
  await expect(revokeAccess(group, itself)).rejects.toMatchObject(usage)
  await revokeAccess(group, { bucket, project: known(backend.projects.producer) })
  await group.putObject(bucket, 'ours', Buffer.from('x'))
  expect((await group.bucketPolicy(bucket))?.Statement).toContainEqual(theirs)
})
