import { AppError } from '../../util/errors.ts'
import type { IdentityDialect } from '../provider/provider.ts'
import type { Grantee } from './grantee.ts'

/** One principal of a bucket policy: the kind that the policy names, and its value. */
export interface Principal {
  kind: 'AWS' | 'CanonicalUser'
  value: string
}

/**
 * The principal that a policy names for a grantee; undefined when no policy of such a server can name it, because it
 * would mean nobody there, or somebody else. Forms measured on Ceph RGW 16.2, where a user is
 * `arn:aws:iam::TENANT:user/UID` and a Keystone project the whole tenant, and on versitygw 1.7, which refuses all but
 * bare names of accounts.
 */
export function principalOf(grantee: Grantee, dialect: IdentityDialect): Principal | undefined {
  switch (dialect) {
    case 'rgw':
      return rgwPrincipal(grantee)
    case 'aws':
      return awsPrincipal(grantee)
    case 'account-name': {
      const name = accountName(grantee)
      return name === undefined ? undefined : { kind: 'AWS', value: name }
    }
    case 'scaleway':
      return undefined
  }
}

/** The id by which ACLs and listings name a grantee; undefined when it can't be told from the identity. */
export function canonicalIdOf(grantee: Grantee, dialect: IdentityDialect): string | undefined {
  if (grantee.type === 'canonical') return grantee.id
  if (dialect === 'account-name') return accountName(grantee)
  if (dialect !== 'rgw') return undefined
  switch (grantee.type) {
    case 'rgw':
      return grantee.tenant === undefined ? grantee.uid : `${grantee.tenant}$${grantee.uid}`
    case 'keystone':
      // RGW makes the user of a Keystone project in a tenant of the same name.
      return `${grantee.projectId}$${grantee.projectId}`
    case 'arn':
      return rgwIdOfArn(grantee.arn)
    case 'access-key':
      return grantee.accessKeyId
  }
}

/** The principal of a bucket's owner, from the owner's canonical id (GetBucketAcl). Throws UNSUPPORTED for none. */
export function ownerPrincipal(ownerId: string, dialect: IdentityDialect): Principal {
  const principal = ownerForms(ownerId, dialect)
  if (principal !== undefined) return principal
  throw new AppError(
    'UNSUPPORTED',
    `no policy that sealift writes can name the bucket's owner ${JSON.stringify(ownerId)}`,
    dialect === 'scaleway'
      ? { hints: ["share the bucket in Scaleway's console: a policy that misses its writer locks it out"] }
      : {},
  )
}

/** The typed identity behind a principal of a policy, for people to read; undefined when there is none. */
export function granteeOfPrincipal(
  { kind, value }: Principal,
  dialect: IdentityDialect,
): Grantee | undefined {
  if (kind === 'CanonicalUser') return { type: 'canonical', id: value }
  if (dialect === 'account-name') return accountOfName(value)
  const keystone = /^(?:arn:aws:iam::)?([0-9a-f]{32})(?::root)?$/.exec(value)?.[1]
  if (keystone !== undefined) return { type: 'keystone', projectId: keystone }
  const user = RGW_USER_ARN.exec(value)
  if (dialect === 'rgw' && user !== null && !isAwsAccount(user[1] ?? '')) {
    return { type: 'rgw', tenant: user[1] === '' ? undefined : user[1], uid: user[2] ?? '' }
  }
  return value.startsWith('arn:') ? { type: 'arn', arn: value } : undefined
}

/** The typed identity behind an ACL's canonical id, judged by the kind of ids the server gives its owners. */
export function granteeOfCanonicalId(id: string, dialect: IdentityDialect): Grantee {
  if (dialect === 'account-name') return accountOfName(id) ?? { type: 'canonical', id }
  const [first = '', second, ...more] = id.split('$')
  const isRgwId =
    dialect === 'rgw' &&
    more.length === 0 &&
    /^[\w.@+=,-]+$/.test(second ?? first) &&
    /^\w*$/.test(second === undefined ? '' : first)
  if (isAwsCanonicalId(id) || !isRgwId) return { type: 'canonical', id }
  return { type: 'rgw', tenant: second === undefined ? undefined : first, uid: second ?? first }
}

/** 64 hex digits, as AWS and its closest relatives name accounts in ACLs. */
export function isAwsCanonicalId(id: string): boolean {
  return /^[0-9a-f]{64}$/.test(id)
}

/**
 * True when everybody whom `narrow` names is also named by `wide`: the same principal in another spelling,
 * the account or tenant of a user, or everyone.
 */
