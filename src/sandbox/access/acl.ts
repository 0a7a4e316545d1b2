import type { Identity } from '../projects.ts'
import type { AclRecord } from '../state/records.ts'

export type Permission = 'READ' | 'WRITE' | 'READ_ACP' | 'WRITE_ACP'
export type Grant = AclRecord['grants'][number]

export const allUsers = 'http://acs.amazonaws.com/groups/global/AllUsers'
export const authenticatedUsers = 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers'

/**
 * Whether an ACL gives a permission (S3 API, "Access control list overview"). Pure.
 * Being the owner gives READ_ACP and WRITE_ACP: with `repair` nothing else, so that an owner who leaves itself out of
 * the grants can no longer write (Ceph RGW 16.2), with `everything` all of it (Swift 2.30).
 */
export function aclGrants(
  acl: AclRecord,
  identity: Identity,
  permission: Permission,
  owners: 'repair' | 'everything',
): boolean {
  const isOwner = !identity.anonymous && acl.ownerId === identity.id
  if (isOwner && (owners === 'everything' || permission.endsWith('_ACP'))) return true
  return acl.grants.some(
    (grant) =>
      (grant.permission === permission || grant.permission === 'FULL_CONTROL') &&
      isGrantee(grant.grantee, identity),
  )
}

function isGrantee(grantee: Grant['grantee'], identity: Identity): boolean {
  if (grantee.type === 'canonical') return !identity.anonymous && grantee.id === identity.id
  return grantee.uri === allUsers || (grantee.uri === authenticatedUsers && !identity.anonymous)
}

export function fullControl(id: string): Grant {
  return { grantee: { type: 'canonical', id }, permission: 'FULL_CONTROL' }
}

/** The ACL of what is created without asking for one. */
export function privateAcl(ownerId: string): AclRecord {
  return { ownerId, grants: [fullControl(ownerId)] }
}
