/**
 * The contract every store fulfils: S3 (storage/s3), memory (memory-store.ts), and the decorators around them.
 *
 * Rules for all methods:
 * - failures are StorageErrors (errors.ts); the store classifies them (`code`, `retryable`), callers only ask;
 * - a method may be called again after a retryable failure with the same arguments;
 * - sizes and offsets are bytes; ETags are given and taken without quotes;
 * - `signal` ends the request early; the promise then rejects with the signal's reason;
 * - a bucket is named as the server addresses it: `name`, or `tenant:name` for another tenant's on Ceph RGW.
 */
export interface ObjectStore {
  /** Creates a bucket. Throws BUCKET_EXISTS when the name is taken by anyone, the caller included (CreateBucket). */
  createBucket(bucket: string, options?: RequestOptions): Promise<void>
  /** `visible` may list it, `forbidden` exists but refuses us, `absent` does not exist (HeadBucket). */
  bucketState(bucket: string, options?: RequestOptions): Promise<'visible' | 'forbidden' | 'absent'>
  /** The caller's own buckets (ListBuckets). */
  listBuckets(options?: RequestOptions): Promise<BucketEntry[]>
  /**
   * Deletes an empty bucket (DeleteBucket). Throws BUCKET_NOT_EMPTY.
   * A server may accept this with unfinished multipart uploads inside: look first.
   */
  deleteBucket(bucket: string, options?: RequestOptions): Promise<void>
  /** Whether overwritten versions are kept (GetBucketVersioning); `unsupported` where the server has no versioning. */
  bucketVersioning(bucket: string, options?: RequestOptions): Promise<Versioning>
  /** Keeps overwritten versions from now on (PutBucketVersioning). Throws UNSUPPORTED. */
  enableVersioning(bucket: string, options?: RequestOptions): Promise<void>

  /** Throws OBJECT_NOT_FOUND, for a delete marker as well, or ACCESS_DENIED (HeadObject). */
  headObject(bucket: string, objectKey: string, options?: VersionOptions): Promise<ObjectHead>
  /**
   * The object's bytes, or those of a range (GetObject). The body must be read to its end or destroyed.
   * Throws OBJECT_CHANGED when `ifMatch` names another ETag, INTEGRITY when the body ends early or late.
   */
  getObject(bucket: string, objectKey: string, options?: GetObjectOptions): Promise<ObjectBody>
  /**
   * The same request for somebody else to send, such as another thread, signed now; nothing is sent. Undefined where only
   * the store itself can keep to its rules, such as a pace. Who sends it checks the answer, and asks getObject after any
   * failure: that is where failures are told and tried again.
   */
  signedGet?(bucket: string, objectKey: string, options: SignedGetOptions): Promise<SignedRequest | undefined>
  /** Stores a small object whole (PutObject). Throws OBJECT_EXISTS with `ifAbsent`, where the server checks it. */
  putObject(
    bucket: string,
    objectKey: string,
    body: Uint8Array,
    options?: PutObjectOptions,
  ): Promise<StoredObject>
  /** Deletes an object; one that does not exist is no failure (DeleteObject). */
  deleteObject(bucket: string, objectKey: string, options?: RequestOptions): Promise<void>
  /** Objects in the order of their keys, page by page (ListObjectsV2 with fetch-owner). */
  listObjects(bucket: string, options?: ListObjectsOptions): AsyncIterable<ObjectEntry>
  /** True when the bucket holds any object, older version or delete marker (ListObjectVersions, ListObjectsV2). */
  hasAnyVersion(bucket: string, options?: RequestOptions): Promise<boolean>

  /** Opens a multipart upload and gives its id (CreateMultipartUpload). */
  createMultipartUpload(bucket: string, objectKey: string, options?: CreateUploadOptions): Promise<string>
  /**
   * Stores one part; a part sent again replaces the earlier one (UploadPart).
   * Throws UNSUPPORTED for a {@link StreamedBody} without `sha256` over a connection that anybody could change.
   */
  uploadPart(
    upload: MultipartUpload,
    partNumber: number,
    body: Uint8Array | StreamedBody,
    options?: PartOptions,
  ): Promise<UploadedPart>
  /** Joins the parts, given in the order of their numbers (CompleteMultipartUpload). */
  completeMultipartUpload(
    upload: MultipartUpload,
    parts: readonly UploadedPart[],
    options?: CompleteUploadOptions,
  ): Promise<StoredObject>
  /** Ends an upload and frees its parts; one that no longer exists is no failure (AbortMultipartUpload). */
  abortMultipartUpload(upload: MultipartUpload, options?: RequestOptions): Promise<void>
  /** The parts that arrived, by number (ListParts). Throws UPLOAD_NOT_FOUND. */
  listParts(upload: MultipartUpload, options?: RequestOptions): AsyncIterable<StoredPart>
  /** Unfinished uploads in a bucket (ListMultipartUploads). */
  listMultipartUploads(bucket: string, options?: PrefixOptions): AsyncIterable<UnfinishedUpload>

  /** Closes idle connections. The store can't be used afterwards. */
  close(): void
}

/** Where an object is. */
export interface ObjectName {
  bucket: string
  objectKey: string
}

export interface RequestOptions {
  signal?: AbortSignal | undefined
  /** When this is aborted, the request under way may end, and is not repeated; `signal` when absent. */
  repeatUntil?: AbortSignal | undefined
  /** Never repeated: who asks has to look again before another attempt. */
  once?: boolean | undefined
}

/** Which version a request is for; the newest when absent. */
export interface VersionOptions extends RequestOptions {
  /** As listed; `null` is the version that was stored without versioning. */
  versionId?: string | undefined
}

