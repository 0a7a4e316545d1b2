import { randomBytes } from 'node:crypto'
import type { MultipartUpload } from '../storage/object-store.ts'
import type { Store } from '../storage/store.ts'
import { AppError, hasCode } from '../util/errors.ts'

/** What writing checks leave in a bucket, and how it goes away again. */
export interface Traces {
  bucket: string
  /** Every object key of the checks begins with it. */
  prefix: string
  /** Remembers an upload, so that it ends whatever happens. */
  opened(upload: MultipartUpload): MultipartUpload
  /** Removes everything below the prefix, older versions too, and the bucket when it was made for this. Says what stays. */
  clean(): Promise<string[]>
}

/** Writes into a bucket that is there already, below a prefix of its own. */
export function tracesIn(store: Store, bucket: string): Traces {
  return traces(store, bucket, false)
}

/** Makes a bucket that lives as long as the checks. Throws what CreateBucket does. */
export async function scratchBucket(store: Store, signal?: AbortSignal): Promise<Traces> {
  const bucket = `sealift-doctor-${randomBytes(6).toString('hex')}`
  await store.createBucket(bucket, { signal })
  return traces(store, bucket, true)
}

function traces(store: Store, bucket: string, isScratch: boolean): Traces {
  const prefix = `.sealift-doctor/${randomBytes(6).toString('hex')}/`
  const uploads: MultipartUpload[] = []
  const clean = async (): Promise<string[]> => {
    const left: string[] = []
    const attempt = async (what: string, act: () => Promise<void>): Promise<boolean> => {
      try {
        await act()
        return true
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        left.push(`${what}: ${error.message}`)
        return false
      }
    }
    // A policy of the checks may stand in the way of everything else.
    if (isScratch) await attempt(`policy of ${bucket}`, () => removePolicy(store, bucket))
    for (const upload of uploads) {
      await attempt(`unfinished upload ${upload.objectKey}`, () => store.abortMultipartUpload(upload))
    }
    await attempt(`objects below s3://${bucket}/${prefix}`, () => removeObjects(store, bucket, prefix))
    // With the bucket goes everything that was in it.
    return isScratch && (await attempt(`bucket ${bucket}`, () => removeBucket(store, bucket))) ? [] : left
  }
  return {
    bucket,
    prefix,
    opened(upload) {
      uploads.push(upload)
      return upload
    },
    clean,
  }
}

async function removePolicy(store: Store, bucket: string): Promise<void> {
  try {
    await store.deleteBucketPolicy(bucket)
  } catch (error) {
    if (!hasCode(error, 'UNSUPPORTED', 'BUCKET_NOT_FOUND')) throw error
  }
}

/** By version where there are any: a plain delete would leave the versions and a marker. */
async function removeObjects(store: Store, bucket: string, prefix: string): Promise<void> {
  try {
    for await (const { objectKey, versionId } of store.listVersions(bucket, { prefix })) {
      if (objectKey.startsWith(prefix)) await store.deleteVersion(bucket, objectKey, versionId)
    }
  } catch (error) {
    if (!hasCode(error, 'UNSUPPORTED')) throw error
  }
  for await (const { objectKey } of store.listObjects(bucket, { prefix })) {
    if (objectKey.startsWith(prefix)) await store.deleteObject(bucket, objectKey)
  }
  for await (const { objectKey } of store.listObjects(bucket, { prefix, limit: 1 })) {
    throw new AppError('STORE_FAILURE', `${objectKey} is listed still after it was deleted`)
  }
}

async function removeBucket(store: Store, bucket: string): Promise<void> {
  await store.deleteBucket(bucket)
  if ((await store.bucketState(bucket)) !== 'absent') {
    throw new AppError('STORE_FAILURE', `bucket ${bucket} is there still after it was deleted`)
  }
}
