import type { Capabilities, Provider, ProviderName } from './provider.ts'

/**
 * What each kind of server does about sharing, and where that was seen. `enforced` stands only where a request was
 * refused in a test of ours or where the vendor's documentation is plain; docs/sharing.md, "Servers", has the table.
 */
export const PROVIDERS: Readonly<Record<ProviderName, Provider>> = {
  // After the S3 user guide: new buckets have ACLs disabled ("Controlling ownership of objects"), conditional writes on
  // PutObject and CompleteMultipartUpload, checksums that are verified. Not run by us.
  aws: {
    name: 'aws',
    title: 'AWS S3',
    dialect: 'aws',
    capabilities: {
      policy: 'enforced',
      policyConditions: 'enforced',
      prefixCondition: 'enforced',
      policyReplacesOwner: false,
      bucketAcl: 'absent',
      objectAcl: 'absent',
      uploaderOwns: false,
      versioning: 'enforced',
      conditionalPut: 'enforced',
      conditionalComplete: 'enforced',
      copyPart: 'enforced',
      checksums: 'enforced',
      tenants: false,
    },
  },

  // Ceph RGW 16.2.15, every line by request and refusal. CompleteMultipartUpload overwrites in spite of If-None-Match;
  // a wrong x-amz-checksum-* is stored.
  ceph: { name: 'ceph', title: 'Ceph RGW', dialect: 'rgw', capabilities: ceph() },

  // The same server where users come from Keystone (Allas, LUMI-O): each project is a tenant with one user of its name.
  // Seen on RGW 16.2.15 with tenants; not against Keystone itself.
  'ceph-keystone': {
    name: 'ceph-keystone',
    title: 'Ceph RGW with Keystone',
    dialect: 'rgw',
    capabilities: ceph(),
  },

  // versitygw 1.7.0 on its posix backend, every line by request and refusal: conditions are stored and never looked at, so
  // that an Allow with one that does not hold allows; a policy without its owner locks the owner out, policy included;
  // objects belong to the bucket's owner; ACLs are off (400) until the bucket's ownership is changed, those of
  // objects are 501; versions are kept where the server was started with a folder for them.
  versitygw: {
    name: 'versitygw',
    title: 'versitygw',
    dialect: 'account-name',
    capabilities: {
      policy: 'enforced',
      policyConditions: 'ignored',
      prefixCondition: 'ignored',
      policyReplacesOwner: true,
      bucketAcl: 'absent',
      objectAcl: 'absent',
      uploaderOwns: false,
      versioning: 'unknown',
      conditionalPut: 'enforced',
      conditionalComplete: 'enforced',
      copyPart: 'enforced',
      checksums: 'enforced',
      tenants: false,
    },
  },

  // MinIO's newest version that Go builds (October 2025), by request and refusal: a grant in an ACL is answered 200 and not
  // even kept, a policy is kept and lets in nobody by name (cmd/auth-handler.go asks it for anonymous requests alone).
  // Users are let in by policies attached with its admin interface.
  minio: {
    name: 'minio',
    title: 'MinIO',
    dialect: 'account-name',
    capabilities: {
      policy: 'ignored',
      policyConditions: 'ignored',
      prefixCondition: 'ignored',
      policyReplacesOwner: false,
      bucketAcl: 'ignored',
      objectAcl: 'ignored',
      uploaderOwns: false,
      versioning: 'enforced',
      conditionalPut: 'enforced',
      conditionalComplete: 'enforced',
      copyPart: 'enforced',
      checksums: 'enforced',
      tenants: false,
    },
  },

  // Swift 2.30 with s3api, by request and refusal: ACLs reach the users of one account only, ids are not checked,
  // policies, tags and conditional writes are 501, a wrong SHA-256 is stored.
  swift: {
    name: 'swift',
    title: 'OpenStack Swift (s3api)',
    dialect: 'account-name',
    capabilities: {
      policy: 'absent',
      policyConditions: 'absent',
      prefixCondition: 'absent',
      policyReplacesOwner: false,
      bucketAcl: 'enforced',
      objectAcl: 'enforced',
      uploaderOwns: true,
      versioning: 'unknown',
      conditionalPut: 'absent',
      conditionalComplete: 'absent',
      copyPart: 'enforced',
      checksums: 'ignored',
      tenants: false,
    },
  },

  // After Scaleway's documentation ("Bucket policies overview"): principals of a kind of its own, and a policy that
  // does not name its writer shuts the writer out. Not run by us.
  scaleway: {
    name: 'scaleway',
    title: 'Scaleway Object Storage',
    dialect: 'scaleway',
    capabilities: {
      policy: 'enforced',
      policyConditions: 'unknown',
      prefixCondition: 'unknown',
      policyReplacesOwner: true,
      bucketAcl: 'enforced',
      objectAcl: 'enforced',
      uploaderOwns: true,
      versioning: 'unknown',
      conditionalPut: 'unknown',
      conditionalComplete: 'unknown',
      copyPart: 'enforced',
      checksums: 'unknown',
      tenants: false,
    },
  },

  // Nobody knows: the cautious answer where there is one, and nothing counts as proven.
  generic: {
    name: 'generic',
    title: 'an S3 server that is not known here',
    dialect: 'rgw',
    capabilities: {
      policy: 'unknown',
      policyConditions: 'unknown',
      prefixCondition: 'unknown',
      policyReplacesOwner: true,
      bucketAcl: 'unknown',
      objectAcl: 'unknown',
      uploaderOwns: true,
      versioning: 'unknown',
      conditionalPut: 'unknown',
      conditionalComplete: 'unknown',
      copyPart: 'unknown',
      checksums: 'unknown',
      tenants: false,
    },
  },
}

/** The profile of a kind of server. */
export function providerNamed(name: ProviderName): Provider {
  return PROVIDERS[name]
}

function ceph(): Capabilities {
  return {
    policy: 'enforced',
    policyConditions: 'enforced',
    prefixCondition: 'enforced',
    policyReplacesOwner: false,
    bucketAcl: 'enforced',
    objectAcl: 'enforced',
    uploaderOwns: true,
    versioning: 'enforced',
    conditionalPut: 'enforced',
    conditionalComplete: 'ignored',
    copyPart: 'enforced',
    checksums: 'ignored',
    tenants: true,
  }
}
