import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import type { PolicyDocument } from '../../../src/storage/access/access-store.ts'
import { withGrant } from '../../../src/storage/access/bucket-policy.ts'
import { ownerPrincipal, principalOf } from '../../../src/storage/access/principal.ts'
import type { GrantTerms } from '../../../src/storage/access/roles.ts'
import { findBucketKeys } from '../../../src/workflows/bucket-keys.ts'
import { closeBucket } from '../../../src/workflows/close-bucket.ts'
import { grantAccess } from '../../../src/workflows/grant-access.ts'
import { openBucket, type OpenBucketResult } from '../../../src/workflows/open-bucket.ts'
import { publishKey } from '../../../src/workflows/publish-key.ts'
import { revokeAccess, StillAccessibleError } from '../../../src/workflows/revoke-access.ts'
import { showAccess } from '../../../src/workflows/show-access.ts'
import { showBucket } from '../../../src/workflows/show-bucket.ts'
import { refusal } from '../../support/s3.ts'
import { collect } from './collect.ts'
import { onEveryStore, type Player } from './stage.ts'

const DEPOSITOR: GrantTerms = { role: 'depositor' }
const BYTES = Buffer.from('sealed')

onEveryStore('sharing a bucket', (stage) => {
  /** The group's bucket, with a key, opened for the producer. */
  async function opened(
    terms: GrantTerms = DEPOSITOR,
  ): Promise<{ bucket: string; theirs: string } & OpenBucketResult> {
    const { group, producer, newBucket, newKeyFile, address } = stage()
    const bucket = newBucket()
    const keyFiles = [await newKeyFile('animine.pub')]
    const result = await openBucket(group.store, { bucket, project: producer.project, terms, keyFiles })
    return { ...result, theirs: address(bucket) }
  }

  describe('open for a depositor', () => {
    it('makes a bucket with versions, the key and the grant, and shows them', async () => {
      const { group } = stage()
      const until = new Date(Date.now() + 14 * 86_400_000)
      const { bucket, created, versioning, keys, grant } = await opened({ role: 'depositor', until })
      expect({ created, versioning, state: keys[0]?.state }).toEqual({
        created: true,
        versioning: 'enabled',
        state: 'published',
      })
      expect(grant).toMatchObject({ role: 'depositor', mechanism: 'policy', state: 'stored', public: [] })

      const shown = await showBucket(group.store, { bucket })
      expect(shown.keys.map(({ fingerprint }) => fingerprint)).toEqual(keys[0]?.fingerprints)
      expect(shown).toMatchObject({ versioning: 'enabled', uploads: [], objects: { count: 1 } })
      expect(shown.access).toContainEqual(
        expect.objectContaining({ access: 'depositor', until: grant.until, expired: false, public: false }),
      )
    })

    it('lets the producer write, resume and give up, and read only the key card', async () => {
      const { producer, group } = stage()
      const { bucket, theirs, keys } = await opened()
      await group.store.putObject(bucket, 'secret.c4gh', BYTES)
      await producer.store.putObject(theirs, 'run_12/a.c4gh', BYTES, { acl: 'bucket-owner-full-control' })

      const uploadId = await producer.store.createMultipartUpload(theirs, 'run_12/b.c4gh')
      const upload = { bucket: theirs, objectKey: 'run_12/b.c4gh', uploadId }
      const part = await producer.store.uploadPart(upload, 1, BYTES)
      for await (const stored of producer.store.listParts(upload)) expect(stored.etag).toBe(part.etag)
      await producer.store.completeMultipartUpload(upload, [part])
      const given = await producer.store.createMultipartUpload(theirs, 'run_12/c.c4gh')
      await producer.store.abortMultipartUpload({ ...upload, objectKey: 'run_12/c.c4gh', uploadId: given })

      const found = await findBucketKeys(producer.store, theirs)
      expect(found.map(({ fingerprint }) => fingerprint)).toEqual(keys[0]?.fingerprints)

      const { s3 } = producer
      const inBucket = { Bucket: theirs }
      const secret = { ...inBucket, Key: 'secret.c4gh' }
      expect(await refusal(s3.send(new ListObjectsV2Command(inBucket)))).toBe(403)
      expect(await refusal(s3.send(new ListMultipartUploadsCommand(inBucket)))).toBe(403)
      expect(await refusal(s3.send(new GetObjectCommand(secret)))).toBe(403)
      expect(await refusal(s3.send(new HeadObjectCommand(secret)))).toBe(403)
      expect(await refusal(s3.send(new DeleteObjectCommand(secret)))).toBe(403)
      expect(await refusal(s3.send(new PutObjectAclCommand({ ...secret, ACL: 'public-read' })))).toBe(403)

      const card = { ...inBucket, Key: 'keys/animine.pub' }
      expect(await refusal(s3.send(new PutObjectCommand({ ...card, Body: BYTES })))).toBe(403)
      expect(await refusal(s3.send(new CreateMultipartUploadCommand(card)))).toBe(403)
      expect(await refusal(s3.send(new DeleteObjectCommand(card)))).toBe(403)
    })

    it('lets the group read what the producer uploaded without any further step', async () => {
      const { producer, group } = stage()
      const { bucket, theirs } = await opened()
      // Not even the ACL that our own uploads ask for.
      await producer.s3.send(new PutObjectCommand({ Bucket: theirs, Key: 'plain.c4gh', Body: BYTES }))
      expect(await bytesOf(group, bucket, 'plain.c4gh')).toEqual(BYTES)
    })

    it('keeps an outsider out', async () => {
      const { outsider, producer } = stage()
      const { theirs } = await opened()
      await producer.store.putObject(theirs, 'a.c4gh', BYTES)
      const object = { Bucket: theirs, Key: 'a.c4gh' }
      expect(await refusal(outsider.s3.send(new ListObjectsV2Command({ Bucket: theirs })))).toBe(403)
      expect(await refusal(outsider.s3.send(new GetObjectCommand(object)))).toBe(403)
      expect(await refusal(outsider.s3.send(new PutObjectCommand({ ...object, Body: BYTES })))).toBe(403)
      await expect(findBucketKeys(outsider.store, theirs)).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    })

    it('is refused by the server once the end has passed', async () => {
      const { producer, group } = stage()
      const { bucket, theirs } = await opened()
      const owner = ownerPrincipal((await group.store.bucketAcl(bucket)).ownerId, 'rgw')
      const ended = { role: 'depositor', until: new Date('2026-01-01') } as const
      const policy = withGrant(
        undefined,
        { bucket, owner },
        principalOf(producer.project.grantee, 'rgw')!,
        ended,
      )
      await group.store.putBucketPolicy(bucket, policy)
      const put = producer.s3.send(new PutObjectCommand({ Bucket: theirs, Key: 'late.c4gh', Body: BYTES }))
      expect(await refusal(put)).toBe(403)
      const { access } = await showAccess(group.store, { bucket })
      expect(access).toContainEqual(expect.objectContaining({ access: 'depositor', expired: true }))
    })

    it('opens only the prefix that was given', async () => {
      const { producer } = stage()
      const { theirs } = await opened({ role: 'depositor', prefix: 'run_1' })
      await producer.store.putObject(theirs, 'run_1/a.c4gh', BYTES)
      await expect(producer.store.putObject(theirs, 'run_12/a.c4gh', BYTES)).rejects.toMatchObject({
        code: 'ACCESS_DENIED',
      })
    })
  })

  describe('other roles', () => {
    it('a reader lists and gets within its prefix, and writes nothing', async () => {
      const { producer, group } = stage()
      const { bucket, theirs } = await opened({ role: 'reader', prefix: 'run_12' })
      await group.store.putObject(bucket, 'run_12/a.c4gh', BYTES)
      await group.store.putObject(bucket, 'other/a.c4gh', BYTES)
      expect(await bytesOf(producer, theirs, 'run_12/a.c4gh')).toEqual(BYTES)
      expect(await keysOf(producer, theirs, 'run_12/')).toEqual(['run_12/a.c4gh'])
      await expect(keysOf(producer, theirs)).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
      await expect(bytesOf(producer, theirs, 'other/a.c4gh')).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
      await expect(producer.store.putObject(theirs, 'run_12/b.c4gh', BYTES)).rejects.toMatchObject({
        code: 'ACCESS_DENIED',
      })
      expect(await findBucketKeys(producer.store, theirs)).toHaveLength(1)
    })

    it('a collaborator does everything with the data and nothing to the keys', async () => {
      const { producer, group } = stage()
      const { bucket, theirs } = await opened({ role: 'collaborator' })
      await group.store.putObject(bucket, 'a.c4gh', BYTES)
      expect(await keysOf(producer, theirs)).toEqual(['a.c4gh', 'keys/animine.pub'])
      expect(await bytesOf(producer, theirs, 'a.c4gh')).toEqual(BYTES)
      await producer.store.deleteObject(theirs, 'a.c4gh')
      expect(await keysOf(group, bucket)).toEqual(['keys/animine.pub'])
      await expect(producer.store.deleteObject(theirs, 'keys/animine.pub')).rejects.toMatchObject({
        code: 'ACCESS_DENIED',
      })
    })
  })

  describe('opening', () => {
    it('a bucket again needs --reuse, and then changes only what is new', async () => {
      const { group, producer, newBucket, newKeyFile } = stage()
      const request = {
        bucket: newBucket(),
        project: producer.project,
        terms: DEPOSITOR,
        keyFiles: [await newKeyFile('again.pub')],
      }
      await openBucket(group.store, request)
      await expect(openBucket(group.store, request)).rejects.toMatchObject({ code: 'BUCKET_EXISTS' })
      const again = await openBucket(group.store, { ...request, reuse: true })
      expect(again).toMatchObject({
        created: false,
        keys: [{ state: 'unchanged' }],
        grant: { state: 'stored' },
      })
    })

    it('makes nothing when a key file is no public key, or the name no bucket name', async () => {
      const { group, producer, newBucket, folder } = stage()
      const bucket = newBucket()
      const request = {
        bucket,
        project: producer.project,
        terms: DEPOSITOR,
        keyFiles: [`${folder}/absent.pub`],
      }
      await expect(openBucket(group.store, request)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
      await expect(openBucket(group.store, { ...request, bucket: 'Bad_Name' })).rejects.toMatchObject({
        code: 'INVALID_BUCKET_NAME',
      })
      expect(await group.store.bucketState(bucket)).toBe('absent')
    })

    it('for the group itself is refused and leaves no bucket behind', async () => {
      const { group, newBucket } = stage()
      const bucket = newBucket()
      const request = { bucket, project: group.project, terms: DEPOSITOR, keyFiles: [] }
      await expect(openBucket(group.store, request)).rejects.toMatchObject({ code: 'USAGE' })
      expect(await group.store.bucketState(bucket)).toBe('absent')
    })
  })

  describe('revoking', () => {
    it('ends everything at once, an upload in flight and what the producer uploaded included', async () => {
      const { group, producer } = stage()
      const { bucket, theirs } = await opened()
      const { s3 } = producer
      const own = { Bucket: theirs, Key: 'own.c4gh' }
      const first = await s3.send(new PutObjectCommand({ ...own, Body: BYTES }))
      await s3.send(new PutObjectCommand({ ...own, Body: Buffer.from('newer') }))
      const flying = { Bucket: theirs, Key: 'flying.c4gh' }
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand(flying))
      const { ETag } = await s3.send(
        new UploadPartCommand({ ...flying, UploadId, PartNumber: 1, Body: BYTES }),
      )

      const result = await revokeAccess(group.store, { bucket, project: producer.project })
      expect(result).toMatchObject({ blocked: true, remaining: [], unclearUploads: [] })
      expect(result.removed.statements.some((sid) => sid.startsWith('SealiftDepositorData'))).toBe(true)
      expect(result.removed.objects).toEqual(['own.c4gh'])
      expect(result.aborted).toEqual([{ objectKey: 'flying.c4gh', uploadId: UploadId }])

      const inFlight = { ...flying, UploadId }
      const complete = { ...inFlight, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } }
      expect(await refusal(s3.send(new UploadPartCommand({ ...inFlight, PartNumber: 2, Body: BYTES })))).toBe(
        403,
      )
      expect(await refusal(s3.send(new CompleteMultipartUploadCommand(complete)))).toBe(403)
      expect(await refusal(s3.send(new ListPartsCommand(inFlight)))).toBe(403)
      expect(await refusal(s3.send(new AbortMultipartUploadCommand(inFlight)))).toBe(403)
      expect(await refusal(s3.send(new PutObjectCommand({ ...own, Body: BYTES })))).toBe(403)
      expect(await refusal(s3.send(new GetObjectCommand(own)))).toBe(403)
      expect(await refusal(s3.send(new GetObjectCommand({ ...own, VersionId: first.VersionId })))).toBe(403)
      expect(await refusal(s3.send(new HeadObjectCommand(own)))).toBe(403)
      expect(await refusal(s3.send(new PutObjectAclCommand({ ...own, ACL: 'public-read' })))).toBe(403)
      expect(await refusal(s3.send(new ListObjectsV2Command({ Bucket: theirs, Prefix: 'keys/' })))).toBe(403)

      expect(await bytesOf(group, bucket, 'own.c4gh')).toEqual(Buffer.from('newer'))
      const { access } = await showAccess(group.store, { bucket })
      expect(access.filter((entry) => entry.mechanism === 'policy').map((entry) => entry.access)).toEqual([
        'owner',
        'blocked',
      ])
    })

    it('may be said twice, and a new grant lifts it', async () => {
      const { group, producer } = stage()
      const { bucket, theirs } = await opened()
      const request = { bucket, project: producer.project }
      await revokeAccess(group.store, request)
      const again = await revokeAccess(group.store, request)
      expect(again).toMatchObject({
        removed: { statements: [], bucketGrants: [], objects: [] },
        remaining: [],
      })
      await grantAccess(group.store, { ...request, terms: DEPOSITOR })
      await producer.store.putObject(theirs, 'back.c4gh', BYTES)
    })

    it('takes back an object that the producer made public itself', async () => {
      const { group, producer, outsider } = stage()
      const { bucket, theirs } = await opened()
      const open = { Bucket: theirs, Key: 'open.c4gh' }
      await producer.s3.send(new PutObjectCommand({ ...open, Body: BYTES, ACL: 'public-read' }))
      await outsider.s3.send(new HeadObjectCommand(open))
      const { removed } = await revokeAccess(group.store, { bucket, project: producer.project })
      expect(removed.objects).toEqual(['open.c4gh'])
      expect(await refusal(outsider.s3.send(new HeadObjectCommand(open)))).toBe(403)
    })

    it('takes bucket and object grants out of the ACLs', async () => {
      const { group, producer, outsider } = stage()
      const { bucket, theirs } = await opened()
      await group.store.putObject(bucket, 'shared.c4gh', BYTES)
      const id = await ownIdOf(producer)
      const read = { grantee: { type: 'canonical', id }, permission: 'READ' } as const
      const acl = await group.store.bucketAcl(bucket)
      await group.store.putBucketAcl(bucket, { ...acl, grants: [...acl.grants, read] })
      const objectAcl = await group.store.objectAcl(bucket, 'shared.c4gh')
      await group.store.putObjectAcl(bucket, 'shared.c4gh', {
        ...objectAcl,
        grants: [...objectAcl.grants, read],
      })
      expect(await bytesOf(producer, theirs, 'shared.c4gh')).toEqual(BYTES)

      const { removed } = await revokeAccess(group.store, { bucket, project: producer.project })
      expect(removed.bucketGrants).toEqual([`READ for ${id}`])
      expect(removed.objects).toEqual(['shared.c4gh'])
      expect((await group.store.bucketAcl(bucket)).grants).toEqual(acl.grants)
      await expect(bytesOf(producer, theirs, 'shared.c4gh')).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
      // Somebody else's uploads and statements are none of its business.
      await grantAccess(group.store, { bucket, project: outsider.project, terms: DEPOSITOR })
      await outsider.store.putObject(theirs, 'other.c4gh', BYTES)
      await revokeAccess(group.store, { bucket, project: producer.project })
      await outsider.store.putObject(theirs, 'other.c4gh', BYTES)
    })

    it('leaves the uploads of another project alone where it may be uploading', async () => {
      const { group, producer, outsider } = stage()
      const { bucket, theirs } = await opened()
      await grantAccess(group.store, { bucket, project: outsider.project, terms: DEPOSITOR })
      const uploadId = await outsider.store.createMultipartUpload(theirs, 'other.c4gh')
      const { aborted } = await revokeAccess(group.store, { bucket, project: producer.project })
      expect(aborted).toEqual([])
      const upload = { bucket: theirs, objectKey: 'other.c4gh', uploadId }
      const part = await outsider.store.uploadPart(upload, 1, BYTES)
      await outsider.store.completeMultipartUpload(upload, [part])
    })

    it('fails, and says why, while the bucket is open to anyone', async () => {
      const { group, producer } = stage()
      const { bucket } = await opened()
      await addStatement(group, bucket, {
        Sid: 'Web',
        Effect: 'Allow',
        Principal: '*',
        Action: 's3:GetObject',
        Resource: `arn:aws:s3:::${bucket}/*`,
      })
      const failure: unknown = await revokeAccess(group.store, { bucket, project: producer.project }).catch(
        (error: unknown) => error,
      )
      expect(failure).toBeInstanceOf(StillAccessibleError)
      expect(failure).toMatchObject({
        code: 'STILL_ACCESSIBLE',
        result: {
          blocked: true,
          remaining: [{ kind: 'public', detail: expect.stringContaining('Web') as string }],
        },
      })
      const granted = await grantAccess(group.store, { bucket, project: producer.project, terms: DEPOSITOR })
      expect(granted.public).toMatchObject([{ who: 'anyone', sids: ['Web'] }])
    })

    it('is refused for the owner, who would lock itself out', async () => {
      const { group } = stage()
      const { bucket } = await opened()
      await expect(revokeAccess(group.store, { bucket, project: group.project })).rejects.toMatchObject({
        code: 'USAGE',
      })
    })
  })

  describe('trust in keys', () => {
    it('a key that somebody else put into the key card is not used', async () => {
      const { group, producer, newKeyFile } = stage()
      const { bucket, theirs } = await opened()
      await group.store.putBucketPolicy(bucket, await lockRemoved(group, bucket))
      await publishKey(producer.store, { bucket: theirs, file: await newKeyFile('evil.pub') }).catch(
        () => undefined,
      )
      await producer.s3.send(new PutObjectCommand({ Bucket: theirs, Key: 'keys/evil.pub', Body: BYTES }))
      await expect(findBucketKeys(producer.store, theirs)).rejects.toMatchObject({ code: 'KEY_NOT_TRUSTED' })
    })

    it('another key under a published name is refused', async () => {
      const { group, newKeyFile } = stage()
      const { bucket } = await opened()
      const other = { bucket, file: await newKeyFile('other.pub'), name: 'animine' }
      await expect(publishKey(group.store, other)).rejects.toMatchObject({ code: 'OBJECT_EXISTS' })
      expect(await publishKey(group.store, { ...other, name: 'second' })).toMatchObject({
        state: 'published',
      })
      expect(await findBucketKeys(group.store, bucket)).toHaveLength(2)
    })
  })

  describe('closing', () => {
    it('shuts everybody out and keeps the data', async () => {
      const { group, producer, outsider } = stage()
      const { bucket, theirs } = await opened()
      await grantAccess(group.store, { bucket, project: outsider.project, terms: { role: 'reader' } })
      await producer.store.putObject(theirs, 'a.c4gh', BYTES)
      const uploadId = await producer.store.createMultipartUpload(theirs, 'b.c4gh')

      const closed = await closeBucket(group.store, { bucket })
      expect(closed).toMatchObject({ remaining: [], blocked: true, deleted: false, kept: { count: 2 } })
      expect(closed.projects).toHaveLength(2)
      expect(closed.aborted).toEqual([{ objectKey: 'b.c4gh', uploadId }])
      for (const player of [producer, outsider]) {
        expect(await refusal(player.s3.send(new HeadObjectCommand({ Bucket: theirs, Key: 'a.c4gh' })))).toBe(
          403,
        )
        expect(await refusal(player.s3.send(new ListObjectsV2Command({ Bucket: theirs })))).toBe(403)
      }
      expect(await bytesOf(group, bucket, 'a.c4gh')).toEqual(BYTES)
      expect(await closeBucket(group.store, { bucket })).toMatchObject({
        remaining: [],
        removed: { statements: [] },
      })
    })

    it('deletes a bucket only when asked and empty', async () => {
      const { group, producer, newBucket } = stage()
      const { bucket } = await opened()
      await expect(closeBucket(group.store, { bucket, deleteBucket: true })).rejects.toMatchObject({
        code: 'BUCKET_NOT_EMPTY',
      })
      const empty = newBucket()
      const request = { bucket: empty, project: producer.project, terms: DEPOSITOR, keyFiles: [] }
      await openBucket(group.store, request)
      const upload = await group.store.createMultipartUpload(empty, 'flying.c4gh')
      await expect(closeBucket(group.store, { bucket: empty, deleteBucket: true })).rejects.toMatchObject({
        code: 'BUCKET_NOT_EMPTY',
      })
      await group.store.abortMultipartUpload({ bucket: empty, objectKey: 'flying.c4gh', uploadId: upload })
      expect(await closeBucket(group.store, { bucket: empty, deleteBucket: true })).toMatchObject({
        deleted: true,
      })
      expect(await group.store.bucketState(empty)).toBe('absent')
    })
  })
})

