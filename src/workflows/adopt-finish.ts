import { sameGrants, takenOver } from '../storage/access/acl-grants.ts'
import type { ObjectSource, ObjectTags } from '../storage/copy-store.ts'
import type { ObjectName } from '../storage/object-store.ts'
import type { Store } from '../storage/store.ts'
import { AppError, hasCode } from '../util/errors.ts'

/** The version that was copied: part of the --json contract. */
export interface OlderVersion {
  versionId: string
  /** True when its ACL names the bucket's owner alone. Its owner can change that again: only a Deny ends it. */
  closed: boolean
}

/**
 * What is done once the copy has taken the object's place: sees that it is the owner's, gives it the tags back, and closes
 * the version it was made from. May be done again. Takes no signal: nothing else would tell the next run of it.
 *
 * @param options - `older`: id of the version that was copied, where it is kept
 * @throws AppError STORE_FAILURE when the copy does not belong to the owner
 */
export async function finishCopy(
  store: Store,
  copy: ObjectSource,
  options: { ownerId: string; tags: ObjectTags; older: string | undefined },
): Promise<OlderVersion | undefined> {
  const { ownerId, tags, older } = options
  await checkOwner(store, copy, ownerId)
  await restoreTags(store, copy, tags)
  return older === undefined ? undefined : await closeVersion(store, copy, older, ownerId)
}

async function checkOwner(
  store: Store,
  { bucket, objectKey, versionId }: ObjectSource,
  ownerId: string,
): Promise<void> {
  const acl = await store.objectAcl(bucket, objectKey, { versionId })
  if (acl.ownerId === ownerId) return
  throw new AppError('STORE_FAILURE', `s3://${bucket}/${objectKey} still belongs to ${acl.ownerId}`, {
    hints: [
      'the server does not give a copy to who made it, or somebody stored the object again: look at it',
    ],
  })
}

/**
 * Copies that replace the headers lose the tags on Ceph RGW 16.2, and so do all that are made in parts. Tags that it has
 * were kept by the server, or are newer.
 */
async function restoreTags(
  store: Store,
  { bucket, objectKey, versionId }: ObjectSource,
  tags: ObjectTags,
): Promise<void> {
  if (Object.keys(tags).length === 0) return
  const present = await store.objectTags(bucket, objectKey, { versionId })
  if (Object.keys(present).length === 0) await store.putObjectTags(bucket, objectKey, tags, { versionId })
}

/** Leaves nobody but the bucket's owner in the ACL of the version that was copied, where that can be done. */
async function closeVersion(
  store: Store,
  { bucket, objectKey }: ObjectName,
  versionId: string,
  ownerId: string,
): Promise<OlderVersion> {
  try {
    const acl = await store.objectAcl(bucket, objectKey, { versionId })
    const wanted = takenOver(acl, ownerId)
    if (!sameGrants(acl, wanted)) await store.putObjectAcl(bucket, objectKey, wanted, { versionId })
    const stored = await store.objectAcl(bucket, objectKey, { versionId })
    return { versionId, closed: sameGrants(wanted, stored) }
  } catch (error) {
    if (hasCode(error, 'ACCESS_DENIED', 'UNSUPPORTED', 'OBJECT_NOT_FOUND'))
      return { versionId, closed: false }
    throw error
  }
}
