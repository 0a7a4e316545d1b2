import type { Accounts, Identity } from '../projects.ts'
import type { Rules } from '../rules.ts'
import type { Personality } from './personality.ts'

const accounts: Accounts = {
  kind: 'rgw',
  identify: (project) => {
    const tenant = project.tenant ?? ''
    return {
      id: tenant === '' ? project.uid : `${tenant}$${project.uid}`,
      uid: project.uid,
      tenant,
      displayName: project.displayName ?? project.uid,
      anonymous: false,
    }
  },
  bookIdentity: ({ uid, tenant }) =>
    `rgw:${tenant === undefined || tenant === '' ? uid : `${tenant}$${uid}`}`,
  isPrincipal: isRgwPrincipal,
  unknownGrantees: 'refused',
  shownOwner: ({ id, displayName }) => ({ ID: id, DisplayName: displayName }),
}

/**
 * Ceph RGW 16.2, as measured. The policy speaks first: Deny refuses whoever asks, the owner included, and Allow
 * permits. Where it is silent an ACL decides. Objects belong to who uploaded them, so a bucket's owner can't read what
 * others put there unless their ACL or the policy says so.
 */
export const rgwRules: Rules = {
  accounts,
  policies: {
    malformed: 'InvalidArgument',
    versions: ['2012-10-17', '2008-10-17', undefined],
    // The other kinds are accepted and match nobody, CanonicalUser included.
    namingKinds: ['AWS'],
    bareNames: false,
    otherKinds: 'accepted',
    missingPrincipal: 'accepted',
    notPrincipal: 'judged',
    conditions: 'rgw',
    unknownPrincipals: 'accepted',
    resources: 'accepted',
  },
  decide: ({ verdict, byAcl }) => verdict === 'allow' || (verdict === 'silent' && byAcl()),
  aclOwners: 'repair',
  uploadsBelongTo: 'uploader',
  uploadAcl: 'obeyed',
  newBucketAcl: 'obeyed',
  missingKey: 'by-listing',
  partsListedBy: 'uploader',
  listedBuckets: 'own',
  multiDelete: 'bucket-and-keys',
  multiDeleteNeedsMd5: false,
  createAgain: 'answered',
  // As a Ceph RGW of one zone group calls it.
  location: 'default',
  tenantAddresses: true,
  conditionalPut: 'obeyed',
  checksums: 'verified',
  awsChunked: 'decoded',
  unknownSubResources: 'refused',
}

export const rgw: Personality = { rules: rgwRules, operations: {} }

/**
 * The spellings RGW 16.2 was seen to honour: `*`, `arn:aws:iam::TENANT:user/UID`, `arn:aws:iam::TENANT:root`
 * and a bare `TENANT`. Everything else names nobody, without an error: `user/*` and `user/TENANT$UID` too.
 */
function isRgwPrincipal(name: string, identity: Identity): boolean {
  if (name === '*') return true
  if (!/[:/]/.test(name)) return name !== '' && name === identity.tenant
  const arn = /^arn:aws:iam::([^:]*):(root|user\/(.+))$/.exec(name)
  if (arn?.[1] !== identity.tenant) return false
  // With an empty tenant this is everybody of the default tenant, the anonymous included.
  return arn[2] === 'root' || arn[3] === identity.uid
}
