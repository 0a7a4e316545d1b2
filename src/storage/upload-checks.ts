/** What the store has is compared with what was sent: before an upload is completed, and after. */
import { AppError, hasCode } from '../util/errors.ts'
import type {
  MultipartUpload,
  ObjectHead,
  ObjectName,
  ObjectStore,
  RequestOptions,
  UploadedPart,
} from './object-store.ts'

/** A part as it was sent: what the store's list must say. */
export type SentPart = UploadedPart & { size: number }

/** Compares the store's list with what was sent; false where the store does not show it. */
export async function checkListedParts(
  store: ObjectStore,
  upload: MultipartUpload,
  parts: readonly SentPart[],
  options: RequestOptions,
): Promise<boolean> {
  let at = 0
  try {
    for await (const listed of store.listParts(upload, { signal: options.signal })) {
      const sent = parts[at]
      const same =
        sent?.partNumber === listed.partNumber && sent.size === listed.size && sent.etag === listed.etag
      if (!same) throw damaged(upload, `part ${listed.partNumber} arrived other than it was sent`)
      at += 1
    }
  } catch (error) {
    if (hasCode(error, 'ACCESS_DENIED', 'UNSUPPORTED')) return false
    throw error
  }
  if (at !== parts.length) throw damaged(upload, `${at} of ${parts.length} parts arrived`)
  return true
}

/**
 * Compares the finished object with the plan (HeadObject); undefined where the uploader may not look at it.
 *
 * @throws AppError INTEGRITY: the object exists and must not be used
 */
export async function checkFinished(
  store: ObjectStore,
  target: ObjectName,
  plan: { size: number; partCount: number },
  options: RequestOptions,
): Promise<ObjectHead | undefined> {
  const head = await headWherePermitted(store, target, options)
  if (head === undefined) return undefined
  if (head.size !== plan.size) {
    throw unusable(target, `has ${head.size} bytes instead of ${plan.size}`)
  }
  const count = /^[0-9a-f]{32}-(\d+)$/.exec(head.etag)?.[1]
  if (count !== undefined && plan.partCount > 1 && Number(count) !== plan.partCount) {
    throw unusable(target, `was joined from ${count} parts instead of ${plan.partCount}`)
  }
  return head
}

/** Compares the ETag that the store answered with the body's MD5, where both are known. */
export function checkEtag(
  target: ObjectName,
  partNumber: number,
  etag: string | undefined,
  md5: string | undefined,
): void {
  if (md5 === undefined || etag === undefined || etag.toLowerCase() === md5.toLowerCase()) return
  throw damaged(target, `the store answered ETag ${etag} for part ${partNumber}, whose MD5 is ${md5}`)
}

/** The error for parts that are not as long as planned: nothing was stored under the object's name. */
export function wrongLength(target: ObjectName, planned: number, size: number): AppError {
  return damaged(target, `the parts have ${size} bytes instead of the ${planned} that were planned`)
}

async function headWherePermitted(store: ObjectStore, target: ObjectName, options: RequestOptions) {
  try {
    return await store.headObject(target.bucket, target.objectKey, { signal: options.signal })
  } catch (error) {
    // A depositor may not look at what it delivered.
    if (hasCode(error, 'ACCESS_DENIED')) return undefined
    if (hasCode(error, 'OBJECT_NOT_FOUND')) throw unusable(target, 'is not there after it was stored')
    throw error
  }
}

function damaged(target: ObjectName, what: string): AppError {
  return new AppError('INTEGRITY', `upload of s3://${target.bucket}/${target.objectKey}: ${what}`)
}

function unusable(target: ObjectName, what: string): AppError {
  return new AppError('INTEGRITY', `s3://${target.bucket}/${target.objectKey} ${what}`, {
    hints: ['this object must not be used: delete it and upload again'],
  })
}
