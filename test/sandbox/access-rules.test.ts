/** Who may do what, as Ceph RGW 16.2 answered: the same expectations on the sandbox and, where there is one, on an RGW. */
import { randomBytes } from 'node:crypto'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketAclCommand,
  GetBucketLocationCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  type ObjectCannedACL,
  type Permission,
  PutBucketAclCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Backend, backends } from '../support/backends.ts'
import { anonymousClient, client, outcome } from './practice.ts'

const allowed = '200'
const done = '204'
const denied = '403 AccessDenied'
/** HEAD has no body to say more in. */
const deniedHead = '403 Unknown'
const missing = '404 NoSuchKey'

for (const { name, skipped, start } of backends()) {
  if (skipped === undefined) accessRules(name, start)
  else describe.skip(`access rules: ${name} (${skipped})`, () => undefined)
}

function accessRules(name: string, start: () => Promise<Backend>): void {
  describe(`access rules: ${name}`, () => {
    let backend: Backend
    let [group, producer, outsider, anonymous]: S3Client[] = []
    /** As the group, and as everybody else addresses the bucket. */
    let own: string
    let Bucket: string

    beforeAll(async () => {
      backend = await start()
      group = client(backend.endpoint, backend.projects.group)
      producer = client(backend.endpoint, backend.projects.producer)
      outsider = client(backend.endpoint, backend.projects.outsider)
      anonymous = anonymousClient(backend.endpoint)
    })
    afterAll(async () => {
      for (const each of [group, producer, outsider, anonymous]) each?.destroy()
      await backend.close()
    })
    beforeEach(async () => {
      own = `rules-${randomBytes(6).toString('hex')}`
      Bucket = backend.bucketAddress(own)
      await group!.send(new CreateBucketCommand({ Bucket: own }))
      await group!.send(new PutObjectCommand({ Bucket: own, Key: 'of-group', Body: 'group' }))
    })

    const idOf = (role: 'group' | 'producer' | 'outsider'): string =>
      backend.projects[role].identity.replace('rgw:', '')
    const principalOf = (role: 'group' | 'producer' | 'outsider'): string => {
      const [tenant, uid] = idOf(role).includes('$') ? idOf(role).split('$') : ['', idOf(role)]
      return `arn:aws:iam::${tenant}:user/${uid}`
    }
    const allow = (role: 'group' | 'producer', actions: string | string[], Condition?: object): object => ({
      Effect: 'Allow',
      Principal: { AWS: principalOf(role) },
      Action: actions,
      Resource: [`arn:aws:s3:::${own}`, `arn:aws:s3:::${own}/*`],
      ...(Condition === undefined ? {} : { Condition }),
    })
    const deny = (role: 'group' | 'producer', action: string): object => ({
      ...allow(role, action),
      Effect: 'Deny',
    })
    const policy = async (...Statement: object[]): Promise<void> => {
      const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
      await group!.send(new PutBucketPolicyCommand({ Bucket: own, Policy }))
    }
    const grant = async (...permissions: Permission[]): Promise<void> => {
      const grants = permissions.map((Permission) => ({
        Grantee: { Type: 'CanonicalUser' as const, ID: idOf('producer') },
        Permission,
      }))
      const self = {
        Grantee: { Type: 'CanonicalUser' as const, ID: idOf('group') },
        Permission: 'FULL_CONTROL' as const,
      }
      await group!.send(
        new PutBucketAclCommand({
          Bucket: own,
          AccessControlPolicy: { Owner: { ID: idOf('group') }, Grants: [self, ...grants] },
        }),
      )
    }

    const list = (who: S3Client, prefix?: string) =>
      outcome(who.send(new ListObjectsV2Command({ Bucket, Prefix: prefix })))
    const get = (who: S3Client, Key = 'of-group') => outcome(who.send(new GetObjectCommand({ Bucket, Key })))
    const head = (who: S3Client, Key = 'of-group') =>
      outcome(who.send(new HeadObjectCommand({ Bucket, Key })))
    const put = (who: S3Client, Key = 'of-producer', ACL?: ObjectCannedACL) =>
      outcome(who.send(new PutObjectCommand({ Bucket, Key, Body: 'producer', ACL })))
    const remove = (who: S3Client, Key = 'of-group') =>
      outcome(who.send(new DeleteObjectCommand({ Bucket, Key })))
    const open = async (who: S3Client, ACL?: ObjectCannedACL): Promise<string> => {
      const { UploadId } = await who.send(new CreateMultipartUploadCommand({ Bucket, Key: 'big', ACL }))
      return UploadId!
    }
    const sendPart = (who: S3Client, UploadId: string) =>
      outcome(who.send(new UploadPartCommand({ Bucket, Key: 'big', UploadId, PartNumber: 1, Body: 'part' })))
    const complete = (who: S3Client, UploadId: string) => {
      const Parts = [{ PartNumber: 1, ETag: '"a2b41e8aa30b2aeef4c1d0d70eac3b4c"' }]
      const parts = { MultipartUpload: { Parts } }
      return outcome(who.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'big', UploadId, ...parts })))
    }
    const abort = (who: S3Client, UploadId: string) =>
      outcome(who.send(new AbortMultipartUploadCommand({ Bucket, Key: 'big', UploadId })))
    const parts = (who: S3Client, UploadId: string) =>
      outcome(who.send(new ListPartsCommand({ Bucket, Key: 'big', UploadId })))

    describe('without any grant', () => {
      it('nobody but the owner gets in, not even to learn that a key is missing', async () => {
        const uploadId = await open(group!)
        for (const stranger of [producer!, outsider!, anonymous!]) {
          expect(await list(stranger)).toBe(denied)
          expect(await outcome(stranger.send(new HeadBucketCommand({ Bucket })))).toBe(deniedHead)
          expect(await outcome(stranger.send(new ListMultipartUploadsCommand({ Bucket })))).toBe(denied)
          expect(await get(stranger)).toBe(denied)
          expect(await head(stranger)).toBe(deniedHead)
          expect(await get(stranger, 'absent')).toBe(denied)
          expect(await put(stranger)).toBe(denied)
          expect(await remove(stranger)).toBe(denied)
          expect(await outcome(stranger.send(new DeleteBucketCommand({ Bucket })))).toBe(denied)
          expect(await outcome(stranger.send(new GetBucketAclCommand({ Bucket })))).toBe(denied)
          expect(await outcome(stranger.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' })))).toBe(
            denied,
          )
          expect(await outcome(stranger.send(new GetBucketPolicyCommand({ Bucket })))).toBe(denied)
          expect(await outcome(stranger.send(new DeleteBucketPolicyCommand({ Bucket })))).toBe(denied)
          expect(await outcome(stranger.send(new GetObjectAclCommand({ Bucket, Key: 'of-group' })))).toBe(
            denied,
          )
          expect(await sendPart(stranger, uploadId)).toBe(denied)
          expect(await complete(stranger, uploadId)).toBe(denied)
          expect(await abort(stranger, uploadId)).toBe(denied)
          expect(await parts(stranger, uploadId)).toBe(denied)
        }
        expect(await get(group!)).toBe(allowed)
        expect(await get(group!, 'absent')).toBe(missing)
      })

      it('another project can not take the name, and does not see the bucket in its list', async () => {
        if (backend.bucketAddress('') === '') {
          const again = outcome(producer!.send(new CreateBucketCommand({ Bucket: own })))
          expect(await again).toBe('409 BucketAlreadyExists')
        }
        expect(await outcome(group!.send(new CreateBucketCommand({ Bucket: own })))).toBe(allowed)
        await grant('FULL_CONTROL')
        const { Buckets } = await producer!.send(new ListBucketsCommand({}))
        expect((Buckets ?? []).map(({ Name }) => Name)).not.toContain(own)
      })

      it('an unknown canonical id is refused as a grantee', async () => {
        const body = {
          Owner: { ID: idOf('group') },
          Grants: [
            { Grantee: { Type: 'CanonicalUser' as const, ID: 'nobody' }, Permission: 'READ' as const },
          ],
        }
        const unknown = group!.send(new PutBucketAclCommand({ Bucket: own, AccessControlPolicy: body }))
        expect(await outcome(unknown)).toBe('400 InvalidArgument')
      })

      it('an ACL that names another owner is refused', async () => {
        const body = { Owner: { ID: idOf('producer') }, Grants: [] }
        const stolen = group!.send(new PutBucketAclCommand({ Bucket: own, AccessControlPolicy: body }))
        expect(await outcome(stolen)).toBe(denied)
      })
    })

    describe('with a grant in the bucket ACL', () => {
      it.each<[Permission, Record<string, string>]>([
        [
          'READ',
          {
            list: allowed,
            get: denied,
            put: denied,
            remove: denied,
            readAcl: denied,
            missing,
            policy: denied,
          },
        ],
        [
          'WRITE',
          {
            list: denied,
            get: denied,
            put: allowed,
            remove: done,
            readAcl: denied,
            missing: denied,
            policy: denied,
          },
        ],
        [
          'READ_ACP',
          {
            list: denied,
            get: denied,
            put: denied,
            remove: denied,
            readAcl: allowed,
            missing: denied,
            policy: '404 NoSuchBucketPolicy',
          },
        ],
        [
          'WRITE_ACP',
          {
            list: denied,
            get: denied,
            put: denied,
            remove: denied,
            readAcl: denied,
            missing: denied,
            policy: denied,
          },
        ],
        [
          'FULL_CONTROL',
          {
            list: allowed,
            get: denied,
            put: allowed,
            remove: done,
            readAcl: allowed,
            missing,
            policy: '404 NoSuchBucketPolicy',
          },
        ],
      ])('%s gives just that, and never the objects', async (permission, expected) => {
        await grant(permission)
        expect({
          list: await list(producer!),
          get: await get(producer!),
          put: await put(producer!),
          missing: await get(producer!, 'absent'),
          remove: await remove(producer!),
          readAcl: await outcome(producer!.send(new GetBucketAclCommand({ Bucket }))),
          policy: await outcome(producer!.send(new GetBucketPolicyCommand({ Bucket }))),
        }).toEqual(expected)
        expect(await outcome(producer!.send(new GetBucketLocationCommand({ Bucket })))).toBe(denied)
        expect(await outcome(producer!.send(new GetBucketVersioningCommand({ Bucket })))).toBe(denied)
        expect(await list(outsider!)).toBe(denied)
      })

      it('a grant by header counts as one in the body', async () => {
        const header = { GrantRead: `id="${idOf('producer')}"`, GrantFullControl: `id="${idOf('group')}"` }
        await group!.send(new PutBucketAclCommand({ Bucket: own, ...header }))
        expect(await list(producer!)).toBe(allowed)
        expect(await list(outsider!)).toBe(denied)
      })

      it('AuthenticatedUsers are all projects, but not the anonymous', async () => {
        await group!.send(new PutBucketAclCommand({ Bucket: own, ACL: 'authenticated-read' }))
        expect([await list(outsider!), await list(anonymous!)]).toEqual([allowed, denied])
      })

      it('an owner who leaves itself out can not write, but can repair it', async () => {
        const body = { Owner: { ID: idOf('group') }, Grants: [] }
        await group!.send(new PutBucketAclCommand({ Bucket: own, AccessControlPolicy: body }))
        expect([await put(group!), await list(group!)]).toEqual([denied, denied])
        await grant()
        expect([await put(group!), await list(group!)]).toEqual([allowed, allowed])
      })

      it('what anybody may write belongs to the owner of the bucket', async () => {
        await group!.send(new PutBucketAclCommand({ Bucket: own, ACL: 'public-read-write' }))
        expect(await put(anonymous!, 'dropped')).toBe(allowed)
        expect([await get(group!, 'dropped'), await get(anonymous!, 'dropped')]).toEqual([allowed, denied])
      })
    })

    describe('whose object it is', () => {
      it('the owner of the bucket can list and delete, but not read what another project put', async () => {
        await policy(allow('producer', 's3:PutObject'))
        expect(await put(producer!)).toBe(allowed)
        expect([await get(group!, 'of-producer'), await head(group!, 'of-producer')]).toEqual([
          denied,
          deniedHead,
        ])
        expect(await outcome(group!.send(new GetObjectAclCommand({ Bucket, Key: 'of-producer' })))).toBe(
          denied,
        )
        const copy = new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/of-producer` })
        expect(await outcome(group!.send(copy))).toBe(denied)
        expect([await list(group!), await remove(group!, 'of-producer')]).toEqual([allowed, done])
      })

      it('bucket-owner-full-control opens it to the owner, in one put and through a multipart upload', async () => {
        await policy(allow('producer', 's3:PutObject'))
        await put(producer!, 'of-producer', 'bucket-owner-full-control')
        expect(await get(group!, 'of-producer')).toBe(allowed)
        const uploadId = await open(producer!, 'bucket-owner-full-control')
        await finish(producer!, uploadId)
        expect(await get(group!, 'big')).toBe(allowed)
      })

      it('a policy that names the owner lets it read without any help', async () => {
        await policy(allow('producer', 's3:PutObject'), allow('group', 's3:*'))
        await put(producer!)
        expect(await get(group!, 'of-producer')).toBe(allowed)
        await group!.send(new DeleteBucketPolicyCommand({ Bucket: own }))
        expect(await get(group!, 'of-producer')).toBe(denied)
      })

      it('copying it onto itself takes it over', async () => {
        await policy(allow('producer', 's3:PutObject'), allow('group', 's3:*'))
        await put(producer!)
        expect(await get(producer!, 'of-producer')).toBe(allowed)
        const onto = { Bucket, Key: 'of-producer', CopySource: `${Bucket}/of-producer` }
        expect(await outcome(group!.send(new CopyObjectCommand(onto)))).toBe('400 InvalidRequest')
        await group!.send(new CopyObjectCommand({ ...onto, MetadataDirective: 'REPLACE' }))
        expect([await get(group!, 'of-producer'), await get(producer!, 'of-producer')]).toEqual([
          allowed,
          denied,
        ])
      })

      it('an uploader keeps reading its own after the policy is gone; its rights to the bucket end', async () => {
        await policy(allow('producer', 's3:PutObject'))
        await put(producer!)
        const uploadId = await open(producer!)
        await group!.send(new DeleteBucketPolicyCommand({ Bucket: own }))
        expect(await get(producer!, 'of-producer')).toBe(allowed)
        expect(await parts(producer!, uploadId)).toBe(allowed)
        expect(await put(producer!)).toBe(denied)
        expect(await remove(producer!, 'of-producer')).toBe(denied)
        expect(await sendPart(producer!, uploadId)).toBe(denied)
        expect(await complete(producer!, uploadId)).toBe(denied)
        expect(await abort(producer!, uploadId)).toBe(denied)
        expect(await abort(group!, uploadId)).toBe(done)
      })

      it('only the owner of an object changes its ACL', async () => {
        await policy(allow('producer', 's3:PutObject'))
        await put(producer!)
        const open = (who: S3Client) =>
          outcome(
            who.send(
              new PutObjectAclCommand({ Bucket, Key: 'of-producer', ACL: 'bucket-owner-full-control' }),
            ),
          )
        expect(await open(group!)).toBe(denied)
        expect(await open(producer!)).toBe(allowed)
        expect(await get(group!, 'of-producer')).toBe(allowed)
      })
    })

    describe('with a bucket policy', () => {
      it.each<[string, () => Promise<string>, string]>([
        ['s3:ListBucket', () => list(producer!), allowed],
        ['s3:GetObject', () => get(producer!), allowed],
        ['s3:PutObject', () => put(producer!), allowed],
        ['s3:DeleteObject', () => remove(producer!), done],
        ['s3:GetBucketAcl', () => outcome(producer!.send(new GetBucketAclCommand({ Bucket }))), allowed],
        [
          's3:GetBucketLocation',
          () => outcome(producer!.send(new GetBucketLocationCommand({ Bucket }))),
          allowed,
        ],
        [
          's3:GetBucketVersioning',
          () => outcome(producer!.send(new GetBucketVersioningCommand({ Bucket }))),
          allowed,
        ],
        [
          's3:ListBucketMultipartUploads',
          () => outcome(producer!.send(new ListMultipartUploadsCommand({ Bucket }))),
          allowed,
        ],
      ])('%s lets the grantee do that, and only that, and nobody else', async (action, request, expected) => {
        await policy(allow('producer', 's3:GetObjectTagging'))
        expect(await request()).toBe(denied)
        await policy(allow('producer', action))
        expect(await request()).toBe(expected)
        expect([await list(outsider!), await get(outsider!), await put(outsider!)]).toEqual([
          denied,
          denied,
          denied,
        ])
        expect(await othersRefused(action)).toBe(true)
      })

      it('aborting the own upload needs its own action', async () => {
        await policy(allow('producer', 's3:PutObject'))
        const uploadId = await open(producer!)
        expect(await abort(producer!, uploadId)).toBe(denied)
        await policy(allow('producer', ['s3:PutObject', 's3:AbortMultipartUpload']))
        expect(await abort(producer!, uploadId)).toBe(done)
      })

      it("the owner aborts and completes another's upload; the object stays the uploader's", async () => {
        await policy(allow('producer', 's3:PutObject'))
        const first = await open(producer!)
        expect(await parts(group!, first)).toBe(denied)
        expect(await abort(group!, first)).toBe(done)
        const second = await open(producer!)
        await finish(group!, second)
        expect([await get(group!, 'big'), await get(producer!, 'big')]).toEqual([denied, allowed])
      })

      it('several objects at once need the right on the bucket, and each of them is asked for', async () => {
        const both = new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'of-group' }] } })
        const onObjects = { ...allow('producer', 's3:DeleteObject'), Resource: `arn:aws:s3:::${own}/*` }
        await policy(onObjects)
        expect(await outcome(producer!.send(both))).toBe(denied)
        await policy({ ...onObjects, Resource: `arn:aws:s3:::${own}` })
        const answer = await producer!.send(both)
        expect(answer.Errors).toMatchObject([{ Key: 'of-group', Code: 'AccessDenied' }])
        expect(await get(group!)).toBe(allowed)
      })

      it('a Deny beats every Allow, the owner and its own policy included', async () => {
        await policy(allow('producer', 's3:*'), deny('producer', 's3:GetObject'))
        expect([await list(producer!), await get(producer!)]).toEqual([allowed, denied])
        await policy(deny('group', 's3:*'))
        expect([await list(group!), await get(group!), await put(group!)]).toEqual([denied, denied, denied])
        expect(await outcome(group!.send(new GetBucketPolicyCommand({ Bucket: own })))).toBe(denied)
        expect(await outcome(group!.send(new DeleteBucketPolicyCommand({ Bucket: own })))).toBe(denied)
      })

      it('a time limit ends it, on time', async () => {
        const until = (day: string) =>
          allow('producer', 's3:ListBucket', { DateLessThan: { 'aws:CurrentTime': `${day}T00:00:00Z` } })
        await policy(until('2999-01-01'))
        expect(await list(producer!)).toBe(allowed)
        await policy(until('2001-01-01'))
        expect(await list(producer!)).toBe(denied)
        await policy(
          allow('producer', 's3:ListBucket', {
            DateGreaterThan: { 'aws:CurrentTime': '2999-01-01T00:00:00Z' },
          }),
        )
        expect(await list(producer!)).toBe(denied)
      })

      it('an address condition counts', async () => {
        const from = (operator: string, networks: string | string[]) =>
          policy(allow('producer', 's3:ListBucket', { [operator]: { 'aws:SourceIp': networks } }))
        await from('IpAddress', '10.0.0.0/8')
        expect(await list(producer!)).toBe(denied)
        await from('IpAddress', ['10.0.0.0/8', '127.0.0.0/8'])
        expect(await list(producer!)).toBe(allowed)
        await from('NotIpAddress', ['10.0.0.0/8', '127.0.0.1'])
        expect(await list(producer!)).toBe(denied)
        await from('NotIpAddress', '10.0.0.0/8')
        expect(await list(producer!)).toBe(allowed)
      })

      it('a prefix condition opens just that folder, and not the listing without one', async () => {
        const only = (operator: string, values: string | string[]) =>
          policy(allow('producer', 's3:ListBucket', { [operator]: { 's3:prefix': values } }))
        await only('StringLike', 'keys/*')
        expect(await list(producer!, 'keys/')).toBe(allowed)
        expect([
          await list(producer!),
          await list(producer!, 'keys'),
          await list(producer!, 'KEYS/'),
        ]).toEqual([denied, denied, denied])
        await only('StringEquals', 'keys/')
        expect([await list(producer!, 'keys/'), await list(producer!, 'keys/a')]).toEqual([allowed, denied])
        await only('StringNotEquals', 'run_1/')
        expect([
          await list(producer!, 'run_1/'),
          await list(producer!, 'run_2/'),
          await list(producer!),
        ]).toEqual([denied, allowed, denied])
      })

      it('an unknown condition key never lets in, and never keeps out', async () => {
        const unknown = { StringEquals: { 'aws:NoSuchKey': 'x' } }
        await policy(allow('producer', 's3:ListBucket', unknown))
        expect(await list(producer!)).toBe(denied)
        await policy(allow('producer', 's3:ListBucket'), {
          ...deny('producer', 's3:ListBucket'),
          Condition: unknown,
        })
        expect(await list(producer!)).toBe(allowed)
      })

      it('principals it can not read name nobody', async () => {
        const uid = idOf('producer').split('$').at(-1)!
        for (const Principal of [
          { CanonicalUser: idOf('producer') },
          { AWS: 'arn:aws:iam:::user/*' },
          { AWS: `arn:aws:iam::unknown:user/${uid}` },
          { AWS: 'arn:aws:iam::unknown:root' },
          { AWS: 'unknown' },
        ]) {
          await policy({ ...allow('producer', 's3:*'), Principal })
          expect(await list(producer!), JSON.stringify(Principal)).toBe(denied)
        }
      })

      it('everybody is everybody, the anonymous included', async () => {
        await policy({ ...allow('producer', 's3:GetObject'), Principal: '*' })
        expect([await get(outsider!), await get(anonymous!)]).toEqual([allowed, allowed])
      })

      it.each<[string, string]>([
        ['no JSON', 'certainly'],
        [
          'an unknown action',
          '{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:Fly","Resource":"*"}]}',
        ],
        ['another version', '{"Version":"2020-10-17","Statement":[]}'],
        ['an unknown element', '{"Version":"2012-10-17","Statement":[],"Note":"x"}'],
      ])('a policy with %s is refused and the old one stays', async (_what, Policy) => {
        await policy(allow('producer', 's3:ListBucket'))
        expect(await outcome(group!.send(new PutBucketPolicyCommand({ Bucket: own, Policy })))).toBe(
          '400 InvalidArgument',
        )
        expect(await list(producer!)).toBe(allowed)
      })

      it('reading older versions needs its own action', async () => {
        const VersioningConfiguration = { Status: 'Enabled' as const }
        await group!.send(new PutBucketVersioningCommand({ Bucket: own, VersioningConfiguration }))
        const { VersionId } = await group!.send(new PutObjectCommand({ Bucket: own, Key: 'kept', Body: '1' }))
        const old = () => outcome(producer!.send(new GetObjectCommand({ Bucket, Key: 'kept', VersionId })))
        await policy(allow('producer', 's3:GetObject'))
        expect([await get(producer!, 'kept'), await old()]).toEqual([allowed, denied])
        await policy(allow('producer', 's3:GetObjectVersion'))
        expect([await get(producer!, 'kept'), await old()]).toEqual([denied, allowed])
      })
    })

    /** Whether listing, reading and writing are refused to the producer, but for the one its action allows. */
    async function othersRefused(action: string): Promise<boolean> {
      const results = [
        action === 's3:ListBucket' || (await list(producer!)) === denied,
        action === 's3:GetObject' || (await get(producer!)) === denied,
        action === 's3:PutObject' || (await put(producer!, 'other')) === denied,
      ]
      return results.every(Boolean)
    }

    /** Sends one small part and completes. */
    async function finish(who: S3Client, UploadId: string): Promise<void> {
      const target = { Bucket, Key: 'big', UploadId }
      const { ETag } = await who.send(new UploadPartCommand({ ...target, PartNumber: 1, Body: 'part' }))
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
      await who.send(new CompleteMultipartUploadCommand({ ...target, MultipartUpload }))
    }
  })
}
