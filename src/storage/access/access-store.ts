import type { RequestOptions, VersionOptions } from '../object-store.ts'
import type { Provider } from '../provider/provider.ts'

/**
 * The parts of S3 that say who may do what: bucket policy and ACLs. Implemented beside ObjectStore.
 * A 200 from a write proves nothing (some servers accept and ignore): callers read back and compare.
 */
export interface AccessStore {
  /**
   * What kind of server this is and what it enforces: as configured, else recognised by its answers, for which one
   * read-only request (ListBuckets) is sent when there was none yet. A profile, not a proof.
   */
  provider(options?: RequestOptions): Promise<Provider>
  /**
   * The bucket's policy as the server keeps it; undefined when it has none (GetBucketPolicy, NoSuchBucketPolicy).
   * Throws UNSUPPORTED when the server has no policies, STORE_FAILURE when it answers with one that can't be read.
   */
  bucketPolicy(bucket: string, options?: RequestOptions): Promise<PolicyDocument | undefined>
  /** Replaces the bucket's policy (PutBucketPolicy). */
  putBucketPolicy(bucket: string, policy: PolicyDocument, options?: RequestOptions): Promise<void>
  /**
   * Removes the bucket's policy (DeleteBucketPolicy). Only sent after bucketPolicy gave a policy:
   * servers that do not know the sub-resource would delete the bucket.
   */
  deleteBucketPolicy(bucket: string, options?: RequestOptions): Promise<void>
  /** Owner and grants of a bucket (GetBucketAcl). */
  bucketAcl(bucket: string, options?: RequestOptions): Promise<Acl>
  /** Replaces the grants; the owner's own FULL_CONTROL must be among them (PutBucketAcl). */
  putBucketAcl(bucket: string, acl: Acl, options?: RequestOptions): Promise<void>
  /** Owner and grants of an object, or of one version of it (GetObjectAcl). */
  objectAcl(bucket: string, objectKey: string, options?: VersionOptions): Promise<Acl>
  /** Replaces the grants of an object, or of one version of it (PutObjectAcl). */
  putObjectAcl(bucket: string, objectKey: string, acl: Acl, options?: VersionOptions): Promise<void>
}

export type AclPermission = 'READ' | 'WRITE' | 'READ_ACP' | 'WRITE_ACP' | 'FULL_CONTROL'

/** Who an ACL grant is for: a canonical id, or one of the predefined groups. */
export type AclGrantee = { type: 'canonical'; id: string } | { type: 'group'; uri: string }

export interface AclGrant {
  grantee: AclGrantee
  permission: AclPermission
}

export interface Acl {
  /** Canonical id; empty on servers that only pretend to have ACLs (MinIO). */
  ownerId: string
  grants: readonly AclGrant[]
}

/** One value or several, as policies allow in most places. */
export type OneOrMany<T> = T | readonly T[]

export interface PolicyStatement {
  Sid?: string
  Effect: 'Allow' | 'Deny'
  Principal?: '*' | Record<string, OneOrMany<string>>
  NotPrincipal?: '*' | Record<string, OneOrMany<string>>
  Action?: OneOrMany<string>
  NotAction?: OneOrMany<string>
  Resource?: OneOrMany<string>
  NotResource?: OneOrMany<string>
  Condition?: Record<string, Record<string, OneOrMany<string>>>
}

/** A bucket policy (IAM policy language, version 2012-10-17). */
export interface PolicyDocument {
  Version?: string
  Id?: string
  Statement: readonly PolicyStatement[]
}
