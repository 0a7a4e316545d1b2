import type {
  ByteRange,
  CannedAcl,
  MultipartUpload,
  ObjectHeaders,
  ObjectName,
  ObjectTags,
  RequestOptions,
  UploadedPart,
  VersionOptions,
} from './object-store.ts'

/**
 * Copies that the server makes: no byte passes through the caller. Implemented beside ObjectStore.
 *
 * - The caller must be allowed to read the source and to write the target; the copy belongs to the caller on servers
 *   where objects belong to who stored them (Ceph RGW), also the copy of an object onto itself.
 * - A failure inside an answer of status 200 is a failure (S3 answers so when a long copy fails on the way).
 * - No condition on the source is asked for: Ceph RGW 16.2 ignores `x-amz-copy-source-if-match`. Look at the source
 *   before and afterwards, or name its version.
 */
export interface CopyStore {
  /**
   * Copies an object of up to 5 GiB whole (CopyObject). With `headers` the copy gets these instead of the source's, which
   * a copy onto itself has to; Ceph RGW 16.2 drops the tags then, whatever the tagging directive says, and keeps them
   * otherwise. Throws OBJECT_NOT_FOUND or ACCESS_DENIED, of source and target alike.
   */
  copyObject(source: ObjectSource, target: ObjectName, options?: CopyObjectOptions): Promise<CopiedObject>
  /**
   * Stores a part that is a range of an object, or all of it, up to 5 GiB (UploadPartCopy). On Ceph RGW 16.2 only the
   * source's ACL lets the caller read it here, not the bucket's policy.
   * Throws OBJECT_CHANGED when the object is too short for the range, UPLOAD_NOT_FOUND, and UNSUPPORTED, without asking
   * the server, for a source whose key has a percent sign: Ceph RGW 16.2 would copy another object (copied-part.ts).
   */
  copyPart(
    upload: MultipartUpload,
    partNumber: number,
    source: ObjectSource & { range?: ByteRange | undefined },
    options?: RequestOptions,
  ): Promise<UploadedPart>
  /** The tags of an object or of one version (GetObjectTagging). Throws UNSUPPORTED where the server has no tags. */
  objectTags(bucket: string, objectKey: string, options?: VersionOptions): Promise<ObjectTags>
  /**
   * Replaces the tags of an object (PutObjectTagging). Looks first and throws UNSUPPORTED where the server has no tags:
   * it could take the request for a PutObject.
   */
  putObjectTags(bucket: string, objectKey: string, tags: ObjectTags, options?: VersionOptions): Promise<void>
}

/** An object, or one version of it, that is copied from. */
export interface ObjectSource extends ObjectName {
  versionId?: string | undefined
}

export type { ObjectTags } from './object-store.ts'

export interface CopyObjectOptions extends RequestOptions {
  /** Replaces what the source says of itself (MetadataDirective REPLACE). */
  headers?: ObjectHeaders | undefined
  acl?: CannedAcl | undefined
}

export interface CopiedObject {
  /** Undefined where the server answers without one. */
  etag: string | undefined
  versionId: string | undefined
}
