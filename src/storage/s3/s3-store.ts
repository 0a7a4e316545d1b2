import type { Store } from '../store.ts'
import * as access from './access.ts'
import * as buckets from './buckets.ts'
import { createS3Client } from './client.ts'
import { type ConnectionSettings, DEFAULT_IDLE_TIMEOUT, protectsBodies } from './connection.ts'
import * as copies from './copies.ts'
import { type FreshCredentials, freshCredentials } from './fresh-credentials.ts'
import * as list from './list.ts'
import * as multipart from './multipart.ts'
import { headObject } from './object-head.ts'
import * as tags from './object-tags.ts'
import * as objects from './objects.ts'
import { recogniseProvider } from './recognised-provider.ts'
import { signedGet } from './signed-get.ts'
import type { Wire } from './sent-body.ts'
import * as versions from './versions.ts'

/** An S3 store knows more than others. */
export interface S3Store extends Store {
  /** When the keys in use end, where that is known. They may be renewed then. */
  credentialsExpireAt(): Promise<Date | undefined>
}

/**
 * An S3 store: AWS, Ceph RGW, MinIO and others. Sends each request once; wrap it in withRetry for real work.
 * Requests outside a fixed list are never sent (allowed-requests.ts).
 */
export function createS3Store(settings: ConnectionSettings): S3Store {
  // Credentials end by the store's clock: this machine's may be wrong.
  const now = (): number => Date.now() + client.config.systemClockOffset
  const credentials = credentialsOf(settings, now)
  const client = createS3Client(settings, credentials)
  const recogniser = recogniseProvider(client, settings.provider)
  const wire: Wire = { pace: settings.pace, protectsBodies: protectsBodies(settings.endpoint) }
  const { idleTimeout = DEFAULT_IDLE_TIMEOUT } = settings
  return {
    createBucket: (...args) => buckets.createBucket(client, ...args),
    bucketState: (...args) => buckets.bucketState(client, ...args),
    listBuckets: (...args) => buckets.listBuckets(client, ...args),
    deleteBucket: (...args) => buckets.deleteBucket(client, ...args),
    bucketVersioning: (...args) => buckets.bucketVersioning(client, ...args),
    enableVersioning: (...args) => buckets.enableVersioning(client, ...args),
    headObject: (...args) => headObject(client, ...args),
    getObject: (...args) => objects.getObject(client, wire, ...args),
    // Only this thread keeps the pace.
    signedGet: async (...args) =>
      settings.pace === undefined ? signedGet(client, idleTimeout, ...args) : undefined,
    putObject: (...args) => objects.putObject(client, wire, ...args),
    deleteObject: (...args) => objects.deleteObject(client, ...args),
    listObjects: (...args) => list.listObjects(client, ...args),
    hasAnyVersion: (...args) => list.hasAnyVersion(client, ...args),
    listVersions: (...args) => versions.listVersions(client, ...args),
    deleteVersion: (...args) => versions.deleteVersion(client, ...args),
    copyObject: (...args) => copies.copyObject(client, ...args),
    copyPart: (...args) => copies.copyPart(client, ...args),
    objectTags: (...args) => tags.objectTags(client, ...args),
    putObjectTags: (...args) => tags.putObjectTags(client, ...args),
    createMultipartUpload: (...args) => multipart.createMultipartUpload(client, ...args),
    uploadPart: (...args) => multipart.uploadPart(client, wire, ...args),
    completeMultipartUpload: (...args) => multipart.completeMultipartUpload(client, ...args),
    abortMultipartUpload: (...args) => multipart.abortMultipartUpload(client, ...args),
    listParts: (...args) => multipart.listParts(client, ...args),
    listMultipartUploads: (...args) => multipart.listMultipartUploads(client, ...args),
    provider: (...args) => recogniser.provider(...args),
    bucketPolicy: (...args) => access.bucketPolicy(client, ...args),
    putBucketPolicy: (...args) => access.putBucketPolicy(client, ...args),
    deleteBucketPolicy: (...args) => access.deleteBucketPolicy(client, ...args),
    bucketAcl: (...args) => access.bucketAcl(client, ...args),
    putBucketAcl: (...args) => access.putBucketAcl(client, ...args),
    objectAcl: (...args) => access.objectAcl(client, ...args),
    putObjectAcl: (...args) => access.putObjectAcl(client, ...args),
    credentialsExpireAt: async () => (await credentials?.current())?.expiration,
    close: () => {
      client.destroy()
    },
  }
}

function credentialsOf(
  { credentials, readCredentials }: ConnectionSettings,
  now: () => number,
): FreshCredentials | undefined {
  if (credentials === 'anonymous') return undefined
  if (typeof credentials === 'function') return freshCredentials({ read: credentials, now })
  return freshCredentials({ first: credentials, read: readCredentials ?? (async () => credentials), now })
}
