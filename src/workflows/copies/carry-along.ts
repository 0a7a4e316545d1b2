import type { AclGrant } from '../../storage/access/access-store.ts'
import { grantsToOthers, sameGrants } from '../../storage/access/acl-grants.ts'
import type { ObjectSource } from '../../storage/copy-store.ts'
import type { ObjectHead, ObjectName, ObjectTags } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import { AppError, hasCode } from '../../util/errors.ts'

/** What belongs to an object and is no part of its bytes or headers. */
export interface Belongings {
  tags: ObjectTags
  /** Everybody whom the object's own ACL lets in, its owner among them. */
  grants: readonly AclGrant[]
}

/** The tags of an object that was looked at; none where the server tells of none. */
export async function tagsOf(
  store: Store,
  { bucket, objectKey }: ObjectName,
  { tagCount = 0 }: ObjectHead,
  signal: AbortSignal | undefined,
): Promise<ObjectTags> {
  return tagCount > 0 ? await store.objectTags(bucket, objectKey, { signal }) : {}
}

/** Whom an object's ACL lets in; nobody where the server has no such ACLs, or lets us see none. */
export async function grantsOf(
  store: Store,
  object: ObjectSource,
  signal: AbortSignal | undefined,
): Promise<AclGrant[]> {
  return (await seenGrantsOf(store, object, signal)) ?? []
}

/** Whom an object's ACL lets in; nobody where the server has no such ACLs, undefined where it lets us see none. */
export async function seenGrantsOf(
  store: Store,
  { bucket, objectKey, versionId }: ObjectSource,
  signal: AbortSignal | undefined,
): Promise<AclGrant[] | undefined> {
  const { capabilities } = await store.provider({ signal })
  if (capabilities.objectAcl === 'absent' || capabilities.objectAcl === 'ignored') return []
  try {
    const acl = await store.objectAcl(bucket, objectKey, { versionId, signal })
    // A server that only pretends names nobody.
    return acl.grants.filter(({ grantee }) => grantee.type === 'group' || grantee.id !== '')
  } catch (error) {
    if (hasCode(error, 'ACCESS_DENIED')) return undefined
    if (hasCode(error, 'UNSUPPORTED')) return []
    throw error
  }
}

/** Who the objects belong to that a store stores in a bucket, as far as it was seen: that is the same in every case. */
const ownersSeen = new WeakMap<Store, Map<string, string>>()

/** False when a new object in this bucket has these grants by itself, as far as is known. */
export function needsGrants(store: Store, { bucket }: ObjectName, grants: readonly AclGrant[]): boolean {
  if (grants.length === 0) return false
  const ownerId = ownersSeen.get(store)?.get(bucket)
  return ownerId === undefined || grantsToOthers({ ownerId, grants }, ownerId).length > 0
}

/**
 * Gives a copy the tags and grants of what it was made from, where the server did not; grants that it has stay. May be
 * done again. Takes no signal: nothing else would tell the next run of it.
 *
 * @param after - the copy as it was seen last
 * @throws AppError STORE_FAILURE when the server does not keep the grants; StorageError
 */
export async function bringAlong(
  store: Store,
  copy: ObjectSource,
  after: Pick<ObjectHead, 'tagCount'>,
  { tags, grants }: Belongings,
): Promise<void> {
  const { bucket, objectKey, versionId } = copy
  const count = Object.keys(tags).length
  if (count > 0 && after.tagCount !== count) {
    // Copies in parts have none on Ceph RGW 16.2. Tags that it has were kept by the server, or are newer.
    const present = await store.objectTags(bucket, objectKey, { versionId })
    if (Object.keys(present).length === 0) await store.putObjectTags(bucket, objectKey, tags, { versionId })
  }
  if (needsGrants(store, copy, grants)) await addGrants(store, copy, grants)
}

async function addGrants(
  store: Store,
  { bucket, objectKey, versionId }: ObjectSource,
  grants: readonly AclGrant[],
): Promise<void> {
  const acl = await store.objectAcl(bucket, objectKey, { versionId })
  remember(store, bucket, acl.ownerId)
  const wanted = { ownerId: acl.ownerId, grants: [...acl.grants, ...missing(acl.grants, grants)] }
  if (sameGrants(acl, wanted)) return
  await store.putObjectAcl(bucket, objectKey, wanted, { versionId })
  const stored = await store.objectAcl(bucket, objectKey, { versionId })
  if (sameGrants(stored, wanted)) return
  throw new AppError('STORE_FAILURE', `s3://${bucket}/${objectKey}: the server did not keep its grants`, {
    hints: ['the object itself is whole; look at its ACL, and grant again who needs it'],
  })
}

/** Grants that are not there, by themselves or within a FULL_CONTROL. */
function missing(present: readonly AclGrant[], wanted: readonly AclGrant[]): AclGrant[] {
  const spelled = ({ grantee }: AclGrant, permission: string): string => JSON.stringify([grantee, permission])
  const has = new Set(present.map((grant) => spelled(grant, grant.permission)))
  return wanted.filter(
    (grant) => !has.has(spelled(grant, grant.permission)) && !has.has(spelled(grant, 'FULL_CONTROL')),
  )
}

function remember(store: Store, bucket: string, ownerId: string): void {
  const owners = ownersSeen.get(store) ?? new Map<string, string>()
  ownersSeen.set(store, owners.set(bucket, ownerId))
}
