import { AppError } from '../../util/errors.ts'
import type { OneOrMany, PolicyDocument, PolicyStatement } from './access-store.ts'
import { sameStatement, valuesOf } from './policy-comparison.ts'
import { principalCovers, sameProject, type Principal } from './principal.ts'
import { blockStatement, ownerStatement, roleStatements, type GrantTerms } from './roles.ts'
import {
  isSdConnectGrant,
  isSdConnectOwner,
  sdConnectOwnerStatement,
  sdConnectStatements,
} from './sd-connect.ts'
import { OWNER_SID, parseSid, principalHash } from './sid.ts'
import type { StatementForm } from './statement-form.ts'

/** A bucket and who owns it, as every policy of ours has to name them. */
export interface OwnedBucket {
  bucket: string
  owner: Principal
  /** What the server's policies can say; everything, when absent. */
  form?: StatementForm | undefined
}

/** A policy without some access, and the Allow statements that gave it. */
export interface Withdrawal {
  policy: PolicyDocument
  removed: PolicyStatement[]
}

/**
 * The policy with the role given to the principal: whatever we (or SD Connect) had given or forbidden it before is
 * replaced, everybody else's statements stay as they are and in order. Throws USAGE for the owner itself.
 */
export function withGrant(
  policy: PolicyDocument | undefined,
  { bucket, owner, form }: OwnedBucket,
  principal: Principal,
  terms: GrantTerms,
): PolicyDocument {
  refuseOwner(owner, principal)
  const kept = withoutOursAbout(policy, principal)
  return withStatements(policy, { bucket, owner }, kept, roleStatements(bucket, principal, terms, form))
}

/**
 * The same with the role in SD Connect's form, so that its web interface shows it, and with its statement for the owner.
 * Throws USAGE and UNSUPPORTED for what that form cannot say.
 */
export function withSdConnectGrant(
  policy: PolicyDocument | undefined,
  { bucket, owner }: OwnedBucket,
  principal: Principal,
  terms: GrantTerms,
): PolicyDocument {
  refuseOwner(owner, principal)
  const kept = withoutOursAbout(policy, principal)
  const shared = sdConnectStatements(bucket, principal, terms)
  const own = kept.some(isSdConnectOwner) ? [] : [sdConnectOwnerStatement(bucket, owner)]
  return withStatements(policy, { bucket, owner }, kept, [...own, ...shared])
}

/**
 * The policy in which nothing allows the principal anything by name and an explicit Deny blocks it.
 * A foreign Allow that names others as well loses only this principal. Throws USAGE for the owner itself.
 */
export function withoutGrantee(
  policy: PolicyDocument | undefined,
  { bucket, owner }: OwnedBucket,
  principal: Principal,
): Withdrawal {
  refuseOwner(owner, principal)
  const others = withoutOursAbout(policy, principal)
  const ours = (policy?.Statement ?? []).filter((statement) => isOursAbout(statement, principal))
  const { kept, removed } = withoutNamed(
    others,
    (named) => !sameProject(named, owner) && isMeant(named, principal),
  )
  return {
    policy: withStatements(policy, { bucket, owner }, kept, [blockStatement(bucket, principal)]),
    removed: [...ours.filter(isAllow), ...removed],
  }
}

/**
 * The policy in which no Allow names anybody but the owner, everyone included, and `blocked` are denied by name.
 * Foreign Deny statements stay.
 */
export function withoutAnyGrant(
  policy: PolicyDocument | undefined,
  { bucket, owner }: OwnedBucket,
  blocked: readonly Principal[],
): Withdrawal {
  const isOurs = ({ Sid }: PolicyStatement): boolean => Sid === OWNER_SID || parseSid(Sid) !== undefined
  const statements = policy?.Statement ?? []
  const { kept, removed } = withoutNamed(
    statements.filter((statement) => !isOurs(statement)),
    (named, statement) =>
      !sameProject(named, owner) && !(isSdConnectOwner(statement) && principalCovers(named, owner)),
  )
  const stillBlocked = statements.filter(
    (statement) =>
      parseSid(statement.Sid)?.what === 'Blocked' && !blocked.some((one) => isOursAbout(statement, one)),
  )
  const blocks = blocked.map((principal) => {
    refuseOwner(owner, principal)
    return blockStatement(bucket, principal)
  })
  return {
    policy: withStatements(policy, { bucket, owner }, [...kept, ...stillBlocked], blocks),
    removed: [
      ...statements.filter((one) => isAllow(one) && one.Sid !== OWNER_SID && isOurs(one)),
      ...removed,
    ],
  }
}

/** The principals that a statement names; `*` as the AWS principal `*`. */
export function principalsOf(statement: PolicyStatement): Principal[] {
  const { Principal: named } = statement
  if (named === undefined) return []
  if (named === '*') return [{ kind: 'AWS', value: '*' }]
  return Object.entries(named).flatMap(([kind, values]) =>
    isPrincipalKind(kind) ? valuesOf(values).map((value) => ({ kind, value })) : [],
  )
}

/** True for an Allow that names everyone, or everyone but some: with NotPrincipal that is anybody at all. */
export function isPublicStatement(statement: PolicyStatement): boolean {
  if (!isAllow(statement)) return false
  return statement.NotPrincipal !== undefined || principalsOf(statement).some(({ value }) => value === '*')
}