async function bytesOf({ store }: Player, bucket: string, objectKey: string): Promise<Buffer> {
  const { body } = await store.getObject(bucket, objectKey)
  return Buffer.concat(await collect(body))
}

async function keysOf({ store }: Player, bucket: string, prefix?: string): Promise<string[]> {
  const entries = await collect(store.listObjects(bucket, { prefix }))
  return entries.map(({ objectKey }) => objectKey)
}

/** The canonical id of somebody, as the ACL of a bucket of its own shows it. */
async function ownIdOf({ store }: Player): Promise<string> {
  const bucket = `own-${process.pid}-${Math.floor(Math.random() * 1e9)}`
  await store.createBucket(bucket)
  const { ownerId } = await store.bucketAcl(bucket)
  await store.deleteBucket(bucket)
  return ownerId
}

async function addStatement(
  { store }: Player,
  bucket: string,
  statement: PolicyDocument['Statement'][number],
): Promise<void> {
  const policy = await store.bucketPolicy(bucket)
  await store.putBucketPolicy(bucket, { ...policy, Statement: [...(policy?.Statement ?? []), statement] })
}

/** The bucket's policy as a careless hand might leave it: without the Deny that protects the key card. */
async function lockRemoved({ store }: Player, bucket: string): Promise<PolicyDocument> {
  const policy = await store.bucketPolicy(bucket)
  return { ...policy, Statement: (policy?.Statement ?? []).filter(({ Effect }) => Effect === 'Allow') }
}
