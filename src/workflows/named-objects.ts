import type { ObjectEntry, ObjectStore } from '../storage/object-store.ts'
import { AppError } from '../util/errors.ts'
import { formatS3Url, type S3Location } from './s3-url.ts'

/** True for what stands for everything below it: a bucket, or a key that ends in a slash. */
export function isPrefix({ objectKey }: S3Location): boolean {
  return objectKey === '' || objectKey.endsWith('/')
}

/**
 * What an address names: the one object, or all below a prefix in the order of their keys, as they come. An address that
 * does not end in a slash never names more than one: `run_1` is not the beginning of `run_10`.
 *
 * @throws AppError OBJECT_NOT_FOUND when there is nothing; StorageError
 */
export async function* namedObjects(
  store: ObjectStore,
  place: S3Location,
  signal?: AbortSignal,
): AsyncGenerator<ObjectEntry, void, undefined> {
  const { bucket, objectKey } = place
  if (!isPrefix(place)) {
    const { size, etag, lastModified } = await store.headObject(bucket, objectKey, { signal })
    yield { objectKey, size, etag, lastModified, ownerId: undefined }
    return
  }
  let any = false
  for await (const entry of store.listObjects(bucket, { prefix: objectKey, signal })) {
    any = true
    yield entry
  }
  if (any) return
  throw new AppError('OBJECT_NOT_FOUND', `there is no object below ${formatS3Url(bucket, objectKey)}`, {
    hints: [`look what is there: sealift ls s3://${bucket}/`],
  })
}
