import { sameGrants, spelledGrant } from '../storage/access/acl-grants.ts'
import type { Acl, PolicyDocument } from '../storage/access/access-store.ts'
import type { OwnedBucket } from '../storage/access/bucket-policy.ts'
import type { Grantee } from '../storage/access/grantee.ts'
import { policyDifferences, samePolicy } from '../storage/access/policy-comparison.ts'
import {
  granteeOfCanonicalId,
  isAwsCanonicalId,
  ownerPrincipal,
  principalOf,
  type Principal,
} from '../storage/access/principal.ts'
import { ownerStatement } from '../storage/access/roles.ts'
import { statementForm } from '../storage/access/statement-form.ts'
import type { Provider } from '../storage/provider/provider.ts'
import type { Store } from '../storage/store.ts'
import { AppError, hasCode } from '../util/errors.ts'
import { refuseOwnerLockOut, storedOwner } from './owner-lock-out.ts'
import { mechanismOf, type Mechanism } from './sharing-mechanism.ts'

export type { Mechanism } from './sharing-mechanism.ts'

/** A project that a command names, and how the store knows it. */
export interface KnownProject {
  /** As the user said it. */
  name: string
  grantee: Grantee
}

/** Everything a bucket says about who may do what, its objects' ACLs aside. */
export interface Sharing {
  bucket: string
  /** What the server is, and does about sharing. */
  provider: Provider
  /** Canonical id of the owner. */
  ownerId: string
  acl: Acl
  policy: PolicyDocument | undefined
  /** Policies where the server has them: they also cover what is uploaded later. */
  mechanism: Mechanism
}

/**
 * Reads a bucket's ACL and policy. Throws UNSUPPORTED where grants have no effect: by the server's profile, or since it
 * shows an ACL without an owner, as MinIO does; and where a server that has policies gives something else for one.
 */
export async function readSharing(store: Store, bucket: string, signal?: AbortSignal): Promise<Sharing> {
  const provider = await store.provider({ signal })
  const mechanism = mechanismOf(provider)
  const acl = await store.bucketAcl(bucket, { signal })
  const read = { bucket, provider, ownerId: acl.ownerId, acl }
  if (acl.ownerId === '') {
    throw new AppError(
      'UNSUPPORTED',
      `the server of bucket ${bucket} cannot share a bucket between users: it accepts grants and ignores them`,
      {
        hints: ['ask whoever runs the server to attach a policy to the other user, or use another store'],
      },
    )
  }
  if (mechanism === 'acl') return { ...read, policy: undefined, mechanism }
  try {
    return { ...read, policy: await store.bucketPolicy(bucket, { signal }), mechanism }
  } catch (error) {
    if (!hasCode(error, 'UNSUPPORTED')) throw error
    const { capabilities } = provider
    // Whoever stands between may answer for the server: a policy that can't be read must not pass for none.
    if (capabilities.policy === 'enforced') {
      throw new AppError('UNSUPPORTED', `the policy of bucket ${bucket} cannot be read: ${error.message}`, {
        hints: [
          `${provider.title} has bucket policies: is something between you and the server?`,
          'for a server that has none say so with --provider generic',
        ],
        cause: error,
      })
    }
    const without = { ...provider, capabilities: { ...capabilities, policy: 'absent' as const } }
    return { ...read, provider: without, policy: undefined, mechanism: mechanismOf(without) }
  }
}

/**
 * The bucket as its policy names it, in the server's own words: where it keeps the owner's canonical id as an ARN, that
 * is what others are compared with, so that nobody takes the owner for somebody else.
 */
export function ownedBucket({ bucket, ownerId, provider, policy }: Sharing): OwnedBucket {
  const owner = ownerPrincipal(ownerId, provider.dialect)
  const stored = storedOwner(ownerStatement(bucket, owner), policy)
  return { bucket, owner: stored ?? owner, form: statementForm(provider) }
}

/**
 * The principal that a policy on this bucket can name for a grantee. Throws UNSUPPORTED for one that the server
 * would store and that would mean nobody.
 */
export function policyPrincipal(
  { name, grantee }: KnownProject,
  { ownerId, bucket, provider }: Sharing,
): Principal {
  const { dialect, title } = provider
  const principal =
    principalOf(grantee, dialect) ??
    (grantee.type === 'canonical'
      ? principalOf(granteeOfCanonicalId(grantee.id, dialect), dialect)
      : undefined)
  const isForeignKind = principal?.kind === 'CanonicalUser' && !isAwsCanonicalId(ownerId)
  if (principal === undefined || isForeignKind) {
    throw new AppError(
      'UNSUPPORTED',
      `no policy of bucket ${bucket} can name ${name}: ${title} has other kinds of identities`,
      { hints: [`the bucket's owner is ${ownerId} there: write the project ${IDENTITY_FORM[dialect]}`] },
    )
  }
  return principal
}

const IDENTITY_FORM: Readonly<Record<Provider['dialect'], string>> = {
  rgw: 'in the same way (rgw:UID, rgw:TENANT$UID, keystone:ID)',
  aws: 'as arn:aws:iam::ACCOUNT:root or as canonical:ID',
  'account-name': 'as access-key:ACCOUNT',
  scaleway: "in Scaleway's console: sealift does not write its policies",
}

/**
 * Replaces the policy and proves that the server keeps it. Read again just before the write, since no server
 * compares and swaps: throws POLICY_CHANGED when somebody was faster, before or after, UNSUPPORTED when
 * the write was accepted and had no effect, USAGE when it would deny the owner.
 */
export async function replacePolicy(
  store: Store,
  { bucket, policy: seen }: Sharing,
  wanted: PolicyDocument,
  signal?: AbortSignal,
): Promise<void> {
  if (!samePolicy(seen, await store.bucketPolicy(bucket, { signal }))) throw changedMeanwhile(bucket)
  if (!samePolicy(wanted, seen)) {
    await refuseOwnerLockOut(store, bucket, seen, wanted, signal)
    await store.putBucketPolicy(bucket, wanted, { signal })
  }
  const stored = await store.bucketPolicy(bucket, { signal })
  const differences = policyDifferences(wanted, stored)
  if (differences.length === 0) return
  if (samePolicy(seen, stored)) {
    throw new AppError(
      'UNSUPPORTED',
      `the server accepted a policy for bucket ${bucket} and does not keep it`,
      {
        hints: differences,
      },
    )
  }
  throw changedMeanwhile(bucket, differences)
}

/** Replaces the bucket's ACL and proves that the server keeps it; throws as {@link replacePolicy}. */
export async function replaceBucketAcl(
  store: Store,
  { bucket, acl: seen }: Sharing,
  wanted: Acl,
  signal?: AbortSignal,
): Promise<void> {
  if (!sameGrants(seen, await store.bucketAcl(bucket, { signal }))) throw changedMeanwhile(bucket)
  if (!sameGrants(wanted, seen)) await store.putBucketAcl(bucket, wanted, { signal })
  const stored = await store.bucketAcl(bucket, { signal })
  if (sameGrants(wanted, stored)) return
  if (sameGrants(seen, stored)) {
    throw new AppError('UNSUPPORTED', `the server accepted an ACL for bucket ${bucket} and does not keep it`)
  }
  throw changedMeanwhile(bucket, [`it now grants: ${stored.grants.map(spelledGrant).join(', ')}`])
}

function changedMeanwhile(bucket: string, differences: readonly string[] = []): AppError {
  return new AppError(
    'POLICY_CHANGED',
    `somebody else changed who may use bucket ${bucket} at the same moment`,
    {
      hints: [...differences, 'look at `sealift access show`, then run the command again'],
    },
  )
}
