import { hasCode } from '../util/errors.ts'
import { multipartEtag } from './multipart-etag.ts'
import type { ObjectName, ObjectStore, RequestOptions, StoredObject } from './object-store.ts'
import type { SentPart } from './upload-checks.ts'

/** An upload that was begun by an earlier run. */
export interface EarlierUpload {
  uploadId: string
  /** Parts the store answered for. */
  parts: readonly SentPart[]
}

/** What is left of it: parts that need not be sent again, or the finished object. */
export interface FoundParts {
  parts: readonly SentPart[]
  finished?: (StoredObject & { parts: readonly SentPart[] }) | undefined
}

/**
 * Asks the store what it has of an earlier upload (ListParts). Only parts that are in both lists count, with the same
 * size and ETag: what the store has and we did not write down may be of another key or cut short.
 * When the upload is gone because it was completed, the object must have the ETag that the parts give.
 *
 * @throws StorageError UPLOAD_NOT_FOUND when it is neither there nor finished
 */
export async function earlierParts(
  store: ObjectStore,
  target: ObjectName,
  plan: { size: number; partCount: number },
  options: RequestOptions & { earlier?: EarlierUpload | undefined },
): Promise<FoundParts | undefined> {
  const { earlier, signal } = options
  if (earlier === undefined) return undefined
  const known = new Map(earlier.parts.map((part) => [part.partNumber, part]))
  const parts: SentPart[] = []
  try {
    for await (const { partNumber, size, etag } of store.listParts(
      { ...target, uploadId: earlier.uploadId },
      { signal },
    )) {
      const sent = known.get(partNumber)
      if (sent?.size === size && sent.etag === etag) parts.push(sent)
    }
    return { parts }
  } catch (error) {
    // Where the store does not show them, its answers to each part have to do.
    if (hasCode(error, 'ACCESS_DENIED', 'UNSUPPORTED')) return { parts: earlier.parts }
    if (!hasCode(error, 'UPLOAD_NOT_FOUND')) throw error
    const finished = await finishedObject(store, target, plan, earlier.parts, { signal })
    if (finished === undefined) throw error
    return { parts: earlier.parts, finished }
  }
}

/** The answer to CompleteMultipartUpload may have been lost with the process that asked. */
async function finishedObject(
  store: ObjectStore,
  target: ObjectName,
  plan: { size: number; partCount: number },
  sent: readonly SentPart[],
  options: RequestOptions,
): Promise<FoundParts['finished']> {
  const parts = [...sent].sort((a, b) => a.partNumber - b.partNumber)
  if (parts.length !== plan.partCount) return undefined
  const head = await store.headObject(target.bucket, target.objectKey, options).catch((error: unknown) => {
    if (hasCode(error, 'OBJECT_NOT_FOUND', 'ACCESS_DENIED')) return undefined
    throw error
  })
  if (head?.size !== plan.size || head.etag !== multipartEtag(parts)) return undefined
  return { etag: head.etag, versionId: head.versionId, parts }
}
