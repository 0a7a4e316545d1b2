import type { Accounts, SandboxProject } from '../projects.ts'
import type { BucketOperation } from '../request.ts'
import type { Rules } from '../rules.ts'
import { S3Error } from '../s3-error.ts'
import type { Personality } from './personality.ts'

/** `account:user` is the canonical id. A project is an account of its own unless several are given one tenant. */
const accounts: Accounts = {
  kind: 'swift',
  identify: (project) => ({
    id: canonicalId(project),
    uid: project.uid,
    tenant: account(project),
    displayName: canonicalId(project),
    anonymous: false,
  }),
  bookIdentity: (project) => `canonical:${canonicalId(project)}`,
  isPrincipal: () => false,
  unknownGrantees: 'accepted',
  // Listings of objects, versions and uploads name whoever asks as the owner of all of them.
  shownOwner: ({ id, of, askerId = '' }) => {
    const shown = of === 'itself' ? id : askerId
    return { ID: shown, DisplayName: shown }
  },
}

/**
 * OpenStack Swift 2.30 with s3api and s3_acl, as measured: ACLs as on AWS of old, but every account has its own
 * buckets, and those of another one are not there (404). There are no policies. A put has no conditions, a wrong
 * checksum in a header goes unnoticed, and parameters nobody knows are passed over: `DELETE ?encryption` deletes an
 * empty bucket.
 */
const rules: Rules = {
  accounts,
  policies: {
    malformed: 'MalformedPolicy',
    versions: [],
    namingKinds: [],
    bareNames: false,
    otherKinds: 'refused',
    missingPrincipal: 'refused',
    notPrincipal: 'judged',
    conditions: 'ignored',
    unknownPrincipals: 'refused',
    resources: 'checked',
  },
  decide: ({ byAcl }) => byAcl(),
  aclOwners: 'everything',
  uploadsBelongTo: 'uploader',
  uploadAcl: 'obeyed',
  newBucketAcl: 'obeyed',
  missingKey: 'to-all',
  partsListedBy: 'bucket-readers',
  listedBuckets: 'of-the-tenant',
  multiDelete: 'bucket-and-keys',
  multiDeleteNeedsMd5: true,
  createAgain: 'refused',
  location: '',
  tenantAddresses: false,
  conditionalPut: 'refused',
  checksums: 'ignored',
  awsChunked: 'refused',
  unknownSubResources: 'ignored',
}

const noPolicies: BucketOperation = () => {
  throw new S3Error('NotImplemented', 'The requested resource is not implemented')
}

export const swift: Personality = {
  rules,
  operations: { GetBucketPolicy: noPolicies, PutBucketPolicy: noPolicies, DeleteBucketPolicy: noPolicies },
}

function account({ tenant, uid }: SandboxProject): string {
  return tenant === undefined || tenant === '' ? uid : tenant
}

function canonicalId(project: SandboxProject): string {
  return `${account(project)}:${project.uid}`
}
