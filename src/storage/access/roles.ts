import { isIP, isIPv4 } from 'node:net'
import { AppError } from '../../util/errors.ts'
import type { PolicyStatement } from './access-store.ts'
import { KEY_CARD_PREFIX } from './key-card.ts'
import type { Principal } from './principal.ts'
import { OWNER_SID, sidFor } from './sid.ts'
import { FULL_FORM, type StatementForm } from './statement-form.ts'

/** What a grantee is for; docs/sharing.md lists what each may do. */
export const ROLES = ['depositor', 'reader', 'collaborator'] as const
export type Role = (typeof ROLES)[number]

/** What a grant says besides to whom. */
export interface GrantTerms {
  role: Role
  /** The server refuses from this moment on (`aws:CurrentTime`). */
  until?: Date | undefined
  /** Only objects whose keys begin so; see {@link checkedTerms}. */
  prefix?: string | undefined
  /** Only requests from this address or CIDR block (`aws:SourceIp`). */
  fromIp?: string | undefined
}

/**
 * Terms as they can stand in a policy: `prefix` ends with a slash (so that `run_1` does not also open `run_12`),
 * `until` is in whole seconds. Throws USAGE for a prefix that a policy would read as a pattern, or that reaches
 * into the key card, and for what is no IP address or CIDR block.
 */
