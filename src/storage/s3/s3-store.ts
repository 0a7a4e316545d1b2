import type { Store } from '../store.ts'
import * as access from './access.ts'
import * as buckets from './buckets.ts'
import { createS3Client } from './client.ts'
import type { ConnectionSettings } from './connection.ts'
import * as list from './list.ts'
import * as multipart from './multipart.ts'
import * as objects from './objects.ts'

/**
 * An S3 store: AWS, Ceph RGW, MinIO and others. Sends each request once; wrap it in withRetry for real work.
 * Requests outside a fixed list are never sent (allowed-requests.ts).
 */
export function createS3Store(settings: ConnectionSettings): Store {
  const client = createS3Client(settings)
  return {
    createBucket: (...args) => buckets.createBucket(client, ...args),
    bucketState: (...args) => buckets.bucketState(client, ...args),
    listBuckets: (...args) => buckets.listBuckets(client, ...args),
    deleteBucket: (...args) => buckets.deleteBucket(client, ...args),
    bucketVersioning: (...args) => buckets.bucketVersioning(client, ...args),
    enableVersioning: (...args) => buckets.enableVersioning(client, ...args),
    headObject: (...args) => objects.headObject(client, ...args),
    getObject: (...args) => objects.getObject(client, ...args),
    putObject: (...args) => objects.putObject(client, ...args),
    deleteObject: (...args) => objects.deleteObject(client, ...args),
    listObjects: (...args) => list.listObjects(client, ...args),
    hasAnyVersion: (...args) => list.hasAnyVersion(client, ...args),
    createMultipartUpload: (...args) => multipart.createMultipartUpload(client, ...args),
    uploadPart: (...args) => multipart.uploadPart(client, ...args),
    completeMultipartUpload: (...args) => multipart.completeMultipartUpload(client, ...args),
    abortMultipartUpload: (...args) => multipart.abortMultipartUpload(client, ...args),
    listParts: (...args) => multipart.listParts(client, ...args),
    listMultipartUploads: (...args) => multipart.listMultipartUploads(client, ...args),
    bucketPolicy: (...args) => access.bucketPolicy(client, ...args),
    putBucketPolicy: (...args) => access.putBucketPolicy(client, ...args),
    deleteBucketPolicy: (...args) => access.deleteBucketPolicy(client, ...args),
    bucketAcl: (...args) => access.bucketAcl(client, ...args),
    putBucketAcl: (...args) => access.putBucketAcl(client, ...args),
    objectAcl: (...args) => access.objectAcl(client, ...args),
    putObjectAcl: (...args) => access.putObjectAcl(client, ...args),
    close: () => {
      client.destroy()
    },
  }
}
