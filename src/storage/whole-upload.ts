import { createHash } from 'node:crypto'
import { AppError } from '../util/errors.ts'
import type { UploadOptions, UploadPlan } from './upload-plan.ts'
import type { ObjectName, ObjectStore, StoredObject } from './object-store.ts'
import { checkFinished, wrongLength } from './upload-checks.ts'

/** An object sent in one piece, and how it was checked. */
type WholeUpload = StoredObject & { sizeCheckedBy: 'head' | 'etag' | 'none' }

/**
 * Sends an object of one part (PutObject). Where its ETag is the body's MD5, nothing more has to be asked;
 * otherwise the object is looked at.
 *
 * @throws AppError INTEGRITY when the store has something else
 */
export async function putWhole(
  store: ObjectStore,
  target: ObjectName,
  plan: UploadPlan,
  options: UploadOptions,
): Promise<WholeUpload> {
  const { signal, acl, contentType, headers, tags, ifAbsent } = options
  const part = await plan.prepare(1, signal ?? new AbortController().signal)
  try {
    const { body, sha256 } = part
    if (!(body instanceof Uint8Array)) throw new RangeError('an object of one part is not streamed')
    if (body.length !== plan.size) throw wrongLength(target, plan.size, body.length)
    const stored = await store.putObject(target.bucket, target.objectKey, body, {
      sha256,
      signal,
      acl,
      contentType,
      headers,
      tags,
      ifAbsent,
    })
    options.onPartStored?.({ partNumber: 1, etag: stored.etag ?? '', size: body.length }, false)
    const md5 = part.etagProbe ?? createHash('md5').update(body).digest('hex')
    if (stored.etag === md5) return { ...stored, sizeCheckedBy: 'etag' }
    return await lookedAt(store, target, plan, stored, part.md5 === undefined ? undefined : md5, options)
  } finally {
    part.release()
  }
}

/** The answer's ETag was not the MD5: the object itself has to tell, where it may be seen. */
async function lookedAt(
  store: ObjectStore,
  target: ObjectName,
  plan: UploadPlan,
  stored: StoredObject,
  md5: string | undefined,
  options: UploadOptions,
): Promise<WholeUpload> {
  const head = await checkFinished(store, target, { ...plan, etag: md5 }, options)
  if (head !== undefined) {
    return { etag: head.etag, versionId: stored.versionId ?? head.versionId, sizeCheckedBy: 'head' }
  }
  if (md5 === undefined || stored.etag === undefined) return { ...stored, sizeCheckedBy: 'none' }
  throw new AppError(
    'INTEGRITY',
    `upload of s3://${target.bucket}/${target.objectKey}: the store answered ETag ${stored.etag}, its MD5 is ${md5}`,
  )
}
