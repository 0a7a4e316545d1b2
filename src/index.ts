/**
 * The library: what the commands are made of, for programs. Streams in, streams out; no terminal, no environment.
 * Failures are AppErrors with a stable `code`.
 */
export * from './crypt4gh.ts'

// Stores
export { connect, type ConnectRequest } from './workflows/connect.ts'
export type { ObjectStore } from './storage/object-store.ts'
export type { AccessStore } from './storage/access/access-store.ts'
export { createMemoryStore } from './storage/memory-store.ts'
export { parseGrantee, serializeGrantee, type Grantee } from './storage/access/grantee.ts'

// Workflows
export { closeBucket } from './workflows/close-bucket.ts'
export { download, type DownloadRequest, type DownloadResult } from './workflows/download.ts'
export { findBucketKeys } from './workflows/bucket-keys.ts'
export { grantAccess } from './workflows/grant-access.ts'
export { openBucket } from './workflows/open-bucket.ts'
export { revokeAccess } from './workflows/revoke-access.ts'
export { showAccess } from './workflows/show-access.ts'
export { upload, type UploadRequest, type UploadResult } from './workflows/upload.ts'