export function principalCovers(wide: Principal, narrow: Principal): boolean {
  if (wide.value === '*') return true
  if (wide.kind !== narrow.kind) return false
  const wideValue = spelledOut(wide.value)
  const narrowValue = spelledOut(narrow.value)
  if (wideValue === narrowValue) return true
  const account = /^arn:aws[\w-]*:iam::(\w+):(?:root|user\/\*)$/.exec(wideValue)?.[1]
  return account !== undefined && accountOf(narrowValue) === account
}

/**
 * True when two principals mean the same project. Besides equal ones, that is an RGW user whose tenant carries its own
 * name (`hex$hex`), as Keystone projects have, and that tenant.
 */
export function sameProject(a: Principal, b: Principal): boolean {
  if (a.kind !== b.kind) return false
  return projectOf(a.value) === projectOf(b.value)
}

const RGW_USER_ARN = /^arn:aws:iam::(\w*):user\/([\w.@+=,-]+)$/

/** A bare access key id would be the name of a tenant here, and a grant for all who are in it. */
function rgwPrincipal(grantee: Grantee): Principal | undefined {
  switch (grantee.type) {
    case 'rgw':
      return rgwUser(grantee.tenant ?? '', grantee.uid)
    case 'keystone':
      return { kind: 'AWS', value: `arn:aws:iam::${grantee.projectId}:root` }
    case 'canonical':
      // RGW stores other ids without complaint, and they grant nothing.
      return isAwsCanonicalId(grantee.id) ? { kind: 'CanonicalUser', value: grantee.id } : undefined
    case 'arn':
      return { kind: 'AWS', value: grantee.arn }
    case 'access-key':
      return undefined
  }
}

function awsPrincipal(grantee: Grantee): Principal | undefined {
  if (grantee.type === 'arn') {
    return isAwsAccount(accountOf(grantee.arn) ?? '') ? { kind: 'AWS', value: grantee.arn } : undefined
  }
  if (grantee.type !== 'canonical' || !isAwsCanonicalId(grantee.id)) return undefined
  return { kind: 'CanonicalUser', value: grantee.id }
}

/** What versitygw calls an account: its access key id, in policies and in ACLs. */
const ACCOUNT_NAME = /^[\w.-]{1,128}$/

function accountName(grantee: Grantee): string | undefined {
  const name =
    grantee.type === 'access-key'
      ? grantee.accessKeyId
      : grantee.type === 'canonical'
        ? grantee.id
        : undefined
  return name !== undefined && ACCOUNT_NAME.test(name) ? name : undefined
}

function accountOfName(name: string): Grantee | undefined {
  return ACCOUNT_NAME.test(name) ? { type: 'access-key', accessKeyId: name } : undefined
}

function ownerForms(ownerId: string, dialect: IdentityDialect): Principal | undefined {
  if (dialect === 'scaleway') return undefined
  if (dialect === 'account-name') {
    return ACCOUNT_NAME.test(ownerId) ? { kind: 'AWS', value: ownerId } : undefined
  }
  if (isAwsCanonicalId(ownerId)) return { kind: 'CanonicalUser', value: ownerId }
  const [first = '', second, ...more] = ownerId.split('$')
  const uid = second ?? first
  if (dialect === 'aws' || uid === '' || more.length > 0 || !/^[\w.@+=,$-]+$/.test(ownerId)) return undefined
  return rgwUser(second === undefined ? '' : first, uid)
}

function rgwUser(tenant: string, uid: string): Principal {
  return { kind: 'AWS', value: `arn:aws:iam::${tenant}:user/${uid}` }
}

function rgwIdOfArn(arn: string): string | undefined {
  const user = RGW_USER_ARN.exec(arn)
  if (user === null || isAwsAccount(user[1] ?? '')) return undefined
  return user[1] === '' ? user[2] : `${user[1] ?? ''}$${user[2] ?? ''}`
}

/** An account or tenant may be written bare: `123456789012` for `arn:aws:iam::123456789012:root`. */
function spelledOut(value: string): string {
  return /^\w+$/.test(value) ? `arn:aws:iam::${value}:root` : value
}

function projectOf(value: string): string {
  const full = spelledOut(value)
  const user = RGW_USER_ARN.exec(full)
  return user !== null && user[1] !== '' && user[1] === user[2] ? `arn:aws:iam::${user[1] ?? ''}:root` : full
}

function accountOf(arn: string): string | undefined {
  return /^arn:aws[\w-]*:(?:iam|sts)::(\w+):/.exec(arn)?.[1]
}

function isAwsAccount(account: string): boolean {
  return /^\d{12}$/.test(account)
}
