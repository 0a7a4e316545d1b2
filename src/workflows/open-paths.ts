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
import { eachVersionAcl, isPublicAcl, type SeenObject } from './object-grants.ts'
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

/** `request`: one that was tried, and that the server answered; all others are read in policy and ACLs. */
export const REMAINING_KINDS = [
  'policy',
  'bucket-acl',
  'object-acl',
  'object-owner',
  'upload',
  'public',
  'request',
  'unknown',
] as const

/** A way in that is still open, or that could not be looked at: part of the --json contract. */
export interface RemainingPath {
  kind: (typeof REMAINING_KINDS)[number]
  /** A sentence for people. */
  detail: string
  objectKey?: string
  /** Of an older version. */
  versionId?: string
}

/** How many open ways in are listed; one is enough to fail. */
export const REMAINING_LIMIT = 100

/** The ways into a bucket that are open to some projects; reads the ACL of every object and of every older version. */
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

/** What single objects and their older versions still allow. */
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
  const look = (seen: SeenObject): void => {
    const found = openObject(seen, isGone, shutIds)
    open.push(...found.slice(0, REMAINING_LIMIT - open.length))
  }
  await eachVersionAcl(store, sharing.bucket, look, signal)
  return open
}

/** What the ACL of one object, or of one of its older versions, still allows. */
function openObject(
  { objectKey, versionId, acl }: SeenObject,
  isGone: (id: string) => boolean,
  shutIds: ReadonlySet<string | undefined>,
): RemainingPath[] {
  const version = versionId === undefined ? {} : { versionId }
  const name = versionId === undefined ? objectKey : `${objectKey} (version ${versionId})`
  const path = (kind: RemainingPath['kind'], detail: string): RemainingPath => ({
    kind,
    detail,
    objectKey,
    ...version,
  })
  if (acl === undefined) return [path('unknown', `the ACL of ${name} cannot be read`)]
  const open = isPublicAcl(acl) ? [path('public', `the ACL of ${name} lets anyone read or write it`)] : []
  if (isGone(acl.ownerId) && !shutIds.has(acl.ownerId)) {
    return [...open, path('object-owner', `${name} belongs to ${acl.ownerId}, who keeps reading it`)]
  }
  const isGranted = grantedIds(acl).some((id) => isGone(id))
  return isGranted ? [...open, path('object-acl', `the ACL of ${name} still has a grant`)] : open
}

function grantedIds(acl: Acl): string[] {
  return acl.grants.flatMap(({ grantee }) => (grantee.type === 'canonical' ? [grantee.id] : []))
}
