import { grantsToOthers, sameGrants, takenOver, withoutAclGrants } from '../storage/access/acl-grants.ts'
import type { Acl } from '../storage/access/access-store.ts'
import type { ObjectEntry } from '../storage/object-store.ts'
import type { Store } from '../storage/store.ts'
import { hasCode } from '../util/errors.ts'
import { forEachPulled } from '../util/pull-pool.ts'

/** Requests for ACLs at a time: one small request per object, and there may be hundreds of thousands. */
const ACL_CONCURRENCY = 16

/** An object whose ACL was looked at; `acl` is undefined where the server refuses to show it. */
export interface SeenObject {
  objectKey: string
  acl: Acl | undefined
}

/**
 * Looks at the ACL of every object (the newest version; the older ones are not listed by this contract).
 * Objects that disappear meanwhile are left out.
 */
export async function eachObjectAcl(
  store: Store,
  bucket: string,
  visit: (seen: SeenObject) => Promise<void> | void,
  signal?: AbortSignal,
): Promise<void> {
  const look = async ({ objectKey }: ObjectEntry): Promise<void> => {
    try {
      await visit({ objectKey, acl: await store.objectAcl(bucket, objectKey, { signal }) })
    } catch (error) {
      if (hasCode(error, 'OBJECT_NOT_FOUND')) return
      if (!hasCode(error, 'ACCESS_DENIED')) throw error
      await visit({ objectKey, acl: undefined })
    }
  }
  await forEachPulled(store.listObjects(bucket, { signal }), ACL_CONCURRENCY, look, signal)
}

/** Whose grants are taken away: those of some ids, or everybody's but the owner's, groups included. */
export interface GrantRemoval {
  bucketOwnerId: string
  isGone: (canonicalId: string) => boolean
  everyone: boolean
}

/**
 * Takes grants out of the objects' ACLs and gives the keys of the objects that changed. An object that its uploader
 * owns keeps nobody in its ACL but the bucket's owner, so that a public grant its uploader made ends as well.
 * What the server refuses to change is left for the check afterwards to report.
 */
export async function removeObjectGrants(
  store: Store,
  bucket: string,
  { bucketOwnerId, isGone, everyone }: GrantRemoval,
  signal?: AbortSignal,
): Promise<string[]> {
  const changed: string[] = []
  const clean = async ({ objectKey, acl }: SeenObject): Promise<void> => {
    if (acl === undefined) return
    const isUploaders = acl.ownerId !== bucketOwnerId && isGone(acl.ownerId)
    const without = withoutAclGrants(acl, (id) => id !== bucketOwnerId && isGone(id), everyone)
    const wanted = isUploaders ? takenOver(acl, bucketOwnerId) : without.acl
    const isClean = isUploaders ? sameGrants(wanted, acl) : without.removed.length === 0
    if (isClean) return
    try {
      await store.putObjectAcl(bucket, objectKey, wanted, { signal })
      changed.push(objectKey)
    } catch (error) {
      if (!hasCode(error, 'ACCESS_DENIED', 'UNSUPPORTED', 'OBJECT_NOT_FOUND')) throw error
    }
  }
  await eachObjectAcl(store, bucket, clean, signal)
  return changed.sort()
}

/** True when an object's ACL gives its predefined groups anything: anyone, or anyone with an account. */
export function isPublicAcl(acl: Acl): boolean {
  return grantsToOthers(acl).some(({ grantee }) => grantee.type === 'group')
}
