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
import type { Store } from '../storage/store.ts'
import { AppError, hasCode } from '../util/errors.ts'

/** A project that a command names, and how the store knows it. */
export interface KnownProject {
  /** As the user said it. */
  name: string
  grantee: Grantee
}

/** How a server lets one project at another's bucket. */
export type Mechanism = 'policy' | 'acl'

/** Everything a bucket says about who may do what, its objects' ACLs aside. */
export interface Sharing {
  bucket: string
  /** Canonical id of the owner. */
  ownerId: string
  acl: Acl
  policy: PolicyDocument | undefined
  /** Policies where the server has them: they also cover what is uploaded later. */
  mechanism: Mechanism
}

/**
 * Reads a bucket's ACL and policy. Throws UNSUPPORTED where grants are accepted and ignored: such a server
 * (MinIO) shows an ACL without an owner.
 */
export async function readSharing(store: Store, bucket: string, signal?: AbortSignal): Promise<Sharing> {
  const acl = await store.bucketAcl(bucket, { signal })
  if (acl.ownerId === '') {
    throw new AppError(
      'UNSUPPORTED',
      `the server of bucket ${bucket} cannot share a bucket between users: it accepts grants and ignores them`,
      {
        hints: ['ask whoever runs the server to attach a policy to the other user, or use another store'],
      },
    )
  }
  try {
    const policy = await store.bucketPolicy(bucket, { signal })
    return { bucket, ownerId: acl.ownerId, acl, policy, mechanism: 'policy' }
  } catch (error) {
    if (!hasCode(error, 'UNSUPPORTED')) throw error
    return { bucket, ownerId: acl.ownerId, acl, policy: undefined, mechanism: 'acl' }
  }
}

/** The bucket as its policy names it. */
export function ownedBucket({ bucket, ownerId }: Sharing): OwnedBucket {
  return { bucket, owner: ownerPrincipal(ownerId) }
}

/**
 * The principal that a policy on this bucket can name for a grantee. Throws UNSUPPORTED for one that the server
 * would store and that would mean nobody.
 */
export function policyPrincipal({ name, grantee }: KnownProject, { ownerId, bucket }: Sharing): Principal {
  const principal =
    principalOf(grantee) ??
    (grantee.type === 'canonical' ? principalOf(granteeOfCanonicalId(grantee.id)) : undefined)
  const isForeignKind = principal?.kind === 'CanonicalUser' && !isAwsCanonicalId(ownerId)
  if (principal === undefined || isForeignKind) {
    throw new AppError(
      'UNSUPPORTED',
      `no policy of bucket ${bucket} can name ${name}: its server has other kinds of identities`,
      {
        hints: [
          `the bucket's owner is ${ownerId} there: write the project in the same way (rgw:UID, rgw:TENANT$UID)`,
        ],
      },
    )
  }
  return principal
}

/**
 * Replaces the policy and proves that the server keeps it. Read again just before the write, since no server
 * compares and swaps: throws POLICY_CHANGED when somebody was faster, before or after, UNSUPPORTED when
 * the write was accepted and had no effect.
 */
export async function replacePolicy(
  store: Store,
  { bucket, policy: seen }: Sharing,
  wanted: PolicyDocument,
  signal?: AbortSignal,
): Promise<void> {
  if (!samePolicy(seen, await store.bucketPolicy(bucket, { signal }))) throw changedMeanwhile(bucket)
  if (!samePolicy(wanted, seen)) await store.putBucketPolicy(bucket, wanted, { signal })
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