export interface PrefixOptions extends RequestOptions {
  prefix?: string | undefined
}

export interface ListObjectsOptions extends PrefixOptions {
  /** Only objects whose key comes after this one. */
  startAfter?: string | undefined
  /** Stop after this many entries; all when absent. */
  limit?: number | undefined
}

/** The first byte wanted and how many; the store answers with exactly those or fails. */
export interface ByteRange {
  offset: number
  length: number
}

export interface GetObjectOptions extends RequestOptions {
  range?: ByteRange | undefined
  /** An object that ends within the range is no failure: what there is of the range comes. */
  orLess?: boolean | undefined
  ifMatch?: string | undefined
}

export interface SignedGetOptions extends RequestOptions {
  range: ByteRange
  ifMatch: string
}

/** A GET as it goes over the wire. It carries a signature: as secret as the object, for a quarter of an hour. */
export interface SignedRequest {
  /** Scheme, host and port. */
  origin: string
  /** Path and query as they were signed. */
  target: string
  /** `host` among them. */
  headers: readonly (readonly [name: string, value: string])[]
  /** Seconds without a byte in either direction after which the request has failed. */
  idleTimeout: number
}

interface BodyOptions extends RequestOptions {
  /** SHA-256 of the body, hex: signed with the request, so that the server refuses any other bytes. Computed when absent. */
  sha256?: string | undefined
}

export interface PartOptions extends BodyOptions {
  /**
   * MD5 of the body, hex, or what gives it once the body was sent: an ETag that is another one is a retryable INTEGRITY
   * failure. Only for stores whose ETag of a part is its MD5.
   */
  md5?: string | (() => string | undefined) | undefined
}

/** A body too large for a buffer. Each attempt opens it anew. */
export interface StreamedBody {
  /** Bytes that every opening gives. */
  readonly length: number
  /**
   * The bytes from the beginning. A chunk is only lent: it is valid until the next one is asked for.
   * What it throws ends the request and is thrown as it is.
   */
  open(): AsyncIterable<Uint8Array>
}

/** The ACL that a cross-project upload asks for, so that the bucket's owner can read what arrives. */
export type CannedAcl = 'bucket-owner-full-control'

export interface PutObjectOptions extends BodyOptions {
  ifAbsent?: boolean | undefined
  acl?: CannedAcl | undefined
  contentType?: string | undefined
  /** All that the object shall say of itself, instead of `contentType`. */
  headers?: ObjectHeaders | undefined
  /** Stored in the same step (x-amz-tagging). Look at the object afterwards: a server may ignore them. */
  tags?: ObjectTags | undefined
}

/**
 * There are no tags here: Ceph RGW 16.2 takes x-amz-tagging when an upload begins, and answers an empty document when the
 * tags of the finished object are asked for.
 */
export interface CreateUploadOptions extends RequestOptions {
  acl?: CannedAcl | undefined
  contentType?: string | undefined
  /** All that the object shall say of itself, instead of `contentType`. */
  headers?: ObjectHeaders | undefined
}

export interface CompleteUploadOptions extends RequestOptions {
  /** Asks for If-None-Match: `*`. Ceph RGW 16 ignores it here: check before as well. */
  ifAbsent?: boolean | undefined
}

export type Versioning = 'enabled' | 'suspended' | 'off' | 'unsupported'

export interface BucketEntry {
  bucket: string
  createdAt: Date | undefined
}

export interface ObjectHead {
  /** Bytes stored. */
  size: number
  etag: string
  lastModified: Date | undefined
  versionId: string | undefined
  headers: ObjectHeaders
  /** How many tags it has; undefined where the server does not tell, which may also mean none. */
  tagCount: number | undefined
}

/** What an object says of itself besides its bytes, as the server gives it back. */
export interface ObjectHeaders {
  contentType?: string | undefined
  contentEncoding?: string | undefined
  contentDisposition?: string | undefined
  contentLanguage?: string | undefined
  cacheControl?: string | undefined
  expires?: Date | undefined
  /** `x-amz-meta-*`, the names without that and in lower case. */
  metadata: Readonly<Record<string, string>>
}

export type ObjectTags = Readonly<Record<string, string>>

export interface ObjectBody {
  /** Bytes of this answer: the range's length, or the object's size. */
  length: number
  /** Bytes of the whole object. */
  size: number
  etag: string
  /** What headObject gives, as this answer has it. */
  head: ObjectHead
  /** Each chunk is the reader's own: nobody else holds its memory, which may be given back (util/release-buffer.ts). */
  body: AsyncIterable<Uint8Array>
  /** Ends the transfer of a body that is not wanted any more; harmless when it was read. */
  destroy(): void
}

export interface StoredObject {
  /** Undefined where the server answers without one (Ceph RGW 16 on Complete): ask headObject. */
  etag: string | undefined
  versionId: string | undefined
}

export interface ObjectEntry {
  objectKey: string
  size: number
  etag: string
  lastModified: Date | undefined
  /** Canonical id of the owner, where the server tells it. */
  ownerId: string | undefined
}

export interface MultipartUpload {
  bucket: string
  objectKey: string
  uploadId: string
}

export interface UploadedPart {
  partNumber: number
  etag: string
}

export interface StoredPart extends UploadedPart {
  size: number
}

export interface UnfinishedUpload extends MultipartUpload {
  initiatedAt: Date | undefined
  /** Canonical ids, where the server tells them. Ceph RGW 16 names the bucket's owner in both, whoever uploads. */
  ownerId: string | undefined
  initiatorId: string | undefined
}
