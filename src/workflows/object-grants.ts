import { grantsToOthers, sameGrants, takenOver, withoutAclGrants } from '../storage/access/acl-grants.ts'
import type { Acl } from '../storage/access/access-store.ts'
import type { Store } from '../storage/store.ts'
import { hasCode } from '../util/errors.ts'
import { forEachPulled } from '../util/pull-pool.ts'

/** Requests for ACLs at a time: one small request per object, and there may be hundreds of thousands. */
const ACL_CONCURRENCY = 16

/** An object whose ACL was looked at; `acl` is undefined where the server refuses to show it. */
export interface SeenObject {
  objectKey: string
  /** An older version; the newest one when absent. */
  versionId?: string
  acl: Acl | undefined
}

type Visit = (seen: SeenObject) => Promise<void> | void

/** Looks at the ACL of the newest version of every object. Objects that disappear meanwhile are left out. */
export async function eachObjectAcl(
  store: Store,
  bucket: string,
  visit: Visit,
  signal?: AbortSignal,
): Promise<void> {
  await eachAcl(store, bucket, store.listObjects(bucket, { signal }), visit, signal)
}

/** The same with all older versions, where the bucket keeps any: each has an owner and an ACL of its own. */
export async function eachVersionAcl(
  store: Store,
  bucket: string,
  visit: Visit,
  signal?: AbortSignal,
): Promise<void> {
  await eachAcl(store, bucket, everyVersion(store, bucket, signal), visit, signal)
}

/** What of an object is looked at: all of what listings tell is not. */
type ListedObject = Pick<SeenObject, 'objectKey' | 'versionId'>

async function* everyVersion(
  store: Store,
  bucket: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ListedObject> {
  const versioning = await store.bucketVersioning(bucket, { signal })
  if (versioning === 'off' || versioning === 'unsupported') {
    yield* store.listObjects(bucket, { signal })
    return
  }
  for await (const { kind, objectKey, versionId, isLatest } of store.listVersions(bucket, { signal })) {
    if (kind === 'object') yield isLatest ? { objectKey } : { objectKey, versionId }
  }
}

async function eachAcl(
  store: Store,
  bucket: string,
  objects: AsyncIterable<ListedObject>,
  visit: Visit,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { capabilities } = await store.provider({ signal })
  const look = async ({ objectKey, versionId }: ListedObject): Promise<void> => {
    const version = versionId === undefined ? {} : { versionId }
    try {
      await visit({
        objectKey,
        ...version,
        acl: await store.objectAcl(bucket, objectKey, { ...version, signal }),
      })
    } catch (error) {
      if (hasCode(error, 'OBJECT_NOT_FOUND')) return
      // Known to have no ACLs of objects, and saying so (versitygw): no grant can be in one.
      if (hasCode(error, 'UNSUPPORTED') && capabilities.objectAcl === 'absent') return
      if (!hasCode(error, 'ACCESS_DENIED')) throw error
      await visit({ objectKey, ...version, acl: undefined })
    }
  }
  await forEachPulled(objects, ACL_CONCURRENCY, look, signal)
}

/** Whose grants are taken away: those of some ids, or everybody's but the owner's, groups included. */
export interface GrantRemoval {
  bucketOwnerId: string
  isGone: (canonicalId: string) => boolean
  everyone: boolean
}

/**
 * Takes grants out of the ACLs of objects and of their older versions, and gives the keys of those that changed. One that
 * its uploader owns keeps nobody in its ACL but the bucket's owner, so that a public grant its uploader made ends as well.
 * What the server refuses to change is left for the check afterwards to report.
 */
export async function removeObjectGrants(
  store: Store,
  bucket: string,
  { bucketOwnerId, isGone, everyone }: GrantRemoval,
  signal?: AbortSignal,
): Promise<string[]> {
  const changed = new Set<string>()
  const clean = async ({ objectKey, versionId, acl }: SeenObject): Promise<void> => {
    if (acl === undefined) return
    const isUploaders = acl.ownerId !== bucketOwnerId && isGone(acl.ownerId)
    const without = withoutAclGrants(acl, (id) => id !== bucketOwnerId && isGone(id), everyone)
    const wanted = isUploaders ? takenOver(acl, bucketOwnerId) : without.acl
    const isClean = isUploaders ? sameGrants(wanted, acl) : without.removed.length === 0
    if (isClean) return
    try {
      await store.putObjectAcl(bucket, objectKey, wanted, { versionId, signal })
      changed.add(objectKey)
    } catch (error) {
      if (!hasCode(error, 'ACCESS_DENIED', 'UNSUPPORTED', 'OBJECT_NOT_FOUND')) throw error
    }
  }
  await eachVersionAcl(store, bucket, clean, signal)
  return [...changed].sort()
}

/** True when an object's ACL gives its predefined groups anything: anyone, or anyone with an account. */
export function isPublicAcl(acl: Acl): boolean {
  return grantsToOthers(acl).some(({ grantee }) => grantee.type === 'group')
}