/** The Allow statements by which a principal can do anything, named itself or through its account or everyone. */
export function statementsReaching(
  policy: PolicyDocument | undefined,
  principal: Principal,
): PolicyStatement[] {
  return (policy?.Statement ?? []).filter(
    (statement) =>
      isPublicStatement(statement) ||
      (isAllow(statement) && principalsOf(statement).some((named) => overlaps(named, principal))),
  )
}

/** True when our Deny for the principal, or for an account that holds it, is in the policy, whole and unchanged. */
export function isBlocked(policy: PolicyDocument | undefined, bucket: string, principal: Principal): boolean {
  return (policy?.Statement ?? []).some((statement) => {
    const holders = principalsOf(statement).filter((named) => principalCovers(named, principal))
    return [principal, ...holders].some((one) => sameStatement(blockStatement(bucket, one), statement))
  })
}

function isAllow({ Effect }: PolicyStatement): boolean {
  return Effect === 'Allow'
}

function withoutOursAbout(policy: PolicyDocument | undefined, principal: Principal): PolicyStatement[] {
  return (policy?.Statement ?? []).filter((statement) => !isOursAbout(statement, principal))
}

/** Also SD Connect's: a project has one role in a bucket, whichever of the two gave it. */
function isOursAbout(statement: PolicyStatement, principal: Principal): boolean {
  if (statement.Sid === OWNER_SID) return false
  const sid = parseSid(statement.Sid)
  if (sid === undefined && !isSdConnectGrant(statement)) return false
  if (sid?.who === principalHash(principal)) return true
  const named = principalsOf(statement)
  return named.length > 0 && named.every((one) => sameProject(one, principal))
}

/** A named principal is meant when it is the grantee, or a user within the grantee's account. */
function isMeant(named: Principal, grantee: Principal): boolean {
  return named.value !== '*' && (sameProject(named, grantee) || principalCovers(grantee, named))
}

function overlaps(a: Principal, b: Principal): boolean {
  return sameProject(a, b) || principalCovers(a, b) || principalCovers(b, a)
}

/** Takes principals out of the Allow statements that name them; a statement left without any goes. */
function withoutNamed(
  statements: readonly PolicyStatement[],
  isGone: (named: Principal, statement: PolicyStatement) => boolean,
): { kept: PolicyStatement[]; removed: PolicyStatement[] } {
  const everyone: Principal = { kind: 'AWS', value: '*' }
  const kept: PolicyStatement[] = []
  const removed: PolicyStatement[] = []
  for (const statement of statements) {
    const named = statement.NotPrincipal === undefined ? principalsOf(statement) : [everyone]
    const goes = (one: Principal): boolean => isGone(one, statement)
    if (!isAllow(statement) || !named.some(goes)) {
      kept.push(statement)
      continue
    }
    removed.push(statement)
    const staying = principalElementWithout(statement.Principal, goes)
    if (staying !== undefined) kept.push({ ...statement, Principal: staying })
  }
  return { kept, removed }
}

/** Kinds that we never name (`Service`, `Federated`, a provider's own) stay as they are. */
function principalElementWithout(
  element: PolicyStatement['Principal'],
  isGone: (named: Principal) => boolean,
): Record<string, OneOrMany<string>> | undefined {
  if (element === undefined || element === '*') return undefined
  const staying: Record<string, OneOrMany<string>> = {}
  for (const [kind, values] of Object.entries(element)) {
    const left = isPrincipalKind(kind)
      ? valuesOf(values).filter((value) => !isGone({ kind, value }))
      : valuesOf(values)
    const [only, ...more] = left
    if (only !== undefined) staying[kind] = more.length === 0 ? only : left
  }
  return Object.keys(staying).length === 0 ? undefined : staying
}

function isPrincipalKind(kind: string): kind is Principal['kind'] {
  return kind === 'AWS' || kind === 'CanonicalUser'
}

function withStatements(
  policy: PolicyDocument | undefined,
  { bucket, owner }: OwnedBucket,
  kept: readonly PolicyStatement[],
  added: readonly PolicyStatement[],
): PolicyDocument {
  if (added.some(isPublicStatement)) {
    throw new AppError('USAGE', 'access is never given to everyone', { hints: ['name one project'] })
  }
  const foreign = kept.filter(({ Sid }) => Sid !== OWNER_SID)
  return {
    // Older language versions know no conditions of ours; a policy of another dialect (Scaleway's) keeps its own.
    Version: policy?.Version ?? '2012-10-17',
    ...(policy?.Id === undefined ? {} : { Id: policy.Id }),
    Statement: [ownerStatement(bucket, owner), ...foreign, ...added],
  }
}

/** A Deny for the owner would lock it out of its own bucket, policy included, beyond repair by S3 (seen on RGW 16.2). */
function refuseOwner(owner: Principal, principal: Principal): void {
  if (!overlaps(principal, owner)) return
  throw new AppError('USAGE', `${principal.value} is the owner of the bucket, or an account that holds it`, {
    hints: ['name the other project: the owner needs no grant and cannot be shut out'],
  })
}
