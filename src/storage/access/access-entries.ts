import type { IdentityDialect } from '../provider/provider.ts'
import { serializeGrantee } from './grantee.ts'
import type { Acl, PolicyDocument, PolicyStatement } from './access-store.ts'
import { isPublicStatement, principalsOf } from './bucket-policy.ts'
import { sameStatement, valuesOf } from './policy-comparison.ts'
import { granteeOfCanonicalId, granteeOfPrincipal, sameProject, type Principal } from './principal.ts'
import { bucketArn, roleStatements, ROLES, type GrantTerms, type Role } from './roles.ts'
import { isSdConnectGrant, isSdConnectOwner, sdConnectRole } from './sd-connect.ts'
import { OWNER_SID, parseSid } from './sid.ts'
import { ALL_FORMS } from './statement-form.ts'

/** One answer to "who can do what with this bucket": part of the --json contract. */
export interface AccessEntry {
  /** A typed identity (`rgw:project_2000111`) where there is one, else as the server writes it; `anyone` for everyone. */
  who: string
  /** A role of ours, whole and unchanged, or `other`: then `actions` says what. */
  access: Role | 'owner' | 'blocked' | 'denied' | 'other'
  mechanism: 'policy' | 'acl'
  /** Written by CSC's SD Connect, or in its form. */
  by?: 'sd-connect'
  /** True when it reaches people nobody named: everyone, or everyone with an account. */
  public: boolean
  /** Actions of the policy, or permissions of the ACL. */
  actions: readonly string[]
  /** ISO 8601; the server refuses from then on. */
  until?: string
  /** True when `until` has passed. */
  expired?: boolean
  prefix?: string
  fromIp?: string
  /** The statements behind it. */
  sids?: readonly string[]
}

/** What a policy allows and forbids, the parts of one grant as one entry. */
export function policyEntries(
  policy: PolicyDocument | undefined,
  bucket: string,
  now: Date,
  dialect: IdentityDialect,
): AccessEntry[] {
  const seen: Seen = { bucket, now, dialect }
  const grants = new Map<string, PolicyStatement[]>()
  const entries: AccessEntry[] = []
  for (const statement of policy?.Statement ?? []) {
    const sid = parseSid(statement.Sid)
    if (sid === undefined || sid.what === 'Blocked') entries.push(...singleEntries(statement, seen))
    else grants.set(sid.who, [...(grants.get(sid.who) ?? []), statement])
  }
  for (const statements of grants.values()) {
    entries.push(...(grantEntry(statements, seen) ?? statements.flatMap((one) => singleEntries(one, seen))))
  }
  return entries
}

/** What an ACL allows to others than its owner; `owner` names the owner's own grant. */
export function aclEntries(acl: Acl, dialect: IdentityDialect): AccessEntry[] {
  const byWho = new Map<string, AccessEntry>()
  for (const { grantee, permission } of acl.grants) {
    const isOwner = grantee.type === 'canonical' && grantee.id === acl.ownerId
    const who =
      grantee.type === 'group'
        ? groupName(grantee.uri)
        : serializeGrantee(granteeOfCanonicalId(grantee.id, dialect))
    const actions = [...(byWho.get(who)?.actions ?? []), permission]
    byWho.set(who, {
      who,
      access: isOwner ? 'owner' : 'other',
      mechanism: 'acl',
      public: grantee.type === 'group',
      actions,
    })
  }
  return [...byWho.values()]
}

/** Where and when a policy was read. */
interface Seen {
  bucket: string
  now: Date
  dialect: IdentityDialect
}

/** The entry of a grant whose statements are exactly those of a role; undefined when somebody changed them. */
function grantEntry(
  statements: readonly PolicyStatement[],
  { bucket, now, dialect }: Seen,
): AccessEntry[] | undefined {
  const principal = onlyPrincipal(statements)
  const role = ROLES.find((one) => parseSid(statements[0]?.Sid)?.what.toLowerCase().startsWith(one))
  const terms = role === undefined ? undefined : termsOf(role, statements, bucket)
  if (principal === undefined || terms === undefined) return undefined
  if (!isWholeGrant(statements, bucket, principal, terms)) return undefined
  return [
    {
      who: nameOfPrincipal(principal, dialect),
      access: terms.role,
      mechanism: 'policy',
      public: false,
      actions: [
        ...new Set(
          statements.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action }) => valuesOf(Action)),
        ),
      ],
      ...limitsShown(statements, now),
      ...(terms.prefix === undefined ? {} : { prefix: terms.prefix }),
      sids: statements.map(({ Sid }) => Sid ?? ''),
    },
  ]
}

/** A principal that AWS rewrote hashes differently; which part of the role a statement is, its Sid says all the same. */
function withSidOf(expected: PolicyStatement, actual: PolicyStatement): PolicyStatement {
  const samePart = parseSid(expected.Sid)?.what === parseSid(actual.Sid)?.what
  return samePart && expected.Sid !== undefined ? { ...actual, Sid: expected.Sid } : actual
}

