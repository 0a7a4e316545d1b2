import type { Acl, AclGrant, AclPermission } from '../access/access-store.ts'

/**
 * Reads an AccessControlPolicy as all known servers write it; undefined for any other text, which a real XML parser then
 * has to understand. A hundred thousand of them are read in one audit, and are nearly all alike.
 */
export function parseAclText(text: string): Acl | undefined {
  const [, ownerId, list] = POLICY.exec(text.replace(BETWEEN, '><').trim()) ?? []
  if (ownerId === undefined || list === undefined) return undefined
  const grants: AclGrant[] = []
  let end = 0
  for (const match of list.matchAll(GRANT)) {
    // Anything between two grants is something else.
    if (match.index !== end) return undefined
    end += match[0].length
    const [, id, uri, permission] = match
    if (!isPermission(permission)) return undefined
    if (uri !== undefined) grants.push({ grantee: { type: 'group', uri }, permission })
    else if (id !== undefined) grants.push({ grantee: { type: 'canonical', id }, permission })
  }
  return end === list.length ? { ownerId, grants } : undefined
}

/** Blanks and line ends between elements. */
const BETWEEN = />\s+</g

const DISPLAY_NAME = String.raw`(?:<DisplayName>[^<>]*</DisplayName>|<DisplayName ?/>)?`

/** Entities (`&amp;`) are left to the parser. */
const ID = String.raw`<ID>([^<>&]+)</ID>${DISPLAY_NAME}`

const POLICY = new RegExp(
  String.raw`^(?:<\?xml[^<>]*\?>)?<AccessControlPolicy(?: [^<>]*)?><Owner>${ID}</Owner>` +
    String.raw`<AccessControlList>(.*)</AccessControlList></AccessControlPolicy>$`,
)

const GRANT = new RegExp(
  String.raw`<Grant><Grantee(?: [^<>]*)?>(?:${ID}|<URI>([^<>&]+)</URI>)</Grantee>` +
    String.raw`<Permission>([A-Z_]+)</Permission></Grant>`,
  'g',
)

const PERMISSIONS = new Set<string>(['READ', 'WRITE', 'READ_ACP', 'WRITE_ACP', 'FULL_CONTROL'])

function isPermission(permission: string | undefined): permission is AclPermission {
  return permission !== undefined && PERMISSIONS.has(permission)
}
