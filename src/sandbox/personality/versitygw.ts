import type { Accounts } from '../projects.ts'
import type { BucketOperation } from '../request.ts'
import type { Rules } from '../rules.ts'
import { S3Error } from '../s3-error.ts'
import { accessKeyAccounts } from './access-key-accounts.ts'
import type { Personality } from './personality.ts'

const accounts: Accounts = {
  ...accessKeyAccounts,
  unknownGrantees: 'refused',
  // Whose versions and uploads are is not told.
  shownOwner: ({ id, of }) =>
    of === 'version' ? undefined : of === 'upload' ? { ID: '', DisplayName: '' } : { ID: id },
}

/**
 * versitygw 1.7.0 with its posix backend, as measured. Once a bucket has a policy only that counts: who is not in it is
 * out, the owner included, and can't even take the policy away again. Conditions are stored and never looked at, so a
 * statement with an end never ends.
 */
const rules: Rules = {
  accounts,
  policies: {
    malformed: 'MalformedPolicy',
    versions: ['2012-10-17', '2008-10-17', undefined],
    namingKinds: ['AWS'],
    bareNames: true,
    otherKinds: 'refused',
    missingPrincipal: 'accepted',
    notPrincipal: 'ignored',
    conditions: 'ignored',
    unknownPrincipals: 'refused',
    resources: 'checked',
  },
  decide: ({ hasPolicy, verdict, ownsBucket }) => (hasPolicy ? verdict === 'allow' : ownsBucket),
  aclOwners: 'repair',
  uploadsBelongTo: 'bucket-owner',
  uploadAcl: 'ignored',
  newBucketAcl: 'refused',
  missingKey: 'by-request',
  partsListedBy: 'uploader',
  listedBuckets: 'own',
  // Which keys does not matter: a right on one prefix and on the bucket deletes everywhere.
  multiDelete: 'bucket',
  multiDeleteNeedsMd5: false,
  createAgain: 'refused',
  location: '',
  tenantAddresses: false,
  conditionalPut: 'obeyed',
  checksums: 'verified',
  awsChunked: 'decoded',
  unknownSubResources: 'refused',
}

const refuseAcl: BucketOperation = () => {
  throw new S3Error('AccessControlListNotSupported', 'The bucket does not allow ACLs.')
}

const noObjectAcl: BucketOperation = () => {
  throw new S3Error('NotImplemented', 'A header you provided implies functionality that is not implemented.')
}

export const versitygw: Personality = {
  rules,
  operations: { PutBucketAcl: refuseAcl, GetObjectAcl: noObjectAcl, PutObjectAcl: noObjectAcl },
}
