import { principalsOf, withoutAnyGrant } from '../storage/access/bucket-policy.ts'
import { serializeGrantee } from '../storage/access/grantee.ts'
import {
  canonicalIdOf,
  granteeOfCanonicalId,
  granteeOfPrincipal,
  principalCovers,
  principalOf,
  sameProject,
  type Principal,
} from '../storage/access/principal.ts'
import { parseSid } from '../storage/access/sid.ts'
import type { Store } from '../storage/store.ts'
import { AppError } from '../util/errors.ts'
import type { Outcast } from './open-paths.ts'
import { StillAccessibleError } from './revoke-access.ts'
import { ownedBucket, readSharing, type Mechanism, type Sharing } from './sharing.ts'
import { shutOut, type ShutOutResult } from './shut-out.ts'
import { countObjects, type ObjectTotals } from './show-bucket.ts'

export interface CloseBucketRequest {
  bucket: string
  /** Delete the bucket as well, when it holds nothing at all. */
  deleteBucket?: boolean | undefined
}

/** What `bucket close` did: the --json contract. */
export interface CloseBucketResult extends ShutOutResult {
  bucket: string
  mechanism: Mechanism
  /** Typed identities of those that had access or own objects, and have no way in any more. */
  projects: string[]
  /** What is left in the bucket: nothing of it is ever deleted. */
  kept: ObjectTotals
  deleted: boolean
}

/**
 * Ends an import bucket: everybody but the owner is shut out, all unfinished uploads are aborted, the data stays.
 * With `deleteBucket` an empty bucket goes too; BUCKET_NOT_EMPTY, before anything is changed, when it holds an object,
 * an older version or an unfinished upload. Throws STILL_ACCESSIBLE when any way in remains.
 */
export async function closeBucket(
  store: Store,
  { bucket, deleteBucket = false }: CloseBucketRequest,
  signal?: AbortSignal,
): Promise<CloseBucketResult> {
  const sharing = await readSharing(store, bucket, signal)
  if (deleteBucket) await checkEmpty(store, bucket, signal)
  const outcasts = await everyoneInside(store, sharing, signal)
  const blocked = outcasts.map(({ principal }) => principal).filter((principal) => principal !== undefined)
  const done = await shutOut(
    store,
    bucket,
    {
      outcasts,
      everyone: true,
      withdraw: (read) => withoutAnyGrant(read.policy, ownedBucket(read), blocked),
    },
    signal,
  )
  const result = {
    bucket,
    mechanism: sharing.mechanism,
    projects: outcasts.map(({ name }) => name).sort(),
    kept: await countObjects(store, bucket, signal),
    deleted: false,
    ...done,
  }
  if (result.remaining.length > 0) {
    throw new StillAccessibleError(`bucket ${bucket} is not closed: somebody can still get in`, result)
  }
  if (!deleteBucket) return result
  // Looked at again: a server may delete a bucket with unfinished uploads inside (Ceph RGW 16.2 does).
  await checkEmpty(store, bucket, signal)
  await store.deleteBucket(bucket, { signal })
  return { ...result, deleted: true }
}

async function checkEmpty(store: Store, bucket: string, signal: AbortSignal | undefined): Promise<void> {
  const refuse = (what: string): AppError =>
    new AppError('BUCKET_NOT_EMPTY', `bucket ${bucket} is not deleted: it holds ${what}`, {
      hints: [
        'close it without --delete-bucket to keep the data',
        'published keys and older versions count as well',
      ],
    })
  if (await store.hasAnyVersion(bucket, { signal })) throw refuse('objects or older versions')
  for await (const upload of store.listMultipartUploads(bucket, { signal })) {
    throw refuse(`an unfinished upload of ${upload.objectKey}`)
  }
}

/** Everybody who is named in the policy or the ACL, or owns an object, the bucket's owner aside. */
async function everyoneInside(
  store: Store,
  sharing: Sharing,
  signal: AbortSignal | undefined,
): Promise<Outcast[]> {
  const { bucket, ownerId, acl, policy, mechanism } = sharing
  const ids = new Set(acl.grants.flatMap(({ grantee }) => (grantee.type === 'canonical' ? [grantee.id] : [])))
  for await (const { ownerId: id } of store.listObjects(bucket, { signal })) {
    if (id !== undefined && id !== '') ids.add(id)
  }
  ids.delete(ownerId)
  const byAcl = [...ids].map((id) => outcastOfId(id, mechanism))
  if (mechanism === 'acl') return byAcl
  const { owner } = ownedBucket(sharing)
  const byPolicy = (policy?.Statement ?? [])
    .filter(({ Effect, Sid }) => Effect === 'Allow' || parseSid(Sid) !== undefined)
    .flatMap(principalsOf)
    .filter((principal) => canBeBlocked(principal, owner))
    .map(outcastOfPrincipal)
  return withoutRepeats([...byPolicy, ...byAcl])
}

/** Never everyone, never a pattern, never an account that holds the owner: that Deny would lock the owner out. */
function canBeBlocked(principal: Principal, owner: Principal): boolean {
  return (
    !principal.value.includes('*') && !principalCovers(principal, owner) && !sameProject(principal, owner)
  )
}

function outcastOfPrincipal(principal: Principal): Outcast {
  const grantee = granteeOfPrincipal(principal)
  return {
    name: grantee === undefined ? principal.value : serializeGrantee(grantee),
    principal,
    canonicalId: grantee === undefined ? undefined : canonicalIdOf(grantee),
  }
}

function outcastOfId(canonicalId: string, mechanism: Mechanism): Outcast {
  const grantee = granteeOfCanonicalId(canonicalId)
  return {
    name: serializeGrantee(grantee),
    principal: mechanism === 'policy' ? principalOf(grantee) : undefined,
    canonicalId,
  }
}

function withoutRepeats(outcasts: readonly Outcast[]): Outcast[] {
  const seen: Outcast[] = []
  for (const outcast of outcasts) {
    const isSame = ({ principal }: Outcast): boolean =>
      principal !== undefined && outcast.principal !== undefined && sameProject(principal, outcast.principal)
    const at = seen.findIndex(isSame)
    const before = seen[at]
    if (before === undefined) seen.push(outcast)
    // The ACL's id is the server's own word.
    else seen[at] = { ...before, canonicalId: outcast.canonicalId ?? before.canonicalId }
  }
  return seen
}
