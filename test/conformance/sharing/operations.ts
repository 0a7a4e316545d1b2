import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketAclCommand,
  GetBucketPolicyCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutBucketAclCommand,
  PutBucketPolicyCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3'

/** An unfinished multipart upload with one part. */
export interface Upload {
  Key: string
  UploadId: string
  etag: string
}

/** What an operation is tried on; each target is used once. */
export interface Targets {
  /** As the caller addresses it. */
  Bucket: string
  /** The bucket's own policy: whoever may write it changes nothing. */
  policy: string
  /** A new object of the owner's. */
  data: () => Promise<string>
  /** A new object of the owner's in the key card. */
  card: () => Promise<string>
  /** An object that the grantee delivered, or the owner where the grantee could not. */
  delivered: () => Promise<string>
  /** An unfinished upload of the same. */
  upload: () => Promise<Upload>
  /** A key that no object has. */
  freshKey: () => string
}

type Attempt = (s3: S3Client, targets: Targets) => Promise<unknown>

/** What somebody may try at a bucket, with the plain SDK: nothing of sealift decides what is sent. */
export const OPERATIONS = {
  ListObjects: (s3, { Bucket }) => s3.send(new ListObjectsV2Command({ Bucket })),
  'ListObjects of keys/': (s3, { Bucket }) => s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'keys/' })),
  ListObjectVersions: (s3, { Bucket }) => s3.send(new ListObjectVersionsCommand({ Bucket })),
  ListMultipartUploads: (s3, { Bucket }) => s3.send(new ListMultipartUploadsCommand({ Bucket })),
  HeadObject: async (s3, { Bucket, data }) => s3.send(new HeadObjectCommand({ Bucket, Key: await data() })),
  GetObject: async (s3, { Bucket, data }) => readAll(s3, Bucket, await data()),
  'GetObject of a key': async (s3, { Bucket, card }) => readAll(s3, Bucket, await card()),
  'GetObject of a delivery': async (s3, { Bucket, delivered }) => readAll(s3, Bucket, await delivered()),
  PutObject: (s3, { Bucket, freshKey }) =>
    s3.send(new PutObjectCommand({ Bucket, Key: freshKey(), Body: BODY })),
  'PutObject over another': async (s3, { Bucket, data }) =>
    s3.send(new PutObjectCommand({ Bucket, Key: await data(), Body: BODY })),
  'PutObject of a key': (s3, { Bucket, freshKey }) =>
    s3.send(new PutObjectCommand({ Bucket, Key: `keys/${freshKey()}.pub`, Body: BODY })),
  'PutObject over a key': async (s3, { Bucket, card }) =>
    s3.send(new PutObjectCommand({ Bucket, Key: await card(), Body: BODY })),
  CreateMultipartUpload: (s3, { Bucket, freshKey }) =>
    s3.send(new CreateMultipartUploadCommand({ Bucket, Key: freshKey() })),
  UploadPart: async (s3, { Bucket, upload }) => {
    const { Key, UploadId } = await upload()
    return s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 2, Body: BODY }))
  },
  ListParts: async (s3, { Bucket, upload }) => {
    const { Key, UploadId } = await upload()
    return s3.send(new ListPartsCommand({ Bucket, Key, UploadId }))
  },
  CompleteMultipartUpload: async (s3, { Bucket, upload }) => {
    const { Key, UploadId, etag } = await upload()
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: etag }] }
    return s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }))
  },
  AbortMultipartUpload: async (s3, { Bucket, upload }) => {
    const { Key, UploadId } = await upload()
    return s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }))
  },
  CopyObject: async (s3, { Bucket, data, freshKey }) =>
    s3.send(new CopyObjectCommand({ Bucket, Key: freshKey(), CopySource: `${Bucket}/${await data()}` })),
  DeleteObject: async (s3, { Bucket, data }) =>
    s3.send(new DeleteObjectCommand({ Bucket, Key: await data() })),
  'DeleteObject of a delivery': async (s3, { Bucket, delivered }) =>
    s3.send(new DeleteObjectCommand({ Bucket, Key: await delivered() })),
  'DeleteObject of a key': async (s3, { Bucket, card }) =>
    s3.send(new DeleteObjectCommand({ Bucket, Key: await card() })),
  DeleteObjects: async (s3, { Bucket, data }) =>
    s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: await data() }] } })),
  GetBucketPolicy: (s3, { Bucket }) => s3.send(new GetBucketPolicyCommand({ Bucket })),
  PutBucketPolicy: (s3, { Bucket, policy }) =>
    s3.send(new PutBucketPolicyCommand({ Bucket, Policy: policy })),
  GetBucketAcl: (s3, { Bucket }) => s3.send(new GetBucketAclCommand({ Bucket })),
  PutBucketAcl: (s3, { Bucket }) => s3.send(new PutBucketAclCommand({ Bucket, ACL: 'private' })),
  GetObjectAcl: async (s3, { Bucket, data }) =>
    s3.send(new GetObjectAclCommand({ Bucket, Key: await data() })),
  'GetObjectAcl of a key': async (s3, { Bucket, card }) =>
    s3.send(new GetObjectAclCommand({ Bucket, Key: await card() })),
  'GetObjectAcl of a delivery': async (s3, { Bucket, delivered }) =>
    s3.send(new GetObjectAclCommand({ Bucket, Key: await delivered() })),
  PutObjectAcl: async (s3, { Bucket, data }) =>
    s3.send(new PutObjectAclCommand({ Bucket, Key: await data(), ACL: KEEPS_OWNER })),
  'PutObjectAcl of a delivery': async (s3, { Bucket, delivered }) =>
    s3.send(new PutObjectAclCommand({ Bucket, Key: await delivered(), ACL: KEEPS_OWNER })),
  DeleteBucket: (s3, { Bucket }) => s3.send(new DeleteBucketCommand({ Bucket })),
} as const satisfies Record<string, Attempt>

export type Operation = keyof typeof OPERATIONS

/** `allowed`, `denied`, or what else the server said: neither a right nor its absence. */
export type Answer = 'allowed' | 'denied' | `failed: ${string}`

/** Tries an operation and tells whether it was the right to it that decided. */
export async function attempt(operation: Operation, s3: S3Client, targets: Targets): Promise<Answer> {
  try {
    const answer = await OPERATIONS[operation](s3, targets)
    // DeleteObjects answers 200, with a refusal for each object.
    const refused = (answer as { Errors?: readonly { Code?: string }[] }).Errors?.[0]?.Code
    if (refused === undefined) return 'allowed'
    return refused === 'AccessDenied' ? 'denied' : `failed: ${refused}`
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error
    const status = error.$metadata.httpStatusCode
    if (status === 403) return 'denied'
    // The bucket would have been deleted, had it been empty.
    if (error.name === 'BucketNotEmpty') return 'allowed'
    return `failed: ${status} ${error.name}`
  }
}

const BODY = Buffer.from('sealed')

/** An ACL that leaves the bucket's owner in: who may write it takes nothing away from anybody. */
const KEEPS_OWNER = 'bucket-owner-full-control'

async function readAll(s3: S3Client, Bucket: string, Key: string): Promise<unknown> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
  return { content: await Body?.transformToString() }
}
