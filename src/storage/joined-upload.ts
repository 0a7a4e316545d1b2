import { multipartEtag } from './multipart-etag.ts'
import type { ObjectName, ObjectStore, RequestOptions, StoredObject } from './object-store.ts'
import { checkFinished, type SentPart } from './upload-checks.ts'
import type { UploadResult } from './upload-plan.ts'

/** Parts that were joined (CompleteMultipartUpload), and what is known of them. */
export interface JoinedParts {
  stored: StoredObject
  parts: readonly SentPart[]
  /** Whether the store's list of parts was seen, and was right. */
  listed: boolean
  /** Whether this store's ETags are MD5s: the object's is known then. */
  etagsAreMd5: boolean
}

/**
 * Looks at an object that was joined from parts, where the uploader may.
 *
 * @throws AppError INTEGRITY: the object exists and must not be used
 */
export async function checkJoined(
  store: ObjectStore,
  target: ObjectName,
  { stored, parts, listed, etagsAreMd5 }: JoinedParts,
  options: RequestOptions,
): Promise<Omit<UploadResult, 'overwriteChecked'>> {
  const size = parts.reduce((sum, part) => sum + part.size, 0)
  const partCount = parts.length
  const etag = etagsAreMd5 ? multipartEtag(parts) : undefined
  const head = await checkFinished(store, target, { size, partCount, etag }, options)
  return {
    etag: head?.etag ?? stored.etag,
    versionId: stored.versionId ?? head?.versionId,
    size,
    partCount,
    parts,
    sizeCheckedBy: head !== undefined ? 'head' : listed ? 'parts' : 'none',
  }
}
