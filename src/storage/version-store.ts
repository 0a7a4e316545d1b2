import type { PrefixOptions, RequestOptions } from './object-store.ts'

/** What a bucket keeps of overwritten and deleted objects. Implemented beside ObjectStore. */
export interface VersionStore {
  /**
   * Every version and delete marker, by object key, each key's newest first (ListObjectVersions). In a bucket that
   * never had versioning these are the objects themselves, with the version id `null`.
   * Throws UNSUPPORTED where the server has no versions.
   */
  listVersions(bucket: string, options?: PrefixOptions): AsyncIterable<VersionEntry>
  /**
   * Deletes one version or delete marker for good; one that does not exist is no failure (DeleteObject with versionId).
   * Only for ids that were listed: a server without versions would take it for the object itself.
   */
  deleteVersion(bucket: string, objectKey: string, versionId: string, options?: RequestOptions): Promise<void>
}

export interface VersionEntry {
  kind: 'object' | 'delete-marker'
  objectKey: string
  /** `null` for the version that was stored without versioning: every request takes it by this name. */
  versionId: string
  isLatest: boolean
  /** Bytes; 0 for a delete marker. */
  size: number
  /** Empty for a delete marker. */
  etag: string
  lastModified: Date | undefined
  /** Canonical id of the owner, where the server tells it. */
  ownerId: string | undefined
}
