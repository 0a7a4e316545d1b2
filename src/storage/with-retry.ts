/**
 * A store that tries retryable failures again. What may happen when the first answer was lost:
 *
 * - createBucket: the name is taken, by us: no failure when CreateBucket was sent before and the bucket is ours;
 * - createMultipartUpload: the second call opens a second upload; the first stays as an orphan until it is aborted
 *   (`listMultipartUploads` shows it) or a lifecycle rule of the bucket removes it;
 * - completeMultipartUpload: the upload is gone because it succeeded. The object is then looked up, and its ETag must be
 *   the one these parts give; anything else stays a failure;
 * - putObject with `ifAbsent`: the object may be the one just sent. It is looked up, and its ETag must be the body's MD5;
 * - copyObject: in a bucket with versions the second copy is one more version;
 * - all others are idempotent.
 *
 * getObject is tried again until its body starts; a body that breaks off is the caller's to fetch again
 * ({@link retrying}), because only the caller knows how much of it was used.
 */
import { createHash } from 'node:crypto'
import { hasCode } from '../util/errors.ts'
import { multipartEtag } from './multipart-etag.ts'
import type {
  CompleteUploadOptions,
  ListObjectsOptions,
  MultipartUpload,
  ObjectEntry,
  ObjectStore,
  PrefixOptions,
  PutObjectOptions,
  RequestOptions,
  StoredObject,
  StoredPart,
  UnfinishedUpload,
  UploadedPart,
} from './object-store.ts'
import { StorageError } from './errors.ts'
import { compareKeys } from './key-order.ts'
import { filtered, type Repeat, resumedListing } from './resumed-listing.ts'
import { retrying, type RetryingOptions } from './retrying.ts'
import { SharedPause } from './shared-pause.ts'
import type { Store } from './store.ts'
import type { VersionEntry } from './version-store.ts'

export { policyForOutagesOf, retrying } from './retrying.ts'
export type { RetryingOptions } from './retrying.ts'

/** Wraps a store so that its retryable failures are tried again, with backoff. */
export function withRetry(store: Store, options: StoreRetryOptions = {}): Store {
  return new RetryingStore(store, options)
}

/**
 * How a store's own requests are tried again, for what a caller has to repeat itself: a body that broke off.
 * The defaults for a store that does not try again.
 */
export function retryOptionsOf(store: ObjectStore): Omit<RetryingOptions, 'signal'> {
  return store instanceof RetryingStore ? store.retryOptions : {}
}

type StoreRetryOptions = Omit<RetryingOptions, 'signal' | 'retryable'>

class RetryingStore implements Store {
  readonly retryOptions: Omit<RetryingOptions, 'signal'>
  readonly #store: Store
  /** An endpoint that has never answered is more likely misspelt than down: it fails at once. */
  #answered = false

  constructor(store: Store, options: StoreRetryOptions) {
    this.#store = store
    this.retryOptions = {
      pause: new SharedPause(options),
      ...options,
      retryable: (error) => this.#worthAnother(error),
    }
  }

