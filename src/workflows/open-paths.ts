import { spelledGrant } from '../storage/access/acl-grants.ts'
import type { Acl, AclGrant, PolicyStatement } from '../storage/access/access-store.ts'
import {
  isBlocked,
  isPublicStatement,
  principalsOf,
  statementsReaching,
} from '../storage/access/bucket-policy.ts'
import { nameOf } from '../storage/access/policy-comparison.ts'
import { sameProject, type Principal } from '../storage/access/principal.ts'
import type { Store } from '../storage/store.ts'
import { eachObjectAcl, isPublicAcl, type SeenObject } from './object-grants.ts'
import { ownedBucket, type Sharing } from './sharing.ts'

/** A project that is shut out of a bucket. */
export interface Outcast {
  name: string
  /** As policies name it; undefined where they can't. */
  principal: Principal | undefined
  /** As ACLs and listings name it; undefined when the identity doesn't tell. */
  canonicalId: string | undefined
}

/** Who is to be outside. */
export interface Outsiders {
  outcasts: readonly Outcast[]
  /** Not only the outcasts: everybody but the owner, groups included. */
  everyone: boolean
}

/** A way in that is still open, or that could not be looked at: part of the --json contract. */
export interface RemainingPath {
  kind: 'policy' | 'bucket-acl' | 'object-acl' | 'object-owner' | 'upload' | 'public' | 'unknown'
  /** A sentence for people. */
  detail: string
  objectKey?: string
}

/** How many open ways in are listed; one is enough to fail. */
export const REMAINING_LIMIT = 100

/** The ways into a bucket and its objects that are open to some projects; reads every object's ACL. */
export async function openPaths(
  store: Store,
  sharing: Sharing,
  outsiders: Outsiders,
  signal?: AbortSignal,
): Promise<RemainingPath[]> {
  return [
    ...openStatements(sharing, outsiders),
    ...openBucketGrants(sharing, outsiders),
    ...(await openObjects(store, sharing, outsiders, signal)),
  ]
}

/** True when the policy denies the project by name, so that nothing it owns or that others allow opens the bucket. */
export function isShut({ bucket, policy }: Sharing, { principal }: Outcast): boolean {
  return principal !== undefined && isBlocked(policy, bucket, principal)
}

/** Tells whether a canonical id is outside; the owner never is. */
export function goneIds({ outcasts, everyone }: Outsiders, ownerId: string): (id: string) => boolean {
  const ids = new Set(outcasts.map(({ canonicalId }) => canonicalId))
  return (id) => id !== ownerId && (everyone || ids.has(id))
}

function openStatements(sharing: Sharing, outsiders: Outsiders): RemainingPath[] {
  const isOpen = (statement: PolicyStatement): boolean =>
    (outsiders.everyone && allowsOthers(statement, sharing)) ||
    outsiders.outcasts.some((outcast) => letsIn(statement, outcast, sharing))
  return (sharing.policy?.Statement ?? [])
    .filter(isOpen)
    .map((statement) =>
      isPublicStatement(statement)
        ? { kind: 'public', detail: `policy statement ${nameOf(statement)} lets anyone in` }
        : { kind: 'policy', detail: `policy statement ${nameOf(statement)} still allows access` },
    )
}

/** A Deny by name stands above what a tenant or account is allowed, but not above an anonymous request. */
function letsIn(statement: PolicyStatement, outcast: Outcast, sharing: Sharing): boolean {
  if (isPublicStatement(statement)) return true
  const { principal } = outcast
  const reaches =
    principal !== undefined && statementsReaching({ Statement: [statement] }, principal).length > 0
  return reaches && !isShut(sharing, outcast)
}

function allowsOthers(statement: PolicyStatement, sharing: Sharing): boolean {
  if (statement.Effect !== 'Allow') return false
  const { owner } = ownedBucket(sharing)
  return isPublicStatement(statement) || principalsOf(statement).some((named) => !sameProject(named, owner))
}

function openBucketGrants(sharing: Sharing, outsiders: Outsiders): RemainingPath[] {
  const isGone = goneIds(outsiders, sharing.ownerId)
  // Neither denied by name nor recognisable in an ACL: any id may be theirs.
  const someUnknown = outsiders.outcasts.some((one) => one.canonicalId === undefined && !isShut(sharing, one))
  const kindOf = ({ grantee }: AclGrant): RemainingPath['kind'] | undefined => {
    if (grantee.type === 'group') return 'public'
    if (isGone(grantee.id)) return 'bucket-acl'
    return someUnknown && grantee.id !== sharing.ownerId ? 'unknown' : undefined
  }
  return sharing.acl.grants.flatMap((grant) => {
    const kind = kindOf(grant)
    return kind === undefined ? [] : [{ kind, detail: `the bucket's ACL gives ${spelledGrant(grant)}` }]
  })
}

/** What single objects still allow. */
async function openObjects(
  store: Store,
  sharing: Sharing,
  outsiders: Outsiders,
  signal: AbortSignal | undefined,
): Promise<RemainingPath[]> {
  const { ownerId } = sharing
  const isGone = goneIds(outsiders, ownerId)
  const shutIds = new Set(
    outsiders.outcasts.filter((one) => isShut(sharing, one)).map(({ canonicalId }) => canonicalId),
  )
  const open: RemainingPath[] = []
  const add = (objectKey: string, kind: RemainingPath['kind'], detail: string): void => {
    if (open.length < REMAINING_LIMIT) open.push({ kind, detail, objectKey })
  }
  const look = ({ objectKey, acl }: SeenObject): void => {
    if (acl === undefined) {
      add(objectKey, 'unknown', `the ACL of ${objectKey} cannot be read`)
      return
    }
    if (isPublicAcl(acl)) add(objectKey, 'public', `the ACL of ${objectKey} lets anyone read or write it`)
    if (isGone(acl.ownerId) && !shutIds.has(acl.ownerId)) {
      add(objectKey, 'object-owner', `${objectKey} belongs to ${acl.ownerId}, who keeps reading it`)
    } else if (grantedIds(acl).some((id) => isGone(id))) {
      add(objectKey, 'object-acl', `the ACL of ${objectKey} still has a grant`)
    }
  }
  await eachObjectAcl(store, sharing.bucket, look, signal)
  return open
}

function grantedIds(acl: Acl): string[] {
  return acl.grants.flatMap(({ grantee }) => (grantee.type === 'canonical' ? [grantee.id] : []))
}
