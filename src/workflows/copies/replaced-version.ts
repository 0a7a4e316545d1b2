import type { ObjectName } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import type { VersionEntry } from '../../storage/version-store.ts'
import { changedMeanwhile } from './same-object.ts'

/** What was put in place of a version. */
export interface Replacement {
  /** As the server answered; undefined where it named none. */
  versionId: string | undefined
  size: number
  /** Of its own: no other version of the object has it. */
  etag: string
}

/**
 * In a bucket with versions: the version that a new one took the place of, seen to lie right below it. When somebody
 * stored another one in between, the new one hides that: it is deleted again, which brings the newer one back.
 *
 * @param before - id of the version it was made from, `null` for one without
 * @returns undefined where that is not kept: neither has a version of its own, or it was deleted since
 * @throws AppError OBJECT_CHANGED when something lies in between, or above; StorageError
 */
export async function replacedVersion(
  store: Store,
  object: ObjectName,
  before: string,
  replacement: Replacement,
): Promise<string | undefined> {
  const { bucket, objectKey } = object
  const own: string[] = []
  let below: string | undefined
  let isKept = false
  // The key itself is the first that begins with it.
  for await (const version of store.listVersions(bucket, { prefix: objectKey })) {
    if (version.objectKey !== objectKey || isKept) break
    const { versionId } = version
    if (below === undefined && isReplacement(version, replacement)) own.push(versionId)
    else below ??= versionId
    isKept = versionId === before && below !== undefined
  }
  if (own.length > 0 && (below === before || !isKept)) return isKept ? before : undefined
  for (const versionId of own) await store.deleteVersion(bucket, objectKey, versionId)
  throw changedMeanwhile(object)
}

/** Several have its bytes when its request was repeated. */
function isReplacement(version: VersionEntry, { versionId, size, etag }: Replacement): boolean {
  const hasItsBytes = version.kind === 'object' && version.size === size && version.etag === etag
  return version.versionId === versionId || hasItsBytes
}
