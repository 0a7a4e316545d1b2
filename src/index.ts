/**
 * The library: what the commands are made of, for programs. Streams in, streams out; no terminal, no environment.
 * Failures are AppErrors with a stable `code`.
 */
export { AppError, hasCode, type ErrorCode } from './util/errors.ts'

// Crypt4GH
export { decryptStream, encryptStream } from './crypto/crypt4gh/crypt4gh.ts'
export { looksLikeCrypt4gh, parseHeader, readHeader, type Header } from './crypto/crypt4gh/header.ts'
export { openHeader, type OpenedHeader } from './crypto/crypt4gh/open-header.ts'
export { sealHeader, type HeaderContents } from './crypto/crypt4gh/seal-header.ts'
export { openStream, sealStream } from './crypto/crypt4gh/segments.ts'
export { encryptedBodySize, plaintextBodySize, sealedHeaderSize } from './crypto/crypt4gh/sizes.ts'

// Keys
export { fingerprint } from './crypto/keys/fingerprint.ts'
export { generateKeyPair, type KeyPair } from './crypto/keys/key-pair.ts'
export { parsePublicKeys, serializePublicKey, type PublicKeyFile } from './crypto/keys/public-key-file.ts'
export { parseSecretKey, serializeSecretKey, type SecretKeyFile } from './crypto/keys/secret-key-file.ts'

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
