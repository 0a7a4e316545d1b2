import { spelledGrant, withoutAclGrants } from '../storage/access/acl-grants.ts'
import { isPublicStatement, principalsOf, type Withdrawal } from '../storage/access/bucket-policy.ts'
import { nameOf, valuesOf } from '../storage/access/policy-comparison.ts'
import { principalCovers, sameProject, type Principal } from '../storage/access/principal.ts'
import type { Store } from '../storage/store.ts'
import { sortUploads, type SortedUploads, type UploadOwners } from './grantee-uploads.ts'
import { removeObjectGrants } from './object-grants.ts'
import {
  goneIds,
  isShut,
  openPaths,
  REMAINING_LIMIT,
  type Outsiders,
  type RemainingPath,
} from './open-paths.ts'
import { ownedBucket, readSharing, replaceBucketAcl, replacePolicy, type Sharing } from './sharing.ts'

export interface ShutOut extends Outsiders {
  /** The policy that shuts them out, made from the one that was read. */
  withdraw: (sharing: Sharing) => Withdrawal
}

interface UploadRef {
  objectKey: string
  uploadId: string
}

/** What was taken away and what the check afterwards found. */
export interface ShutOutResult {
  removed: {
    /** Sids (or descriptions) of the policy statements that no longer name them. */
    statements: string[]
    /** Grants of the bucket's ACL. */
    bucketGrants: string[]
    /** Keys of the objects whose ACL was cleaned. */
    objects: string[]
  }
  aborted: UploadRef[]
  /** Uploads left alone, since the server does not tell whose they are and other projects may be uploading. */
  unclearUploads: UploadRef[]
  /** True when an explicit Deny now stands above what the outcasts own in the bucket. */
  blocked: boolean
  /** Empty when every way in is shut. At most {@link REMAINING_LIMIT} are listed. */
  remaining: RemainingPath[]
}

/**
 * Shuts projects out: policy statements, bucket ACL, object ACLs, unfinished uploads; then reads everything again
 * and lists what is still open. May be run again after a failure half-way.
 */
export async function shutOut(
  store: Store,
  bucket: string,
  request: ShutOut,
  signal?: AbortSignal,
): Promise<ShutOutResult> {
  const before = await readSharing(store, bucket, signal)
  const isGone = goneIds(request, before.ownerId)

  // The policy first: from here on the server refuses, whatever is cleaned up later.
  let statements: string[] = []
  if (before.mechanism === 'policy') {
    const { policy, removed } = request.withdraw(before)
    await replacePolicy(store, before, policy, signal)
    statements = removed.map(nameOf)
  }
  const acl = withoutAclGrants(before.acl, isGone, request.everyone)
  if (acl.removed.length > 0) await replaceBucketAcl(store, before, acl.acl, signal)

  const removal = { bucketOwnerId: before.ownerId, isGone, everyone: request.everyone }
  const objects = await removeObjectGrants(store, bucket, removal, signal)

  const after = await readSharing(store, bucket, signal)
  const uploadOwners = uploadOwnersOf(request, before.ownerId)
  const unclearToo = request.everyone || !othersMayWrite(after, request)
  const chosen = (uploads: SortedUploads) => [
    ...uploads.theirs,
    ...(unclearToo ? uploads.unclear : []),
    ...(request.everyone ? uploads.others : []),
  ]
  const aborted = chosen(await sortUploads(store, bucket, uploadOwners, signal))
  for (const upload of aborted) await store.abortMultipartUpload(upload, { signal })

  const uploadsLeft = await sortUploads(store, bucket, uploadOwners, signal)
  const remaining = [
    ...(await openPaths(store, after, request, signal)),
    ...chosen(uploadsLeft).map(({ objectKey, uploadId }): RemainingPath => ({
      kind: 'upload',
      detail: `upload ${uploadId} of ${objectKey} is still open`,
      objectKey,
    })),
  ]
  return {
    removed: { statements, bucketGrants: acl.removed.map(spelledGrant), objects },
    aborted: aborted.map(uploadRef),
    unclearUploads: unclearToo ? [] : uploadsLeft.unclear.map(uploadRef),
    blocked: request.outcasts.every((outcast) => isShut(after, outcast)),
    remaining: remaining.slice(0, REMAINING_LIMIT),
  }
}

function uploadOwnersOf({ outcasts }: ShutOut, bucketOwnerId: string): UploadOwners {
  const ids = outcasts.map(({ canonicalId }) => canonicalId).filter((id) => id !== undefined)
  return {
    bucketOwnerId,
    canonicalIds: new Set(ids),
    principals: outcasts.map(({ principal }) => principal).filter((principal) => principal !== undefined),
    someIdUnknown: ids.length < outcasts.length,
  }
}

/** True when some project besides the owner and the outcasts may upload: then an unclear upload may be its own. */
function othersMayWrite(sharing: Sharing, { outcasts }: ShutOut): boolean {
  const { policy, acl, ownerId } = sharing
  const isOutcast = (named: Principal): boolean =>
    outcasts.some(({ principal }) => principal !== undefined && principalCovers(principal, named))
  const owner = sharing.mechanism === 'policy' ? ownedBucket(sharing).owner : undefined
  const isOther = (named: Principal): boolean =>
    (owner === undefined || !sameProject(named, owner)) && !isOutcast(named)
  const byPolicy = (policy?.Statement ?? []).some(
    (statement) =>
      statement.Effect === 'Allow' &&
      (statement.NotAction !== undefined ||
        valuesOf(statement.Action).some((action) => /\*|:put/i.test(action))) &&
      (isPublicStatement(statement) || principalsOf(statement).some(isOther)),
  )
  const byAcl = acl.grants.some(
    ({ grantee, permission }) =>
      (permission === 'WRITE' || permission === 'FULL_CONTROL') &&
      (grantee.type === 'group' || grantee.id !== ownerId),
  )
  return byPolicy || byAcl
}

function uploadRef({ objectKey, uploadId }: UploadRef): UploadRef {
  return { objectKey, uploadId }
}
