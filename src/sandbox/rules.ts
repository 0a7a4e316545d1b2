import type { Decision } from './access/decision.ts'
import type { PolicyDialect } from './access/policy-document.ts'
import type { Accounts } from './projects.ts'

/**
 * Where S3 servers differ, as one table per server (personality/). What asks it: authentication, authorization and
 * the operations, each at the one place where the answer matters.
 */
export interface Rules {
  readonly accounts: Accounts
  readonly policies: PolicyDialect
  /** Who is let in: what weight a policy, the ownership of a bucket and ACLs have. Pure. */
  readonly decide: (decision: Decision) => boolean
  /** What an ACL gives to the owner it leaves out: the right to repair it, or everything. */
  readonly aclOwners: 'repair' | 'everything'
  /** Whose an uploaded object is. */
  readonly uploadsBelongTo: 'uploader' | 'bucket-owner'
  /** What x-amz-acl and x-amz-grant-* do on an upload: `owner-only` refuses all but what changes nothing. */
  readonly uploadAcl: 'obeyed' | 'ignored' | 'owner-only'
  /** The same headers when a bucket is created; `refused` lets `private` pass. */
  readonly newBucketAcl: 'obeyed' | 'ignored' | 'refused'
  /** Which right it takes to be told that a key is missing: listing the bucket, what was asked for, or none. */
  readonly missingKey: 'by-listing' | 'by-request' | 'to-all'
  /** Who sees the parts of an upload: who opened it, or whom the bucket's ACL lets read. */
  readonly partsListedBy: 'uploader' | 'bucket-readers'
  /** Whose buckets ListBuckets gives: one's own, or those of all users of the tenant. */
  readonly listedBuckets: 'own' | 'of-the-tenant'
  /** What DeleteObjects needs `s3:DeleteObject` on: the bucket, each key, or both. */
  readonly multiDelete: 'bucket-and-keys' | 'keys' | 'bucket'
  /** DeleteObjects has to have a Content-MD5. */
  readonly multiDeleteNeedsMd5: boolean
  /** What creating one's own bucket again gives. */
  readonly createAgain: 'answered' | 'refused'
  /** What GetBucketLocation says, and the one LocationConstraint that is taken. */
  readonly location: string
  /** `tenant:bucket` addresses a bucket of another tenant. */
  readonly tenantAddresses: boolean
  /** If-Match and If-None-Match of PutObject and CopyObject. */
  readonly conditionalPut: 'obeyed' | 'refused'
  /** x-amz-checksum-* headers. */
  readonly checksums: 'verified' | 'ignored'
  /** Bodies in aws-chunked encoding. */
  readonly awsChunked: 'decoded' | 'refused'
  /** What a parameter of a bucket that nobody knows does: 501, or nothing at all. */
  readonly unknownSubResources: 'refused' | 'ignored'
}
