import { aclRole, sameGrants, withAclGrants } from '../storage/access/acl-grants.ts'
import { policyEntries, type AccessEntry } from '../storage/access/access-entries.ts'
import { withGrant } from '../storage/access/bucket-policy.ts'
import { serializeGrantee } from '../storage/access/grantee.ts'
import { canonicalIdOf } from '../storage/access/principal.ts'
import { checkedTerms, type GrantTerms, type Role } from '../storage/access/roles.ts'
import type { Store } from '../storage/store.ts'
import { AppError } from '../util/errors.ts'
import { eachObjectAcl } from './object-grants.ts'
import {
  ownedBucket,
  policyPrincipal,
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
}

/** What `access grant` wrote and read back: the --json contract. */
export interface GrantResult {
  bucket: string
  project: string
  identity: string
  role: Role
  until?: string
  prefix?: string
  fromIp?: string
  mechanism: Mechanism
  /** The server keeps the grant as it was written. That it also enforces it, only a request by the grantee shows. */
  state: 'stored'
  /** With ACLs: how many objects were shared one by one; those that come later are not. */
  objects?: number
  /** Statements of others that let anyone in: the bucket is open, whatever is granted. */
  public: AccessEntry[]
}

/**
 * Gives a project a role in a bucket: plan, write, read back, compare. Replaces what the project had, a block included.
 * Throws UNSUPPORTED for what the server cannot express or keep, POLICY_CHANGED when somebody else writes at the same
 * moment, INVALID_DURATION for an end that has passed, USAGE for the owner itself or impossible terms.
 */
export async function grantAccess(
  store: Store,
  { bucket, project, terms }: GrantRequest,
  signal?: AbortSignal,
): Promise<GrantResult> {
  const checked = checkedTerms(terms)
  if (checked.until !== undefined && checked.until.getTime() <= Date.now()) {
    throw new AppError('INVALID_DURATION', `the access would have ended on ${checked.until.toISOString()}`)
  }
  const sharing = await readSharing(store, bucket, signal)
  let objects: number | undefined
  if (sharing.mechanism === 'acl') objects = await grantByAcl(store, sharing, project, checked, signal)
  else await grantByPolicy(store, sharing, project, checked, signal)
  const { role, until, prefix, fromIp } = checked
  return {
    bucket,
    project: project.name,
    identity: serializeGrantee(project.grantee),
    role,
    ...(until === undefined ? {} : { until: until.toISOString() }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(fromIp === undefined ? {} : { fromIp }),
    mechanism: sharing.mechanism,
    state: 'stored',
    ...(objects === undefined ? {} : { objects }),
    public: policyEntries(sharing.policy, bucket, new Date()).filter((entry) => entry.public),
  }
}

/** Throws what {@link grantAccess} would, without writing anything. */
export async function checkGrant(
  store: Store,
  { bucket, project, terms }: GrantRequest,
  signal?: AbortSignal,
): Promise<void> {
  const sharing = await readSharing(store, bucket, signal)
  if (sharing.mechanism === 'policy') {
    withGrant(sharing.policy, ownedBucket(sharing), policyPrincipal(project, sharing), terms)
  } else {
    aclRole(checkedTerms(terms))
    aclIdOf(project, sharing)
  }
}

async function grantByPolicy(
  store: Store,
  sharing: Sharing,
  project: KnownProject,
  terms: GrantTerms,
  signal: AbortSignal | undefined,
): Promise<void> {
  const principal = policyPrincipal(project, sharing)
  await replacePolicy(
    store,
    sharing,
    withGrant(sharing.policy, ownedBucket(sharing), principal, terms),
    signal,
  )
}

/** Gives how many objects carry the grant now. */
async function grantByAcl(
  store: Store,
  sharing: Sharing,
  project: KnownProject,
  terms: GrantTerms,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { bucket, acl } = sharing
  const role = aclRole(terms)
  const canonicalId = aclIdOf(project, sharing)
  await replaceBucketAcl(store, sharing, withAclGrants(acl, canonicalId, role.bucket), signal)
  let objects = 0
  await eachObjectAcl(
    store,
    bucket,
    async ({ objectKey, acl: objectAcl }) => {
      if (objectAcl === undefined || objectAcl.ownerId === canonicalId) return
      const wanted = withAclGrants(objectAcl, canonicalId, role.objects)
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

function aclIdOf({ name, grantee }: KnownProject, { bucket, ownerId }: Sharing): string {
  const canonicalId = canonicalIdOf(grantee)
  if (canonicalId === undefined) {
    throw new AppError('UNSUPPORTED', `the ACLs of bucket ${bucket} cannot name ${name}`, {
      hints: ['write the project as the ACLs do: canonical:<id>'],
    })
  }
  if (canonicalId === ownerId) throw new AppError('USAGE', `${name} owns bucket ${bucket} and needs no grant`)
  return canonicalId
}
