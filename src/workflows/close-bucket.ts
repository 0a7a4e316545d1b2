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
import type { IdentityDialect } from '../storage/provider/provider.ts'
import type { Store } from '../storage/store.ts'
import { AppError } from '../util/errors.ts'
import { countVersions, deleteVersions, type KeptVersions } from './delete-versions.ts'
import type { Outcast } from './open-paths.ts'
import { StillAccessibleError } from './revoke-access.ts'
import { ownedBucket, readSharing, type Mechanism, type Sharing } from './sharing.ts'
import { shutOut, type ShutOutResult } from './shut-out.ts'
import { countObjects, type ObjectTotals } from './show-bucket.ts'
import type { FailedTransfer } from './transfer-run.ts'

export interface CloseBucketRequest {
  bucket: string
  /** Delete the bucket as well, when it holds nothing at all. */
  deleteBucket?: boolean | undefined
  /** Everything that is kept in it, older versions and delete markers included: tell how much it is, or delete it first. */
  versions?: 'count' | 'delete' | undefined
}

/** What `bucket close` did: the --json contract. */
export interface CloseBucketResult extends ShutOutResult {
  bucket: string
  /** Canonical id of the bucket's owner. */
  ownerId: string
  mechanism: Mechanism
  /** Typed identities of those that had access or own objects, and have no way in any more. */
  projects: string[]
  /** What is left in the bucket: nothing of it is deleted unless `versions` says so. */
  kept: ObjectTotals
  /** What was asked for with `versions`: counted, or deleted for good. */
  versions?: KeptVersions & { deleted: boolean }
  /** Versions that the server refused to delete. */
  failed: FailedTransfer[]
  deleted: boolean
}

/**
 * Ends an import bucket: everybody but the owner is shut out, all unfinished uploads are aborted, the data stays.
 * With `deleteBucket` an empty bucket goes too; BUCKET_NOT_EMPTY, before anything is changed, when it holds an object,
 * an older version or an unfinished upload. Throws STILL_ACCESSIBLE when any way in remains; nothing is deleted then.
 */
export async function closeBucket(
  store: Store,
  { bucket, deleteBucket = false, versions }: CloseBucketRequest,
  signal?: AbortSignal,
): Promise<CloseBucketResult> {
  const sharing = await readSharing(store, bucket, signal)
  if (deleteBucket && versions === undefined) await checkEmpty(store, bucket, signal)
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
  const closed = {
    bucket,
    ownerId: sharing.ownerId,
    mechanism: sharing.mechanism,
    projects: outcasts.map(({ name }) => name).sort(),
    failed: [],
    deleted: false,
    ...done,
  }
  if (done.remaining.length > 0) {
    const kept = await countObjects(store, bucket, signal)
    const result: CloseBucketResult = { ...closed, kept }
    throw new StillAccessibleError(`bucket ${bucket} is not closed: somebody can still get in`, result)
  }
  const emptied = versions === undefined ? {} : await emptyBucket(store, bucket, versions, signal)
  const result = { ...closed, ...emptied, kept: await countObjects(store, bucket, signal) }
  if (!deleteBucket || versions === 'count' || result.failed.length > 0) return result
  // Looked at again: a server may delete a bucket with unfinished uploads inside (Ceph RGW 16.2 does).
  await checkEmpty(store, bucket, signal)
  await store.deleteBucket(bucket, { signal })
  return { ...result, deleted: true }
}

async function emptyBucket(
  store: Store,
  bucket: string,
  versions: 'count' | 'delete',
  signal: AbortSignal | undefined,
): Promise<Pick<CloseBucketResult, 'versions' | 'failed'>> {
  if (versions === 'count') {
    return { versions: { ...(await countVersions(store, bucket, signal)), deleted: false }, failed: [] }
  }
  const { deleted, failed } = await deleteVersions(store, bucket, signal)
  return { versions: { ...deleted, deleted: true }, failed }
}

async function checkEmpty(store: Store, bucket: string, signal: AbortSignal | undefined): Promise<void> {
  const refuse = (what: string): AppError =>
    new AppError('BUCKET_NOT_EMPTY', `bucket ${bucket} is not deleted: it holds ${what}`, {
      hints: [
        'close it without --delete-bucket to keep the data',
        'published keys and older versions count as well; --delete-versions shows and deletes them',
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
  const { dialect } = sharing.provider
  const byAcl = [...ids].map((id) => outcastOfId(id, mechanism, dialect))
  if (mechanism === 'acl') return byAcl
  const { owner } = ownedBucket(sharing)
  const byPolicy = (policy?.Statement ?? [])
    .filter(({ Effect, Sid }) => Effect === 'Allow' || parseSid(Sid) !== undefined)
    .flatMap(principalsOf)
    .filter((principal) => canBeBlocked(principal, owner))
    .map((principal) => outcastOfPrincipal(principal, dialect))
  return withoutRepeats([...byPolicy, ...byAcl])
}

/** Never everyone, never a pattern, never an account that holds the owner: that Deny would lock the owner out. */
function canBeBlocked(principal: Principal, owner: Principal): boolean {
  return (
    !principal.value.includes('*') && !principalCovers(principal, owner) && !sameProject(principal, owner)
  )
}

function outcastOfPrincipal(principal: Principal, dialect: IdentityDialect): Outcast {
  const grantee = granteeOfPrincipal(principal, dialect)
  return {
    name: grantee === undefined ? principal.value : serializeGrantee(grantee),
    principal,
    canonicalId: grantee === undefined ? undefined : canonicalIdOf(grantee, dialect),
  }
}

function outcastOfId(canonicalId: string, mechanism: Mechanism, dialect: IdentityDialect): Outcast {
  const grantee = granteeOfCanonicalId(canonicalId, dialect)
  return {
    name: serializeGrantee(grantee),
    principal: mechanism === 'policy' ? principalOf(grantee, dialect) : undefined,
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
