import { policyEntries, type AccessEntry } from '../storage/access/access-entries.ts'
import type { AclGrant, PolicyStatement } from '../storage/access/access-store.ts'
import { sameGrants, withAclGrants } from '../storage/access/acl-grants.ts'
import { serializeGrantee } from '../storage/access/grantee.ts'
import { checkedTerms, type GrantTerms, type Role } from '../storage/access/roles.ts'
import type { Store } from '../storage/store.ts'
import { AppError } from '../util/errors.ts'
import { addressFor } from './bucket-owner.ts'
import { planGrant, type GrantPlan } from './grant-plan.ts'
import { eachObjectAcl } from './object-grants.ts'
import {
  readSharing,
  replaceBucketAcl,
  replacePolicy,
  type KnownProject,
  type Mechanism,
  type Sharing,
} from './sharing.ts'

export interface GrantRequest {
  bucket: string
  project: KnownProject
  terms: GrantTerms
  /** Write the grant in the form of CSC's SD Connect. */
  sdConnect?: boolean | undefined
  /** Find out what would change, and write nothing. */
  dryRun?: boolean | undefined
}

/** What `access grant` wrote and read back: the --json contract. */
export interface GrantResult {
  bucket: string
  project: string
  identity: string
  /** How the project addresses the bucket: where the server has tenants, not by its bare name. */
  address: string
  role: Role
  until?: string
  prefix?: string
  fromIp?: string
  mechanism: Mechanism
  /**
   * `stored`: the server keeps the grant as it was written. That it also enforces it, only a request by the grantee shows.
   * `planned`: nothing was written.
   */
  state: 'stored' | 'planned'
  /** Written in SD Connect's form. */
  by?: 'sd-connect'
  /** False when the server can't let it list the key card alone: the project needs the key file from you. */
  listsKeys: boolean
  /** With ACLs: how many objects were shared one by one; those that come later are not. */
  objects?: number
  /** Statements of others that let anyone in: the bucket is open, whatever is granted. */
  public: AccessEntry[]
  /** Of a dry run: the statements of the policy, or the grants of the bucket's ACL, as they are and as they would be. */
  before?: readonly (PolicyStatement | AclGrant)[]
  after?: readonly (PolicyStatement | AclGrant)[]
}

/**
 * Gives a project a role in a bucket: plan, write, read back, compare. Replaces what the project had, a block included.
 * Throws UNSUPPORTED for what the server cannot express, enforce or keep, POLICY_CHANGED when somebody else writes at
 * the same moment, INVALID_DURATION for an end that has passed, USAGE for the owner itself or impossible terms.
 */
export async function grantAccess(
  store: Store,
  request: GrantRequest,
  signal?: AbortSignal,
): Promise<GrantResult> {
  const terms = checkedTerms(request.terms)
  if (terms.until !== undefined && terms.until.getTime() <= Date.now()) {
    throw new AppError('INVALID_DURATION', `the access would have ended on ${terms.until.toISOString()}`)
  }
  const sharing = await readSharing(store, request.bucket, signal)
  const plan = planGrant(sharing, request)
  const result = grantResult(sharing, plan, { ...request, terms })
  if (request.dryRun === true) return { ...result, state: 'planned', ...difference(sharing, plan) }
  if (plan.mechanism === 'policy') {
    await replacePolicy(store, sharing, plan.policy, signal)
    return result
  }
  return { ...result, objects: await writeAcls(store, sharing, plan, signal) }
}

/** Throws what {@link grantAccess} would, without writing anything. */
export async function checkGrant(store: Store, request: GrantRequest, signal?: AbortSignal): Promise<void> {
  planGrant(await readSharing(store, request.bucket, signal), request)
}

function grantResult(
  sharing: Sharing,
  plan: GrantPlan,
  { bucket, project, terms, sdConnect }: GrantRequest,
): GrantResult {
  const { role, until, prefix, fromIp } = terms
  const { dialect, capabilities } = sharing.provider
  const entries = policyEntries(sharing.policy, bucket, new Date(), dialect)
  return {
    bucket,
    project: project.name,
    identity: serializeGrantee(project.grantee),
    address: addressFor(project.grantee, sharing),
    role,
    ...(until === undefined ? {} : { until: until.toISOString() }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(fromIp === undefined ? {} : { fromIp }),
    mechanism: plan.mechanism,
    state: 'stored',
    ...(sdConnect === true ? { by: 'sd-connect' as const } : {}),
    listsKeys: role !== 'depositor' || capabilities.prefixCondition === 'enforced',
    public: entries.filter((entry) => entry.public),
  }
}

function difference(sharing: Sharing, plan: GrantPlan): Pick<GrantResult, 'before' | 'after'> {
  return plan.mechanism === 'policy'
    ? { before: sharing.policy?.Statement ?? [], after: plan.policy.Statement }
    : { before: sharing.acl.grants, after: plan.acl.grants }
}

/** Gives how many objects carry the grant now. */
async function writeAcls(
  store: Store,
  sharing: Sharing,
  { acl, canonicalId, objectPermissions }: GrantPlan & { mechanism: 'acl' },
  signal: AbortSignal | undefined,
): Promise<number> {
  const { bucket } = sharing
  await replaceBucketAcl(store, sharing, acl, signal)
  let objects = 0
  await eachObjectAcl(
    store,
    bucket,
    async ({ objectKey, acl: objectAcl }) => {
      if (objectAcl === undefined || objectAcl.ownerId === canonicalId) return
      const wanted = withAclGrants(objectAcl, canonicalId, objectPermissions)
      if (!sameGrants(wanted, objectAcl)) await store.putObjectAcl(bucket, objectKey, wanted, { signal })
      if (!sameGrants(wanted, await store.objectAcl(bucket, objectKey, { signal }))) {
        throw new AppError('UNSUPPORTED', `the server accepted an ACL for ${objectKey} and does not keep it`)
      }
      objects += 1
    },
    signal,
  )
  return objects
}
