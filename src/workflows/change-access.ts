import type { AccessEntry } from '../storage/access/access-entries.ts'
import { isTypedIdentity, parseGrantee, serializeGrantee, type Grantee } from '../storage/access/grantee.ts'
import { canonicalIdOf, principalOf, sameProject } from '../storage/access/principal.ts'
import { ROLES, type GrantTerms, type Role } from '../storage/access/roles.ts'
import type { IdentityDialect } from '../storage/provider/provider.ts'
import type { Store } from '../storage/store.ts'
import { grantAccess, type GrantResult } from './grant-access.ts'
import { revokeAccess, type RevokeProvers, type RevokeResult } from './revoke-access.ts'
import { readSharing, type KnownProject } from './sharing.ts'
import { accessEntries } from './show-access.ts'

/** What a project may do more, or less, in the words of CSC's `a-access`. */
export interface AccessChange {
  give: boolean
  permission: 'read' | 'write' | 'read-write'
}

export interface ChangeRequest {
  bucket: string
  project: KnownProject
  change: AccessChange
  /** For what is given; those it had before stay where none are named. */
  limits: Pick<GrantTerms, 'until' | 'prefix' | 'fromIp'>
  /** For what is taken away wholly. */
  provers?: RevokeProvers | undefined
}

/** What was done about one project: the --json contract of `access +rw` and its like. */
export type ChangeResult =
  | { done: 'granted'; granted: GrantResult }
  | { done: 'revoked'; revoked: RevokeResult }
  | { done: 'nothing'; bucket: string; project: string; identity: string; role: Role }

/** What becomes of a project: a role, nothing at all, or what it is. */
export type Outcome = Role | 'nobody'

const GIVEN: Readonly<Record<AccessChange['permission'], Role>> = {
  read: 'reader',
  write: 'depositor',
  'read-write': 'collaborator',
}

/**
 * The role that a change leads to. Giving never takes anything away: reading and writing together make a collaborator.
 * Taking a half away leaves the other half; anything else, and everything that is no plain role of ours, ends wholly.
 */
export function outcomeOf({ give, permission }: AccessChange, before: Role | 'none' | 'mixed'): Outcome {
  const given = GIVEN[permission]
  if (give) {
    if (before === 'none' || before === 'mixed' || before === given) return given
    return 'collaborator'
  }
  if (permission === 'read-write') return 'nobody'
  const left: Role = permission === 'read' ? 'depositor' : 'reader'
  return before === 'collaborator' || before === left ? left : 'nobody'
}

/** Grants or revokes as `a-access` would. Throws what grantAccess and revokeAccess do. */
export async function changeAccess(
  store: Store,
  { bucket, project, change, limits, provers }: ChangeRequest,
  signal?: AbortSignal,
): Promise<ChangeResult> {
  const sharing = await readSharing(store, bucket, signal)
  const { dialect } = sharing.provider
  const entries = accessEntries(sharing, new Date()).filter((entry) =>
    isAbout(entry, project.grantee, dialect),
  )
  const entry = plainRole(entries)
  const before = entry?.access ?? (entries.length === 0 ? 'none' : 'mixed')
  const role = outcomeOf(change, before)
  if (role === 'nobody') {
    return { done: 'revoked', revoked: await revokeAccess(store, { bucket, project, provers }, signal) }
  }
  if (!change.give && role === before) {
    return {
      done: 'nothing',
      bucket,
      project: project.name,
      identity: serializeGrantee(project.grantee),
      role,
    }
  }
  const terms = { role, ...keptLimits(entry), ...definedOf(limits) }
  return { done: 'granted', granted: await grantAccess(store, { bucket, project, terms }, signal) }
}

/** The entry of a project that has one role of ours, in force, and nothing besides. */
function plainRole(entries: readonly AccessEntry[]): (AccessEntry & { access: Role }) | undefined {
  const [only, ...more] = entries
  if (only === undefined || more.length > 0 || only.expired === true) return undefined
  const { access } = only
  return isRole(access) ? { ...only, access } : undefined
}

/** Blocks are no access: a grant replaces them. */
function isAbout({ who, access }: AccessEntry, grantee: Grantee, dialect: IdentityDialect): boolean {
  if (access === 'blocked' || !isTypedIdentity(who)) return false
  const named = parseGrantee(who)
  const canonicalId = canonicalIdOf(grantee, dialect)
  if (canonicalId !== undefined && canonicalIdOf(named, dialect) === canonicalId) return true
  const [a, b] = [principalOf(named, dialect), principalOf(grantee, dialect)]
  return a !== undefined && b !== undefined && sameProject(a, b)
}

function isRole(access: string): access is Role {
  return ROLES.some((role) => role === access)
}

function keptLimits(entry: AccessEntry | undefined): Partial<ChangeRequest['limits']> {
  if (entry === undefined) return {}
  const { until, prefix, fromIp } = entry
  return definedOf({ until: until === undefined ? undefined : new Date(until), prefix, fromIp })
}

function definedOf(limits: ChangeRequest['limits']): Partial<ChangeRequest['limits']> {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined))
}