/** True for all statements of a role and no others, in one of the forms in which servers are given it. */
function isWholeGrant(
  statements: readonly PolicyStatement[],
  bucket: string,
  principal: Principal,
  terms: GrantTerms,
): boolean {
  try {
    return ALL_FORMS.map((form) => roleStatements(bucket, principal, terms, form)).some(
      (expected) =>
        expected.length === statements.length &&
        expected.every((one) => statements.some((actual) => sameStatement(one, withSidOf(one, actual)))),
    )
  } catch {
    // Conditions that we would not have written: not our grant any more.
    return false
  }
}

function termsOf(role: Role, statements: readonly PolicyStatement[], bucket: string): GrantTerms | undefined {
  const base = statements.find(({ Sid }) => parseSid(Sid)?.what.endsWith('Data') === true)
  const objects = valuesOf(base?.Resource).find((resource) => resource.startsWith(`${bucketArn(bucket)}/`))
  if (base === undefined || objects?.endsWith('*') !== true) return undefined
  const prefix = objects.slice(bucketArn(bucket).length + 1, -1)
  const { until, fromIp } = limitsOf(base)
  return {
    role,
    ...(prefix === '' ? {} : { prefix }),
    ...(until === undefined ? {} : { until }),
    ...(fromIp === undefined ? {} : { fromIp }),
  }
}

function limitsOf({ Condition }: PolicyStatement): { until?: Date; fromIp?: string } {
  const until = new Date(valuesOf(Condition?.['DateLessThan']?.['aws:CurrentTime'])[0] ?? Number.NaN)
  const fromIp = valuesOf(Condition?.['IpAddress']?.['aws:SourceIp'])[0]
  return {
    ...(Number.isNaN(until.getTime()) ? {} : { until }),
    ...(fromIp === undefined ? {} : { fromIp }),
  }
}

function limitsShown(
  statements: readonly PolicyStatement[],
  now: Date,
): Pick<AccessEntry, 'until' | 'expired' | 'fromIp'> {
  const base = statements.find(({ Effect }) => Effect === 'Allow')
  const { until, fromIp } = base === undefined ? {} : limitsOf(base)
  return {
    ...(until === undefined ? {} : { until: until.toISOString(), expired: until <= now }),
    ...(fromIp === undefined ? {} : { fromIp }),
  }
}

/** A statement that is no part of a grant of ours: one entry for each principal it names. */
function singleEntries(statement: PolicyStatement, { bucket, now, dialect }: Seen): AccessEntry[] {
  const isPublic = isPublicStatement(statement)
  const isSdConnect = isSdConnectGrant(statement) || isSdConnectOwner(statement)
  const entry = (who: string): AccessEntry => ({
    who,
    access: kindOf(statement, bucket),
    mechanism: 'policy',
    ...(isSdConnect ? { by: 'sd-connect' } : {}),
    public: isPublic,
    actions:
      statement.NotAction === undefined
        ? valuesOf(statement.Action)
        : [`all but ${valuesOf(statement.NotAction).join(', ')}`],
    ...limitsShown([statement], now),
    ...(statement.Sid === undefined ? {} : { sids: [statement.Sid] }),
  })
  if (statement.NotPrincipal !== undefined) return [entry('anyone not excepted')]
  if (statement.Principal === undefined) return [entry('anyone')]
  if (statement.Principal === '*') return [entry('anyone')]
  return Object.entries(statement.Principal).flatMap(([kind, values]) =>
    valuesOf(values).map((value) => entry(nameOfValue(kind, value, dialect))),
  )
}

function kindOf(statement: PolicyStatement, bucket: string): AccessEntry['access'] {
  const { Sid, Effect } = statement
  if (Effect === 'Deny') return parseSid(Sid)?.what === 'Blocked' ? 'blocked' : 'denied'
  if (Sid === OWNER_SID || isSdConnectOwner(statement)) return 'owner'
  return sdConnectRole(statement, bucket) ?? 'other'
}

function onlyPrincipal(statements: readonly PolicyStatement[]): Principal | undefined {
  const named = statements.flatMap(principalsOf)
  const [first] = named
  return first !== undefined && named.every((one) => sameProject(one, first)) ? first : undefined
}

function nameOfValue(kind: string, value: string, dialect: IdentityDialect): string {
  if (value === '*') return 'anyone'
  return kind === 'AWS' || kind === 'CanonicalUser'
    ? nameOfPrincipal({ kind, value }, dialect)
    : `${kind}:${value}`
}

function nameOfPrincipal(principal: Principal, dialect: IdentityDialect): string {
  const grantee = granteeOfPrincipal(principal, dialect)
  return grantee === undefined ? principal.value : serializeGrantee(grantee)
}

/** The predefined groups of S3 ("ACL overview"). */
function groupName(uri: string): string {
  if (uri.endsWith('/global/AllUsers')) return 'anyone'
  if (uri.endsWith('/global/AuthenticatedUsers')) return 'anyone with an account'
  return uri
}
