import type { IncomingHttpHeaders } from 'node:http'
import type { Projects } from '../projects.ts'
import { accessDenied, S3Error } from '../s3-error.ts'
import type { AclRecord } from '../state/records.ts'
import { childElements, childText, type ParsedElement, parseXml } from '../xml.ts'
import { allUsers, authenticatedUsers, fullControl, type Grant, privateAcl } from './acl.ts'

/** Most grants an ACL may have (S3 API). */
const maxGrants = 100

const grantHeaders = {
  'x-amz-grant-read': 'READ',
  'x-amz-grant-write': 'WRITE',
  'x-amz-grant-read-acp': 'READ_ACP',
  'x-amz-grant-write-acp': 'WRITE_ACP',
  'x-amz-grant-full-control': 'FULL_CONTROL',
} as const

/** Whose thing the ACL is for. */
export interface AclSubject {
  ownerId: string
  /** For the canned ACLs that name the bucket's owner. */
  bucketOwnerId: string
}

/**
 * The ACL a request asks for with x-amz-acl or x-amz-grant-* headers; undefined when it has neither.
 * Throws InvalidRequest for both at once, InvalidArgument for an unknown ACL, group or id.
 */
export function requestedAcl(
  headers: IncomingHttpHeaders,
  subject: AclSubject,
  projects: Projects,
): AclRecord | undefined {
  const canned = headers['x-amz-acl']
  const grants = Object.entries(grantHeaders).flatMap(([name, permission]) => {
    const value = headers[name]
    return typeof value === 'string' ? parseGrantHeader(value, permission, projects) : []
  })
  if (typeof canned === 'string') {
    if (grants.length > 0) throw new S3Error('InvalidRequest', 'a canned ACL and grants exclude each other')
    return cannedAcl(canned, subject)
  }
  return grants.length === 0 ? undefined : { ownerId: subject.ownerId, grants }
}

/**
 * Reads an AccessControlPolicy body. Throws MalformedACLError, InvalidArgument for an unknown id or a missing owner,
 * AccessDenied when the owner named is not the owner.
 */
export function parseAclXml(text: string, ownerId: string, projects: Projects): AclRecord {
  const root = parseXml(text, 'AccessControlPolicy', 'MalformedACLError')
  const owner = childText(childElements(root, 'Owner')[0] ?? {}, 'ID')
  if (owner === undefined) throw new S3Error('InvalidArgument', 'the ACL names no owner')
  if (owner !== ownerId) throw accessDenied('the ACL names another owner')
  const listed = childElements(childElements(root, 'AccessControlList')[0] ?? {}, 'Grant')
  if (listed.length > maxGrants)
    throw new S3Error('MalformedACLError', `an ACL has at most ${maxGrants} grants`)
  return { ownerId, grants: listed.map((grant) => parseGrant(grant, projects)) }
}

function parseGrant(grant: ParsedElement, projects: Projects): Grant {
  const permission = childText(grant, 'Permission')
  const known = Object.values(grantHeaders).find((candidate) => candidate === permission)
  const grantee = childElements(grant, 'Grantee')[0]
  if (known === undefined || grantee === undefined) {
    throw new S3Error('MalformedACLError', 'a grant needs a grantee and a permission')
  }
  switch (grantee['@type']) {
    case 'CanonicalUser':
      return { grantee: canonicalGrantee(childText(grantee, 'ID') ?? '', projects), permission: known }
    case 'Group':
      return { grantee: groupGrantee(childText(grantee, 'URI') ?? ''), permission: known }
    default:
      throw new S3Error('NotImplemented', 'the sandbox knows grantees by canonical id or group only')
  }
}

function parseGrantHeader(value: string, permission: Grant['permission'], projects: Projects): Grant[] {
  return value.split(',').map((entry) => {
    const fields = /^\s*(id|uri)\s*=\s*"?([^"]*?)"?\s*$/.exec(entry)
    if (fields === null) throw new S3Error('InvalidArgument', 'a grantee is given as id="…" or uri="…"')
    const [, kind, name = ''] = fields
    return { grantee: kind === 'id' ? canonicalGrantee(name, projects) : groupGrantee(name), permission }
  })
}

function canonicalGrantee(id: string, projects: Projects): Grant['grantee'] {
  if (projects.accounts.unknownGrantees === 'refused' && projects.byId(id) === undefined)
    throw new S3Error('InvalidArgument', 'Invalid id')
  return { type: 'canonical', id }
}

function groupGrantee(uri: string): Grant['grantee'] {
  if (uri !== allUsers && uri !== authenticatedUsers)
    throw new S3Error('InvalidArgument', 'Invalid group uri')
  return { type: 'group', uri }
}

function cannedAcl(name: string, { ownerId, bucketOwnerId }: AclSubject): AclRecord {
  const { grants } = privateAcl(ownerId)
  const group = (uri: string, permission: Grant['permission']): Grant => ({
    grantee: { type: 'group', uri },
    permission,
  })
  switch (name) {
    case 'private':
      break
    case 'public-read':
      grants.push(group(allUsers, 'READ'))
      break
    case 'public-read-write':
      grants.push(group(allUsers, 'READ'), group(allUsers, 'WRITE'))
      break
    case 'authenticated-read':
      grants.push(group(authenticatedUsers, 'READ'))
      break
    case 'bucket-owner-read':
      if (bucketOwnerId !== ownerId) {
        grants.push({ grantee: { type: 'canonical', id: bucketOwnerId }, permission: 'READ' })
      }
      break
    case 'bucket-owner-full-control':
      if (bucketOwnerId !== ownerId) grants.push(fullControl(bucketOwnerId))
      break
    default:
      throw new S3Error('InvalidArgument', 'unknown canned ACL')
  }
  return { ownerId, grants }
}