  readonly #repeat: Repeat = async (request, attempt) => {
    const signal = request?.repeatUntil ?? request?.signal
    const result =
      request?.once === true ? await attempt(1) : await retrying(attempt, { ...this.retryOptions, signal })
    this.#answered = true
    return result
  }

  #worthAnother(error: StorageError): boolean {
    if (error.status !== undefined) this.#answered = true
    return error.retryable && (this.#answered || error.code !== 'ENDPOINT_UNREACHABLE')
  }

  createBucket(...args: Parameters<Store['createBucket']>) {
    let sent = false
    return this.#repeat(args[1], async () => {
      try {
        await this.#store.createBucket(...args)
      } catch (error) {
        if (sent && hasCode(error, 'BUCKET_EXISTS') && (await this.#ownBucket(...args))) return
        sent ||= error instanceof StorageError && error.operation === 'CreateBucket'
        throw error
      }
    })
  }
  bucketState(...args: Parameters<Store['bucketState']>) {
    return this.#repeat(args[1], () => this.#store.bucketState(...args))
  }
  listBuckets(...args: Parameters<Store['listBuckets']>) {
    return this.#repeat(args[0], () => this.#store.listBuckets(...args))
  }
  deleteBucket(...args: Parameters<Store['deleteBucket']>) {
    return this.#repeat(args[1], async (n) => {
      try {
        await this.#store.deleteBucket(...args)
      } catch (error) {
        if (n === 1 || !hasCode(error, 'BUCKET_NOT_FOUND')) throw error
      }
    })
  }
  bucketVersioning(...args: Parameters<Store['bucketVersioning']>) {
    return this.#repeat(args[1], () => this.#store.bucketVersioning(...args))
  }
  enableVersioning(...args: Parameters<Store['enableVersioning']>) {
    return this.#repeat(args[1], () => this.#store.enableVersioning(...args))
  }

  headObject(...args: Parameters<Store['headObject']>) {
    return this.#repeat(args[2], () => this.#store.headObject(...args))
  }
  getObject(...args: Parameters<Store['getObject']>) {
    return this.#repeat(args[2], () => this.#store.getObject(...args))
  }
  /** Whoever sends it falls back on getObject: only there is something to try again. */
  async signedGet(...args: Parameters<NonNullable<Store['signedGet']>>) {
    return this.#store.signedGet?.(...args)
  }
  putObject(
    bucket: string,
    objectKey: string,
    body: Uint8Array,
    options?: PutObjectOptions,
  ): Promise<StoredObject> {
    return this.#repeat(options, async (n) => {
      try {
        return await this.#store.putObject(bucket, objectKey, body, options)
      } catch (error) {
        if (n === 1 || !hasCode(error, 'OBJECT_EXISTS')) throw error
        const etag = createHash('md5').update(body).digest('hex')
        return this.#sameObject(bucket, objectKey, etag, error, options)
      }
    })
  }
  deleteObject(...args: Parameters<Store['deleteObject']>) {
    return this.#repeat(args[2], () => this.#store.deleteObject(...args))
  }
  hasAnyVersion(...args: Parameters<Store['hasAnyVersion']>) {
    return this.#repeat(args[1], () => this.#store.hasAnyVersion(...args))
  }

  createMultipartUpload(...args: Parameters<Store['createMultipartUpload']>) {
    return this.#repeat(args[2], () => this.#store.createMultipartUpload(...args))
  }
  uploadPart(...args: Parameters<Store['uploadPart']>) {
    return this.#repeat(args[3], () => this.#store.uploadPart(...args))
  }
  completeMultipartUpload(
    upload: MultipartUpload,
    parts: readonly UploadedPart[],
    options?: CompleteUploadOptions,
  ): Promise<StoredObject> {
    return this.#repeat(options, async () => {
      try {
        return await this.#store.completeMultipartUpload(upload, parts, options)
      } catch (error) {
        if (!hasCode(error, 'UPLOAD_NOT_FOUND', 'OBJECT_EXISTS')) throw error
        return this.#sameObject(upload.bucket, upload.objectKey, multipartEtag(parts), error, options)
      }
    })
  }
  abortMultipartUpload(...args: Parameters<Store['abortMultipartUpload']>) {
    return this.#repeat(args[1], () => this.#store.abortMultipartUpload(...args))
  }

  async *listObjects(bucket: string, options?: ListObjectsOptions): AsyncGenerator<ObjectEntry> {
    let given = 0
    let last: string | undefined
    yield* resumedListing(
      this.#repeat,
      options,
      () => {
        const limit = options?.limit === undefined ? undefined : options.limit - given
        const from = { ...options, limit, startAfter: last ?? options?.startAfter }
        return this.#store.listObjects(bucket, from)
      },
      (entry) => {
        given += 1
        last = entry.objectKey
      },
    )
  }

  copyObject(...args: Parameters<Store['copyObject']>) {
    return this.#repeat(args[2], () => this.#store.copyObject(...args))
  }
  copyPart(...args: Parameters<Store['copyPart']>) {
    return this.#repeat(args[3], () => this.#store.copyPart(...args))
  }
  objectTags(...args: Parameters<Store['objectTags']>) {
    return this.#repeat(args[2], () => this.#store.objectTags(...args))
  }
  putObjectTags(...args: Parameters<Store['putObjectTags']>) {
    return this.#repeat(args[3], () => this.#store.putObjectTags(...args))
  }
  deleteVersion(...args: Parameters<Store['deleteVersion']>) {
    return this.#repeat(args[3], () => this.#store.deleteVersion(...args))
  }

  async *listVersions(bucket: string, options?: PrefixOptions): AsyncGenerator<VersionEntry> {
    let last = ''
    let givenOfLast = new Set<string>()
    const notGiven = (): AsyncIterable<VersionEntry> =>
      filtered(this.#store.listVersions(bucket, options), ({ objectKey, versionId }) => {
        const order = compareKeys(objectKey, last)
        return order > 0 || (order === 0 && !givenOfLast.has(versionId))
      })
    yield* resumedListing(this.#repeat, options, notGiven, ({ objectKey, versionId }) => {
      if (objectKey !== last) givenOfLast = new Set()
      last = objectKey
      givenOfLast.add(versionId)
    })
  }

  async *listParts(upload: MultipartUpload, options?: RequestOptions): AsyncGenerator<StoredPart> {
    let last = 0
    const notGiven = (): AsyncIterable<StoredPart> =>
      filtered(this.#store.listParts(upload, options), (part) => part.partNumber > last)
    yield* resumedListing(this.#repeat, options, notGiven, (part) => {
      last = part.partNumber
    })
  }

  async *listMultipartUploads(bucket: string, options?: PrefixOptions): AsyncGenerator<UnfinishedUpload> {
    const given = new Set<string>()
    const notGiven = (): AsyncIterable<UnfinishedUpload> =>
      filtered(this.#store.listMultipartUploads(bucket, options), (upload) => !given.has(upload.uploadId))
    yield* resumedListing(this.#repeat, options, notGiven, (upload) => {
      given.add(upload.uploadId)
    })
  }

  provider(options?: RequestOptions) {
    return this.#repeat(options, () => this.#store.provider(options))
  }

  bucketPolicy(...args: Parameters<Store['bucketPolicy']>) {
    return this.#repeat(args[1], () => this.#store.bucketPolicy(...args))
  }
  putBucketPolicy(...args: Parameters<Store['putBucketPolicy']>) {
    return this.#repeat(args[2], () => this.#store.putBucketPolicy(...args))
  }
  deleteBucketPolicy(...args: Parameters<Store['deleteBucketPolicy']>) {
    return this.#repeat(args[1], () => this.#store.deleteBucketPolicy(...args))
  }
  bucketAcl(...args: Parameters<Store['bucketAcl']>) {
    return this.#repeat(args[1], () => this.#store.bucketAcl(...args))
  }
  putBucketAcl(...args: Parameters<Store['putBucketAcl']>) {
    return this.#repeat(args[2], () => this.#store.putBucketAcl(...args))
  }
  objectAcl(...args: Parameters<Store['objectAcl']>) {
    return this.#repeat(args[2], () => this.#store.objectAcl(...args))
  }
  putObjectAcl(...args: Parameters<Store['putObjectAcl']>) {
    return this.#repeat(args[3], () => this.#store.putObjectAcl(...args))
  }

  close(): void {
    this.#store.close()
  }

  async #ownBucket(bucket: string, options?: RequestOptions): Promise<boolean> {
    const own = await this.#store.listBuckets(options)
    return own.some((entry) => entry.bucket === bucket)
  }

  /** The object as stored by the attempt whose answer was lost, or the failure when it is another one. */
  async #sameObject(
    bucket: string,
    objectKey: string,
    etag: string | undefined,
    failure: unknown,
    options: RequestOptions | undefined,
  ): Promise<StoredObject> {
    if (etag === undefined) throw failure
    const found = await this.#store
      .headObject(bucket, objectKey, { signal: options?.signal })
      .catch((error: unknown) => {
        // Nobody knows yet: the whole request is tried again, and then this look.
        if (error instanceof StorageError && error.retryable) throw error
        return undefined
      })
    if (found?.etag !== etag) throw failure
    return { etag: found.etag, versionId: found.versionId }
  }
}
