/** What a kind of server truly does about sharing: what it enforces, and where its 200 means nothing. */

export const PROVIDER_NAMES = [
  'aws',
  'ceph',
  'ceph-keystone',
  'versitygw',
  'minio',
  'swift',
  'scaleway',
  'generic',
] as const
export type ProviderName = (typeof PROVIDER_NAMES)[number]

/**
 * `enforced`: requests are answered by it. `absent`: refused with an error. `ignored`: accepted with a 200 and without
 * any effect. `unknown`: nobody looked yet; a write has to be read back, and even then only a probe proves it.
 */
export type Support = 'enforced' | 'absent' | 'ignored' | 'unknown'

/** How a server's policies and ACLs spell identities (access/principal.ts). */
export type IdentityDialect =
  /** `arn:aws:iam::TENANT:user/UID`; ACLs say `TENANT$UID`. */
  | 'rgw'
  /** ARNs of accounts, users and roles, or a canonical id of 64 hex digits, which ACLs use as well. */
  | 'aws'
  /** The bare name of the account, which is its access key id, in both. */
  | 'account-name'
  /** `{"SCW": "project_id:…"}`; ACLs say `PROJECT:PROJECT`. */
  | 'scaleway'

/** What of S3's access control, and of what transfers rely on, a server has. */
export interface Capabilities {
  /** Bucket policies that name other users. */
  policy: Support
  /** `aws:CurrentTime` and `aws:SourceIp` in them: what --until and --from-ip become. */
  policyConditions: Support
  /** `s3:prefix` in them: what lets list the key card alone. */
  prefixCondition: Support
  /** Once a bucket has a policy only that counts, for its owner as well: a policy must name the owner. */
  policyReplacesOwner: boolean
  /** Grants to other users in a bucket's ACL. */
  bucketAcl: Support
  /** Grants to other users in an object's ACL. */
  objectAcl: Support
  /** An object belongs to who uploaded it: the bucket's owner may be unable to read it. */
  uploaderOwns: boolean
  versioning: Support
  /** `If-None-Match: *` on PutObject. */
  conditionalPut: Support
  /** `If-None-Match: *` on CompleteMultipartUpload. */
  conditionalComplete: Support
  /** A part is copied on the server (UploadPartCopy). */
  copyPart: Support
  /** A checksum header that does not fit the body is refused. */
  checksums: Support
  /** A bucket of another tenant is `tenant:bucket`, and a bare name is looked for among one's own. */
  tenants: boolean
}

/** A kind of server, or one server that was looked at. */
export interface Provider {
  name: ProviderName
  /** For people: `Ceph RGW`. */
  title: string
  dialect: IdentityDialect
  capabilities: Capabilities
}
