import type { AclGrant } from '../../storage/access/access-store.ts'
import type { ObjectSource } from '../../storage/copy-store.ts'
import type { ObjectHead } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import { hasCode } from '../../util/errors.ts'
import { grantsOf } from './carry-along.ts'
import type { UnfinishedCopy } from './unfinished-copy.ts'

/**
 * Those of the grants that were written down or read earlier which an object still has: what somebody revoked since is not
 * given again. None where its ACL can't be read.
 */
export async function stillGranted(
  store: Store,
  object: ObjectSource,
  grants: readonly AclGrant[],
): Promise<AclGrant[]> {
  if (grants.length === 0) return []
  const present = new Set((await grantsIfThere(store, object)).map(spelled))
  return grants.filter((grant) => present.has(spelled(grant)))
}

/**
 * The grants that are left to be given to a copy that an earlier run placed. One that took its source's own place without
 * a version of it being kept has nothing to be asked: there, what was written down counts.
 */
export async function grantsLeft(
  store: Store,
  { bucket, objectKey, source, grants }: UnfinishedCopy,
  { versionId: placedId }: Pick<ObjectHead, 'versionId'>,
): Promise<readonly AclGrant[]> {
  const isItself = source.bucket === bucket && source.objectKey === objectKey
  if (!isItself) return stillGranted(store, { bucket: source.bucket, objectKey: source.objectKey }, grants)
  const { versionId } = source
  if (versionId === null || versionId === placedId) return grants
  return stillGranted(store, { bucket, objectKey, versionId }, grants)
}

async function grantsIfThere(store: Store, object: ObjectSource): Promise<AclGrant[]> {
  try {
    return await grantsOf(store, object, undefined)
  } catch (error) {
    if (hasCode(error, 'OBJECT_NOT_FOUND')) return []
    throw error
  }
}

function spelled({ grantee, permission }: AclGrant): string {
  return grantee.type === 'group'
    ? JSON.stringify(['group', grantee.uri, permission])
    : JSON.stringify(['canonical', grantee.id, permission])
}
