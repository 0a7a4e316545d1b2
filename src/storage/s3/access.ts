import {
  DeleteBucketPolicyCommand,
  GetBucketAclCommand,
  GetBucketPolicyCommand,
  GetObjectAclCommand,
  type Grant,
  type Owner,
  PutBucketAclCommand,
  PutBucketPolicyCommand,
  PutObjectAclCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import type { Acl, AclGrant, AclGrantee, AclPermission, PolicyDocument } from '../access/access-store.ts'
import { StorageError } from '../errors.ts'
import { failure, type Where } from '../failure.ts'
import type { RequestOptions, VersionOptions } from '../object-store.ts'
import { parsePolicy } from './policy-document.ts'
import { request } from './request.ts'
import { versionInput } from './version-id.ts'

export async function bucketPolicy(
  client: S3Client,
  bucket: string,
  options?: RequestOptions,
): Promise<PolicyDocument | undefined> {
  const where = { operation: 'GetBucketPolicy', bucket }
  try {
    const answer = await request(where, options, (settings) =>
      client.send(new GetBucketPolicyCommand({ Bucket: bucket }), settings),
    )
    const policy = parsePolicy(answer.Policy ?? '')
    if (policy === undefined) throw notAPolicy(where, answer.Policy ?? '')
    return policy
  } catch (error) {
    if (error instanceof StorageError && error.serverCode === 'NoSuchBucketPolicy') return undefined
    throw error
  }
}

/**
 * A server that does not know `?policy` may answer the bare operation: a listing, with status 200. Anything else may be
 * a policy that is in force and that nobody can read here: to go on without it would leave it standing.
 */
function notAPolicy(where: Where, text: string): StorageError {
  if (/^\s*</.test(text)) return failure('UNSUPPORTED', where, 'the answer is not a policy')
  return failure('STORE_FAILURE', where, 'the answer is no policy that can be read', {
    hints: ['nothing was changed; what is wrong with the policy of this bucket, its server has to tell'],
  })
}

export async function putBucketPolicy(
  client: S3Client,
  bucket: string,
  policy: PolicyDocument,
  options?: RequestOptions,
): Promise<void> {
  const command = new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify(policy) })
  await request({ operation: 'PutBucketPolicy', bucket }, options, (settings) =>
    client.send(command, settings),
  )
}

/** Reads first: where `?policy` is not known, this request would be DeleteBucket. */
export async function deleteBucketPolicy(
  client: S3Client,
  bucket: string,
  options?: RequestOptions,
): Promise<void> {
  if ((await bucketPolicy(client, bucket, options)) === undefined) return
  await request({ operation: 'DeleteBucketPolicy', bucket }, options, (settings) =>
    client.send(new DeleteBucketPolicyCommand({ Bucket: bucket }), settings),
  )
}

export async function bucketAcl(client: S3Client, bucket: string, options?: RequestOptions): Promise<Acl> {
  const where = { operation: 'GetBucketAcl', bucket }
  const answer = await request(where, options, (settings) =>
    client.send(new GetBucketAclCommand({ Bucket: bucket }), settings),
  )
  return aclOf(where, answer)
}

export async function putBucketAcl(
  client: S3Client,
  bucket: string,
  acl: Acl,
  options?: RequestOptions,
): Promise<void> {
  const command = new PutBucketAclCommand({ Bucket: bucket, AccessControlPolicy: requestAcl(acl) })
  await request({ operation: 'PutBucketAcl', bucket }, options, (settings) => client.send(command, settings))
}

export async function objectAcl(
  client: S3Client,
  bucket: string,
  objectKey: string,
  options: VersionOptions = {},
): Promise<Acl> {
  const where = { operation: 'GetObjectAcl', bucket, objectKey }
  const command = new GetObjectAclCommand({ Bucket: bucket, Key: objectKey, ...versionInput(options) })
  const answer = await request(where, options, (settings) => client.send(command, settings))
  return aclOf(where, answer)
}

export async function putObjectAcl(
  client: S3Client,
  bucket: string,
  objectKey: string,
  acl: Acl,
  options: VersionOptions = {},
): Promise<void> {
  const where = { operation: 'PutObjectAcl', bucket, objectKey }
  const command = new PutObjectAclCommand({
    Bucket: bucket,
    Key: objectKey,
    ...versionInput(options),
    AccessControlPolicy: requestAcl(acl),
  })
  await request(where, options, (settings) => client.send(command, settings))
}

function aclOf(where: Where, answer: { Owner?: Owner | undefined; Grants?: Grant[] | undefined }): Acl {
  if (answer.Owner === undefined && answer.Grants === undefined) {
    throw failure('UNSUPPORTED', where, 'the answer is not an ACL')
  }
  // MinIO's: one grant, to nobody, whatever was written.
  if (answer.Owner?.ID === undefined || answer.Owner.ID === '') return { ownerId: '', grants: [] }
  return {
    ownerId: answer.Owner.ID,
    grants: (answer.Grants ?? []).map((grant) => grantOf(where, grant)),
  }
}

const PERMISSIONS = new Set<string>(['READ', 'WRITE', 'READ_ACP', 'WRITE_ACP', 'FULL_CONTROL'])

/** A grant that is left out would be a grant nobody sees: one that can't be read is a failure. */
function grantOf(where: Where, { Grantee, Permission }: Grant): AclGrant {
  const grantee = granteeOf(Grantee?.ID, Grantee?.URI)
  if (grantee === undefined || !isPermission(Permission)) {
    const what = `${Grantee?.Type ?? 'no grantee'} ${Permission ?? 'no permission'}`
    throw failure('UNSUPPORTED', where, `a grant is not understood: ${what}`)
  }
  return { grantee, permission: Permission }
}

function granteeOf(id: string | undefined, uri: string | undefined): AclGrantee | undefined {
  if (uri !== undefined && uri !== '') return { type: 'group', uri }
  return id === undefined ? undefined : { type: 'canonical', id }
}

function isPermission(permission: string | undefined): permission is AclPermission {
  return permission !== undefined && PERMISSIONS.has(permission)
}

function requestAcl({ ownerId, grants }: Acl): { Owner: Owner; Grants: Grant[] } {
  return {
    Owner: { ID: ownerId },
    Grants: grants.map(({ grantee, permission }) => ({
      Grantee:
        grantee.type === 'canonical'
          ? { Type: 'CanonicalUser', ID: grantee.id }
          : { Type: 'Group', URI: grantee.uri },
      Permission: permission,
    })),
  }
}
