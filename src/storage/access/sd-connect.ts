import { AppError } from '../../util/errors.ts'
import type { PolicyStatement } from './access-store.ts'
import { valuesOf } from './policy-comparison.ts'
import type { Principal } from './principal.ts'
import { bucketArn, keysLocked, type GrantTerms, type Role } from './roles.ts'

/**
 * The sharing statements of CSC's SD Connect, as its web interface and sd-lock-util write and look for them
 * (CSCfi/swift-browser-ui, `addAccessControlBucketPolicy`): one statement to a project, all with the same Sid, the
 * principal one string. It finds a project's statements by that string, whatever their Sid, and takes all of them out
 * when it stops sharing.
 */
const SHARED_SID = 'GrantSDConnectSharedAccessToProject'
const OWNER_SID = 'GrantSDConnectPreserveOwnerAccess'

const READ_ACTIONS = ['s3:GetObject', 's3:ListBucket', 's3:GetObjectTagging', 's3:GetObjectVersion']
const WRITE_ACTIONS = [
  's3:PutObject',
  's3:DeleteObject',
  's3:AbortMultipartUpload',
  's3:ListMultipartUploadParts',
  's3:ListBucketMultipartUploads',
]
const ROLE_ACTIONS = { reader: READ_ACTIONS, collaborator: [...READ_ACTIONS, ...WRITE_ACTIONS] } as const

/** True for a statement by which SD Connect shares a bucket. */
export function isSdConnectGrant({ Sid, Effect }: PolicyStatement): boolean {
  return Sid === SHARED_SID && Effect === 'Allow'
}

/** True for the statement by which SD Connect keeps the owner's own access. */
export function isSdConnectOwner({ Sid, Effect }: PolicyStatement): boolean {
  return Sid === OWNER_SID && Effect === 'Allow'
}

/** The role that a sharing statement gives: undefined when it is not, or no longer, one of SD Connect's two. */
export function sdConnectRole(statement: PolicyStatement, bucket: string): Role | undefined {
  const { Condition, NotAction, NotResource, NotPrincipal } = statement
  const more = [Condition, NotAction, NotResource, NotPrincipal]
  if (!isSdConnectGrant(statement) || more.some((element) => element !== undefined)) return undefined
  if (!sameSet(valuesOf(statement.Resource), resourcesOf(bucket))) return undefined
  const actions = valuesOf(statement.Action)
  if (sameSet(actions, ROLE_ACTIONS.reader)) return 'reader'
  return sameSet(actions, ROLE_ACTIONS.collaborator) ? 'collaborator' : undefined
}

/**
 * A grant in SD Connect's form, and the lock of the key card, which it leaves open. Throws USAGE for a role, limits or
 * a principal that this form has no words for.
 */
export function sdConnectStatements(
  bucket: string,
  principal: Principal,
  { role, until, prefix, fromIp }: GrantTerms,
): PolicyStatement[] {
  if (role === 'depositor' || until !== undefined || prefix !== undefined || fromIp !== undefined) {
    throw new AppError('USAGE', 'SD Connect knows readers and collaborators, without limits', {
      hints: ['leave out --until, --prefix and --from-ip, or --sd-connect; a depositor is not shown there'],
    })
  }
  if (!isKeystoneProject(principal)) {
    throw new AppError('USAGE', `SD Connect knows Keystone projects, and ${principal.value} is none`, {
      hints: ['write the project as keystone:<32 hex>, the Share ID that SD Connect shows'],
    })
  }
  const shared = statementOf(SHARED_SID, principal, bucket, ROLE_ACTIONS[role])
  return role === 'reader' ? [shared] : [shared, keysLocked(bucket, principal, role)]
}

/** The owner's statement of SD Connect. Throws UNSUPPORTED for an owner that is no Keystone project. */
export function sdConnectOwnerStatement(bucket: string, owner: Principal): PolicyStatement {
  const [, tenant, uid] = /^arn:aws:iam::(\w+):user\/(\w+)$/.exec(owner.value) ?? []
  const project: Principal = { kind: 'AWS', value: `arn:aws:iam::${tenant ?? ''}:root` }
  if (tenant !== uid || !isKeystoneProject(project)) {
    throw new AppError('UNSUPPORTED', `SD Connect does not know the bucket's owner ${owner.value}`, {
      hints: ['it shows the buckets of Keystone projects; leave out --sd-connect'],
    })
  }
  return statementOf(OWNER_SID, project, bucket, ['s3:*'])
}

function statementOf(
  sid: string,
  { kind, value }: Principal,
  bucket: string,
  actions: readonly string[],
): PolicyStatement {
  return {
    Sid: sid,
    Effect: 'Allow',
    Principal: { [kind]: value },
    Action: actions,
    Resource: resourcesOf(bucket),
  }
}

function resourcesOf(bucket: string): string[] {
  return [bucketArn(bucket), `${bucketArn(bucket)}/*`]
}

function isKeystoneProject({ kind, value }: Principal): boolean {
  return kind === 'AWS' && /^arn:aws:iam::[0-9a-f]{32}:root$/.test(value)
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value) => b.includes(value))
}