export function checkedTerms(terms: GrantTerms): GrantTerms {
  const { role, until, fromIp } = terms
  const prefix = terms.prefix === undefined || terms.prefix === '' ? undefined : checkedPrefix(terms.prefix)
  if (fromIp !== undefined) checkAddressBlock(fromIp)
  return {
    role,
    ...(until === undefined ? {} : { until: new Date(Math.floor(until.getTime() / 1000) * 1000) }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(fromIp === undefined ? {} : { fromIp }),
  }
}

/**
 * The statements that give a role to a principal. Every Allow carries the terms' conditions; what a server cannot say
 * (`form`) is left out, never given without its limit. Actions as measured on Ceph RGW 16.2 and listed in the S3 user guide, "Actions, resources, and condition keys".
 */
export function roleStatements(
  bucket: string,
  principal: Principal,
  terms: GrantTerms,
  form: StatementForm = FULL_FORM,
): PolicyStatement[] {
  const { role, prefix, ...limits } = checkedTerms(terms)
  const arn = bucketArn(bucket)
  const allow = (
    what: string,
    actions: readonly string[],
    resources: string[],
    extra = {},
  ): PolicyStatement => {
    const condition = { ...extra, ...limitConditions(limits) }
    return {
      Sid: sidFor(`${titled(role)}${what}`, principal),
      Effect: 'Allow',
      Principal: { [principal.kind]: principal.value },
      Action: actions,
      Resource: resources,
      ...(Object.keys(condition).length === 0 ? {} : { Condition: condition }),
    }
  }
  const objects = `${arn}/${prefix ?? ''}*`
  const keyCard = `${arn}/${KEY_CARD_PREFIX}*`
  const listed = role === 'depositor' ? [] : [`${prefix ?? ''}*`]
  const listing = { StringLike: { 's3:prefix': [...listed, `${KEY_CARD_PREFIX}*`] } }
  const listsAll = role !== 'depositor' && prefix === undefined

  const listings = listsAll
    ? [allow('Listing', role === 'reader' ? READ_LISTINGS : [...READ_LISTINGS, UPLOAD_LISTING], [arn])]
    : form.limitsListings
      ? [allow('Listing', role === 'depositor' ? ['s3:ListBucket'] : READ_LISTINGS, [arn], listing)]
      : []

  return [
    // DeleteObjects is checked against the bucket as well as against each object (seen on RGW 16.2).
    allow('Data', DATA_ACTIONS[role], role === 'collaborator' ? [arn, objects] : [objects]),
    ...listings,
    allow('Keys', ['s3:GetObject', 's3:GetObjectAcl'], [keyCard]),
    // Who owns the bucket decides whose keys in the key card count.
    allow('Bucket', ['s3:GetBucketAcl', 's3:GetBucketLocation'], [arn]),
    ...(role === 'reader' ? [] : [keysLocked(bucket, principal, role, form)]),
    ...(form.endsOwnership && limits.until !== undefined
      ? [ended(bucket, principal, role, limits.until)]
      : []),
  ]
}

/**
 * Names the bucket's owner: on Ceph RGW an upload belongs to its uploader, and only this lets the owner read it;
 * on servers where the policy replaces ownership it keeps the owner from locking itself out.
 */
export function ownerStatement(bucket: string, owner: Principal): PolicyStatement {
  const arn = bucketArn(bucket)
  return {
    Sid: OWNER_SID,
    Effect: 'Allow',
    Principal: { [owner.kind]: owner.value },
    Action: ['s3:*'],
    Resource: [arn, `${arn}/*`],
  }
}

/**
 * What a revoked principal is left with. On Ceph RGW an uploader owns what it uploaded, older versions too, and keeps
 * reading it after its grant is gone: only an explicit Deny stands above ownership.
 */
export function blockStatement(bucket: string, principal: Principal): PolicyStatement {
  const arn = bucketArn(bucket)
  return {
    Sid: sidFor('Blocked', principal),
    Effect: 'Deny',
    Principal: { [principal.kind]: principal.value },
    Action: ['s3:*'],
    Resource: [arn, `${arn}/*`],
  }
}

/** A policy names its bucket bare: RGW refuses `tenant:name` there. */
export function bucketArn(bucket: string): string {
  return `arn:aws:s3:::${bucket.slice(bucket.indexOf(':') + 1)}`
}

const READ_ACTIONS = ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectTagging']
/** CreateMultipartUpload, UploadPart and Complete ask for s3:PutObject; giving up and resuming for the others. */
const WRITE_ACTIONS = ['s3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts']
const DATA_ACTIONS: Readonly<Record<Role, readonly string[]>> = {
  depositor: WRITE_ACTIONS,
  reader: READ_ACTIONS,
  // Not DeleteObjectVersion: what is deleted or overwritten stays as a version.
  collaborator: [...READ_ACTIONS, ...WRITE_ACTIONS, 's3:DeleteObject'],
}
const READ_LISTINGS = ['s3:ListBucket', 's3:ListBucketVersions']
/** Never matches together with an s3:prefix condition on RGW 16.2, so it is given only without one. */
const UPLOAD_LISTING = 's3:ListBucketMultipartUploads'

/** Whoever could write a key there would become a recipient of everything that follows. */
export function keysLocked(
  bucket: string,
  principal: Principal,
  role: Exclude<Role, 'reader'>,
  form: StatementForm = FULL_FORM,
): PolicyStatement {
  return {
    Sid: sidFor(role === 'depositor' ? 'DepositorKeysLocked' : 'CollaboratorKeysLocked', principal),
    Effect: 'Deny',
    Principal: { [principal.kind]: principal.value },
    Action: [
      's3:PutObject',
      's3:PutObjectAcl',
      ...(form.namesVersionAcl ? ['s3:PutObjectVersionAcl'] : []),
      's3:PutObjectTagging',
      's3:DeleteObject',
      's3:DeleteObjectVersion',
    ],
    Resource: [`${bucketArn(bucket)}/${KEY_CARD_PREFIX}*`],
  }
}

/**
 * The end of an access, for what the grantee owns as well: on Ceph RGW an uploader goes on reading its uploads through
 * ownership when its Allow has ended (seen on 16.2), and only a Deny stands above that.
 */
function ended(bucket: string, principal: Principal, role: Role, until: Date): PolicyStatement {
  const arn = bucketArn(bucket)
  return {
    Sid: sidFor(`${titled(role)}Ended`, principal),
    Effect: 'Deny',
    Principal: { [principal.kind]: principal.value },
    Action: ['s3:*'],
    Resource: [arn, `${arn}/*`],
    Condition: { DateGreaterThanEquals: { 'aws:CurrentTime': withoutFraction(until) } },
  }
}

function titled(role: Role): string {
  return `${role.charAt(0).toUpperCase()}${role.slice(1)}`
}

function limitConditions({
  until,
  fromIp,
}: Omit<GrantTerms, 'role' | 'prefix'>): PolicyStatement['Condition'] {
  return {
    ...(until === undefined ? {} : { DateLessThan: { 'aws:CurrentTime': withoutFraction(until) } }),
    ...(fromIp === undefined ? {} : { IpAddress: { 'aws:SourceIp': fromIp } }),
  }
}

function withoutFraction(moment: Date): string {
  return moment.toISOString().replace(/\.\d{3}Z$/, 'Z')
}

function checkedPrefix(prefix: string): string {
  const folder = prefix.endsWith('/') ? prefix : `${prefix}/`
  // `*` and `?` are patterns, `${…}` is a policy variable.
  if (/[*?$\p{Cc}]/u.test(prefix) || prefix.startsWith('/') || Buffer.byteLength(prefix) > 512) {
    throw new AppError('USAGE', `not a prefix that a policy can name: ${JSON.stringify(prefix)}`, {
      hints: ['a prefix is the beginning of object keys, such as run_12/, without *, ? and $'],
    })
  }
  if (folder.startsWith(KEY_CARD_PREFIX)) {
    throw new AppError(
      'USAGE',
      `the prefix ${KEY_CARD_PREFIX} holds the bucket's keys and is never shared for writing`,
      {
        hints: ['every role may read the keys there'],
      },
    )
  }
  return folder
}

function checkAddressBlock(block: string): void {
  const [address = '', bits, ...more] = block.split('/')
  const widest = isIPv4(address) ? 32 : 128
  const bitsFit = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= widest && Number(bits) > 0)
  if (isIP(address) === 0 || more.length > 0 || !bitsFit || address.includes('%')) {
    throw new AppError('USAGE', `not an IP address or CIDR block: ${JSON.stringify(block)}`, {
      hints: ['write 192.0.2.7 or 192.0.2.0/24'],
    })
  }
}
