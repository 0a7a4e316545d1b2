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

/**
 * Compares the store's list with what was sent (ListParts).
 *
 * @param last - when true, a difference is an error
 * @returns numbers of the parts that are missing or other than sent; undefined where the store does not show them
 * @throws AppError INTEGRITY for parts nobody sent
 */
export async function wrongParts(
  store: ObjectStore,
  upload: MultipartUpload,
  parts: readonly SentPart[],
  last: boolean,
  options: RequestOptions,
): Promise<number[] | undefined> {
  const wanted = new Map(parts.map((part) => [part.partNumber, part]))
  try {
    for await (const listed of store.listParts(upload, { signal: options.signal })) {
      const sent = wanted.get(listed.partNumber)
      if (sent === undefined && !parts.some(({ partNumber }) => partNumber === listed.partNumber)) {
        throw damaged(upload, `part ${listed.partNumber} arrived, which was not sent`)
      }
      if (sent?.size === listed.size && sent.etag === listed.etag) wanted.delete(listed.partNumber)
      else if (last) throw damaged(upload, `part ${listed.partNumber} arrived other than it was sent`)
    }
  } catch (error) {
    if (hasCode(error, 'ACCESS_DENIED', 'UNSUPPORTED')) return undefined
    throw error
  }
  if (last && wanted.size > 0) {
    throw damaged(upload, `${parts.length - wanted.size} of ${parts.length} parts arrived`)
  }
  return [...wanted.keys()]
}

/** How often an object that does not look right is looked at again: an answer can be damaged, too. */
const LOOKS = 3

/**
 * Compares the finished object with the plan (HeadObject); undefined where the uploader may not look at it.
 *
 * @param plan - `etag` is what it must have, where that is known
 * @throws AppError INTEGRITY: the object exists and must not be used
 */
export async function checkFinished(
  store: ObjectStore,
  target: ObjectName,
  plan: { size: number; partCount: number; etag?: string | undefined },
  options: RequestOptions,
): Promise<ObjectHead | undefined> {
  for (let look = 1; ; look += 1) {
    const head = await headWherePermitted(store, target, options)
    if (head === undefined) return undefined
    const wrong = whatIsWrong(head, plan)
    if (wrong === undefined) return head
    if (look === LOOKS) throw unusable(target, wrong)
  }
}

function whatIsWrong(
  head: ObjectHead,
  plan: { size: number; partCount: number; etag?: string | undefined },
): string | undefined {
  if (head.size !== plan.size) return `has ${head.size} bytes instead of ${plan.size}`
  const count = /^[0-9a-f]{32}-(\d+)$/.exec(head.etag)?.[1]
  if (count !== undefined && plan.partCount > 1 && Number(count) !== plan.partCount) {
    return `was joined from ${count} parts instead of ${plan.partCount}`
  }
  if (plan.etag !== undefined && head.etag !== plan.etag) {
    return `has ETag ${head.etag} where the bytes sent give ${plan.etag}`
  }
  return undefined
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
