import { randomBytes } from 'node:crypto'
import { headerText } from '../http-headers.ts'
import { privateAcl } from '../access/acl.ts'
import { requestedAcl } from '../access/requested-acl.ts'
import { type BucketRequest, type Service } from '../request.ts'
import { S3Error } from '../s3-error.ts'
import type { Bucket } from '../state/bucket.ts'
import type { AclRecord, StoredVersion } from '../state/records.ts'

/** Headers kept with an object and given back with it. */
const keptHeaders = ['content-type', 'cache-control', 'content-disposition', 'content-language', 'expires']

/** Bytes of an ETag or version id that are random. */
const idBytes = 24

/** The version a request names, or the newest. Throws NoSuchKey. */
export function existingVersion({ bucket, objectKey, query }: BucketRequest): StoredVersion {
  const version = bucket.find(objectKey, query.get('versionId'))
  if (version === undefined) throw new S3Error('NoSuchKey', 'there is no such object')
  return version
}

/** The id a new version of an object gets: `null` stands for the one version of a bucket without versioning. */
export function nextVersionId(bucket: Bucket): string {
  return bucket.record.versioning === 'Enabled' ? randomBytes(idBytes).toString('base64url') : 'null'
}

/** The header that tells a version id; none in a bucket that never had versioning. */
export function versionHeader(bucket: Bucket, versionId: string): Record<string, string> {
  return bucket.record.versioning === 'off' ? {} : { 'x-amz-version-id': versionId }
}

/** Who uploads; the bucket's owner when nobody signed (Ceph RGW 16.2). */
export function uploaderId({ identity, bucket }: BucketRequest): string {
  return identity.anonymous ? bucket.record.ownerId : identity.id
}

/** Whose object an upload becomes. */
export function newOwnerId(request: BucketRequest, { rules }: Service): string {
  return rules.uploadsBelongTo === 'uploader' ? uploaderId(request) : request.bucket.record.ownerId
}

/**
 * The ACL of a new object. Throws what a wrong x-amz-acl or x-amz-grant-* header deserves, and
 * AccessControlListNotSupported where only the bucket's owner may be given anything.
 */
export function newObjectAcl(request: BucketRequest, service: Service): AclRecord {
  const { rules, projects } = service
  const ownerId = newOwnerId(request, service)
  if (rules.uploadAcl === 'ignored') return privateAcl(ownerId)
  const subject = { ownerId, bucketOwnerId: request.bucket.record.ownerId }
  const acl = requestedAcl(request.headers, subject, projects)
  if (acl === undefined) return privateAcl(ownerId)
  const changesNothing = acl.grants.every(
    ({ grantee, permission }) =>
      grantee.type === 'canonical' && grantee.id === ownerId && permission === 'FULL_CONTROL',
  )
  if (rules.uploadAcl === 'owner-only' && !(changesNothing && request.headers['x-amz-acl'] !== 'private')) {
    throw new S3Error('AccessControlListNotSupported', 'The bucket does not allow ACLs')
  }
  return acl
}

/** Headers of a put that belong to the object: its type and the like, and x-amz-meta-*. */
export function objectHeaders({ headers }: BucketRequest): Record<string, string> {
  const kept: Record<string, string> = { 'content-type': 'binary/octet-stream' }
  for (const name of Object.keys(headers)) {
    const value = headerText(headers, name)
    if (value !== undefined && (keptHeaders.includes(name) || name.startsWith('x-amz-meta-')))
      kept[name] = value
  }
  const codings = (headers['content-encoding'] ?? '').split(',').map((coding) => coding.trim())
  const encoding = codings.filter((coding) => coding !== '' && coding !== 'aws-chunked').join(',')
  return encoding === '' ? kept : { ...kept, 'content-encoding': encoding }
}

/** Removing a bucket while a body arrives must not bring it back. Throws NoSuchBucket. */
export function requireBucketStillThere({ bucket }: BucketRequest, { buckets }: Service): void {
  if (!buckets.list().includes(bucket)) throw new S3Error('NoSuchBucket', 'there is no such bucket')
}
