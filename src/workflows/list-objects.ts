import type { ObjectEntry, ObjectStore } from '../storage/object-store.ts'
import { AppError } from '../util/errors.ts'

export interface ListRequest {
  store: ObjectStore
  bucket: string
  prefix: string
  signal?: AbortSignal | undefined
}

/**
 * The objects of a bucket or prefix, in the order of their keys, as they come.
 *
 * @throws AppError OBJECT_NOT_FOUND when a prefix was given and nothing lies below it
 */
export async function* listObjects(request: ListRequest): AsyncIterable<ObjectEntry> {
  const { store, bucket, prefix, signal } = request
  let any = false
  for await (const entry of store.listObjects(bucket, { prefix, signal })) {
    any = true
    yield entry
  }
  if (!any && prefix !== '') {
    throw new AppError('OBJECT_NOT_FOUND', `there is no object whose key starts with ${prefix} in ${bucket}`)
  }
}
