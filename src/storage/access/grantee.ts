import { AppError } from '../../util/errors.ts'

/**
 * Who access is given to, as the store knows them. Never a bare string: the same word means a user on one server,
 * a tenant on another and nobody on a third.
 */
export type Grantee =
  /** A Ceph RGW user, in a tenant or in the default one: `rgw:uid`, `rgw:tenant$uid`. */
  | { type: 'rgw'; tenant: string | undefined; uid: string }
  /** A Keystone project, whose id is the RGW tenant: `keystone:<32 hex>`. */
  | { type: 'keystone'; projectId: string }
  /** An AWS account, user or role: `arn:aws:iam::123456789012:root`. */
  | { type: 'arn'; arn: string }
  /** The id that ACLs use: `canonical:<id>`. */
  | { type: 'canonical'; id: string }
  /** An account that is named by its access key id (versitygw): `access-key:<id>`. */
  | { type: 'access-key'; accessKeyId: string }

/**
 * Reads an identity in its typed form. Throws USAGE for a text that is none, and for forms that Ceph RGW accepts
 * in a policy but that grant nothing, or more than one project (docs/sharing.md, "Identities").
 */
export function parseGrantee(text: string): Grantee {
  const colon = text.indexOf(':')
  const scheme = colon < 0 ? '' : text.slice(0, colon)
  const rest = text.slice(colon + 1)
  switch (scheme) {
    case 'rgw':
      return parseRgw(rest, text)
    case 'keystone':
      if (!/^[0-9a-f]{32}$/i.test(rest)) throw invalid(text, 'a Keystone project id has 32 hex digits')
      return { type: 'keystone', projectId: rest.toLowerCase() }
    case 'arn':
      return { type: 'arn', arn: checkedArn(text) }
    case 'canonical':
      // `account:user` on Swift, `tenant$uid` on RGW, 64 hex digits on AWS.
      if (!/^[\w.@+=,:$-]{1,255}$/.test(rest)) throw invalid(text, 'write canonical:<id>, as an ACL shows it')
      return { type: 'canonical', id: rest }
    case 'access-key':
      if (!/^[\w.-]{1,128}$/.test(rest)) throw invalid(text, 'write access-key:<access key id>')
      return { type: 'access-key', accessKeyId: rest }
    default:
      throw invalid(text, IDENTITY_FORMS)
  }
}

/** The typed form that {@link parseGrantee} reads. */
export function serializeGrantee(grantee: Grantee): string {
  switch (grantee.type) {
    case 'rgw':
      return grantee.tenant === undefined ? `rgw:${grantee.uid}` : `rgw:${grantee.tenant}$${grantee.uid}`
    case 'keystone':
      return `keystone:${grantee.projectId}`
    case 'arn':
      return grantee.arn
    case 'canonical':
      return `canonical:${grantee.id}`
    case 'access-key':
      return `access-key:${grantee.accessKeyId}`
  }
}

/** True for a text that claims to be an identity (`rgw:…`), rather than a name from the address book. */
export function isTypedIdentity(text: string): boolean {
  return /^(rgw|keystone|arn|canonical|access-key):/.test(text)
}

const IDENTITY_FORMS =
  'identities are rgw:UID, rgw:TENANT$UID, keystone:<32 hex>, arn:…, canonical:<id> or access-key:<id>'

/** RGW allows more in a user id; no character may stand here that a policy would read as a pattern or a path. */
const RGW_UID = /^[\w.@+=,-]{1,128}$/
const RGW_TENANT = /^\w{1,128}$/

function parseRgw(rest: string, text: string): Grantee {
  const parts = rest.split('$')
  const uid = parts.at(-1) ?? ''
  const tenant = parts.length === 2 ? parts[0] : undefined
  const tenantFits = parts.length === 1 || (tenant !== undefined && RGW_TENANT.test(tenant))
  if (parts.length > 2 || !RGW_UID.test(uid) || !tenantFits) {
    throw invalid(text, 'write rgw:UID or rgw:TENANT$UID')
  }
  return { type: 'rgw', tenant, uid }
}

function checkedArn(text: string): string {
  const match = /^arn:aws(?:-[a-z-]+)?:(?:iam|sts)::(?<account>\w*):(?<resource>.+)$/.exec(text)
  const account = match?.groups?.['account'] ?? ''
  const resource = match?.groups?.['resource'] ?? ''
  if (match === null) throw invalid(text, 'write arn:aws:iam::ACCOUNT:root, :user/NAME or :role/NAME')
  // Seen on RGW 16: `user/*` is stored and grants nothing; elsewhere a pattern would mean many.
  if (/[*?]/.test(resource)) throw invalid(text, 'an identity is one project, not a pattern')
  if (resource.includes('$')) {
    // Seen on RGW 16: stored, grants nothing.
    throw invalid(text, 'for a user of a tenant write rgw:TENANT$UID')
  }
  if (account === '' && !/^user\/[\w.@+=,-]+$/.test(resource)) {
    throw invalid(text, 'without an account only arn:aws:iam:::user/UID names one project')
  }
  if (!/^(root|(user|role|assumed-role)\/[\w.@+=,/-]+)$/.test(resource)) {
    throw invalid(text, 'write arn:aws:iam::ACCOUNT:root, :user/NAME or :role/NAME')
  }
  return text
}

function invalid(text: string, hint: string): AppError {
  return new AppError('USAGE', `not an identity: ${JSON.stringify(text)}`, { hints: [hint] })
}
