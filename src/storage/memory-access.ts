/**
 * Who may do what in the memory store: the rules of S3 as far as the tests need them, failing closed.
 * Bucket owners may do everything with the bucket, object owners with their objects; others need a grant or a statement.
 * Statements with conditions never allow and always deny: conditions are not evaluated here.
 */
import type { Acl, AclPermission, OneOrMany, PolicyDocument, PolicyStatement } from './access/access-store.ts'

/** What is asked: an action such as `s3:GetObject` on a bucket, or on an object in it. */
export interface AccessRequest {
  callerId: string
  action: string
  bucket: string
  objectKey?: string | undefined
}

/** What the bucket says about it. */
export interface AccessRules {
  policy: PolicyDocument | undefined
  bucketAcl: Acl
  objectAcl?: Acl | undefined
}

/** The ACL permission that stands for an action, on the bucket and on the object (S3 user guide, "ACL overview"). */
const BUCKET_PERMISSION: Record<string, AclPermission> = {
  's3:ListBucket': 'READ',
  's3:ListBucketVersions': 'READ',
  's3:ListBucketMultipartUploads': 'READ',
  's3:PutObject': 'WRITE',
  's3:DeleteObject': 'WRITE',
  's3:AbortMultipartUpload': 'WRITE',
  's3:GetBucketAcl': 'READ_ACP',
  's3:PutBucketAcl': 'WRITE_ACP',
}
const OBJECT_PERMISSION: Record<string, AclPermission> = {
  's3:GetObject': 'READ',
  's3:GetObjectVersion': 'READ',
  's3:GetObjectTagging': 'READ',
  's3:PutObjectTagging': 'WRITE',
  's3:GetObjectAcl': 'READ_ACP',
  's3:GetObjectVersionAcl': 'READ_ACP',
  's3:PutObjectAcl': 'WRITE_ACP',
  's3:PutObjectVersionAcl': 'WRITE_ACP',
}

/** True when the caller may. An explicit deny wins, also over the owner (as on Ceph RGW 16). */
export function isAllowed(request: AccessRequest, rules: AccessRules): boolean {
  const statements = (rules.policy?.Statement ?? []).filter((statement) => matches(statement, request))
  if (statements.some(({ Effect }) => Effect === 'Deny')) return false
  if (statements.some(({ Effect, Condition }) => Effect === 'Allow' && Condition === undefined)) return true
  const onObject = OBJECT_PERMISSION[request.action]
  if (onObject !== undefined) {
    // An object belongs to who stored it; the bucket's owner has no right to another's.
    return rules.objectAcl !== undefined && isGranted(rules.objectAcl, request.callerId, onObject)
  }
  if (rules.bucketAcl.ownerId === request.callerId) return true
  const onBucket = BUCKET_PERMISSION[request.action]
  return onBucket !== undefined && isGranted(rules.bucketAcl, request.callerId, onBucket)
}

function isGranted(acl: Acl, callerId: string, permission: AclPermission): boolean {
  if (acl.ownerId === callerId) return true
  return acl.grants.some(
    (grant) =>
      grant.grantee.type === 'canonical' &&
      grant.grantee.id === callerId &&
      (grant.permission === permission || grant.permission === 'FULL_CONTROL'),
  )
}

function matches(statement: PolicyStatement, request: AccessRequest): boolean {
  const { bucket, objectKey } = request
  const name = bucket.slice(bucket.indexOf(':') + 1)
  const resource = `arn:aws:s3:::${objectKey === undefined ? name : `${name}/${objectKey}`}`
  return (
    namesCaller(statement, request.callerId) &&
    either(statement.Action, statement.NotAction, request.action) &&
    either(statement.Resource, statement.NotResource, resource)
  )
}

function namesCaller(statement: PolicyStatement, callerId: string): boolean {
  if (statement.Principal !== undefined) return names(statement.Principal, callerId)
  return statement.NotPrincipal !== undefined && !names(statement.NotPrincipal, callerId)
}

function names(principal: NonNullable<PolicyStatement['Principal']>, callerId: string): boolean {
  if (principal === '*') return true
  const identities = list(principal['AWS'])
  return identities.includes('*') || identities.includes(`arn:aws:iam:::user/${callerId}`)
}

function either(
  wanted: OneOrMany<string> | undefined,
  unwanted: OneOrMany<string> | undefined,
  value: string,
): boolean {
  if (wanted !== undefined) return list(wanted).some((pattern) => globMatches(pattern, value))
  return unwanted !== undefined && !list(unwanted).some((pattern) => globMatches(pattern, value))
}

function globMatches(pattern: string, value: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 's').test(value)
}

function list(values: OneOrMany<string> | undefined): readonly string[] {
  if (values === undefined) return []
  return typeof values === 'string' ? [values] : values
}
