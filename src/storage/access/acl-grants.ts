import { AppError } from '../../util/errors.ts'
import type { Acl, AclGrant, AclPermission } from './access-store.ts'
import type { GrantTerms, Role } from './roles.ts'

/** What a role is on a bucket and on each object that is in it. */
export interface AclRole {
  bucket: readonly AclPermission[]
  objects: readonly AclPermission[]
}

/**
 * A role as ACL permissions, for servers without bucket policies. Throws UNSUPPORTED for what ACLs cannot say:
 * WRITE on a bucket lets delete and overwrite everything, so there is no depositor, and ACLs have no conditions.
 */
export function aclRole({ role, until, prefix, fromIp }: GrantTerms): AclRole {
  const unsaid = [
    ...(until === undefined ? [] : ['--until']),
    ...(prefix === undefined ? [] : ['--prefix']),
    ...(fromIp === undefined ? [] : ['--from-ip']),
  ]
  if (role === 'depositor' || unsaid.length > 0) {
    const what = role === 'depositor' ? 'the role depositor' : unsaid.join(' and ')
    throw new AppError(
      'UNSUPPORTED',
      `this server has no bucket policies, and its ACLs cannot express ${what}`,
      {
        hints: [
          role === 'depositor'
            ? 'a write grant in an ACL would also let delete everything; if that is acceptable, use --role collaborator'
            : 'leave it out and revoke the access yourself in time',
        ],
      },
    )
  }
  return ACL_ROLES[role]
}

/** The ACL with the permissions given to an id; what it had before is replaced, the owner keeps FULL_CONTROL. */
export function withAclGrants(acl: Acl, canonicalId: string, permissions: readonly AclPermission[]): Acl {
  const { acl: without } = withoutAclGrants(acl, (id) => id === canonicalId)
  const grantee = { type: 'canonical', id: canonicalId } as const
  return {
    ...without,
    grants: [...without.grants, ...permissions.map((permission) => ({ grantee, permission }))],
  }
}

/**
 * The ACL without the grants of some ids (and of the predefined groups, with `groups`), and what was taken out.
 * The owner's own FULL_CONTROL is always in it: a server that was not sent it takes the owner's rights away.
 */
export function withoutAclGrants(
  acl: Acl,
  isGone: (canonicalId: string) => boolean,
  groups = false,
): { acl: Acl; removed: AclGrant[] } {
  const isRemoved = ({ grantee }: AclGrant): boolean =>
    grantee.type === 'group' ? groups : grantee.id !== acl.ownerId && isGone(grantee.id)
  const isOwners = ({ grantee }: AclGrant): boolean =>
    grantee.type === 'canonical' && grantee.id === acl.ownerId
  const kept = acl.grants.filter((grant) => !isRemoved(grant) && !isOwners(grant))
  return {
    acl: { ownerId: acl.ownerId, grants: [fullControl(acl.ownerId), ...kept] },
    removed: acl.grants.filter(isRemoved),
  }
}

/** The ACL of an object that somebody else stored, as it should be: the bucket's owner, and nobody besides. */
export function takenOver(acl: Acl, bucketOwnerId: string): Acl {
  return { ownerId: acl.ownerId, grants: [fullControl(bucketOwnerId)] }
}

/** Grants to ids other than the owner's, and to the predefined groups. */
export function grantsToOthers(acl: Acl, ...ownerIds: readonly string[]): AclGrant[] {
  return acl.grants.filter(({ grantee }) => grantee.type === 'group' || !ownerIds.includes(grantee.id))
}

/** True when two ACLs grant the same, in whatever order. */
export function sameGrants(a: Acl, b: Acl): boolean {
  const spelled = ({ ownerId, grants }: Acl): string =>
    JSON.stringify([ownerId, [...new Set(grants.map(spelledGrant))].sort()])
  return spelled(a) === spelled(b)
}

/** A grant in words, for messages. */
export function spelledGrant({ grantee, permission }: AclGrant): string {
  return `${permission} for ${grantee.type === 'group' ? grantee.uri : grantee.id}`
}

const ACL_ROLES: Readonly<Record<Exclude<Role, 'depositor'>, AclRole>> = {
  reader: { bucket: ['READ', 'READ_ACP'], objects: ['READ', 'READ_ACP'] },
  collaborator: { bucket: ['READ', 'WRITE', 'READ_ACP'], objects: ['READ', 'READ_ACP'] },
}

function fullControl(id: string): AclGrant {
  return { grantee: { type: 'canonical', id }, permission: 'FULL_CONTROL' }
}
