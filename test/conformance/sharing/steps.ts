import {
  CreateMultipartUploadCommand,
  GetBucketAclCommand,
  GetBucketPolicyCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3'

/** Keys of the objects that a caller may list, in order. */
export async function keysOf(s3: S3Client, Bucket: string, Prefix?: string): Promise<string[]> {
  const { Contents = [] } = await s3.send(
    new ListObjectsV2Command({ Bucket, ...(Prefix === undefined ? {} : { Prefix }) }),
  )
  return Contents.map(({ Key }) => Key ?? '').sort()
}

export async function put(s3: S3Client, Bucket: string, Key: string, Body = Key): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket, Key, Body }))
}

export async function get(s3: S3Client, Bucket: string, Key: string): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
  return (await Body?.transformToString()) ?? ''
}

/** An upload that is under way: created, with one part, not completed. */
export async function beginUpload(
  s3: S3Client,
  Bucket: string,
  Key: string,
): Promise<{ Bucket: string; Key: string; UploadId: string; ETag: string }> {
  const { UploadId = '' } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  const part = { Bucket, Key, UploadId, PartNumber: 1, Body: 'part' }
  const { ETag = '' } = await s3.send(new UploadPartCommand(part))
  return { Bucket, Key, UploadId, ETag }
}

/** Keys of the unfinished uploads, as the owner sees them. */
export async function unfinished(s3: S3Client, Bucket: string): Promise<string[]> {
  const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket }))
  return Uploads.map(({ Key }) => Key ?? '').sort()
}

/** What a refused or failed command must leave as it was: the owner's buckets, and of one its policy, ACL and objects. */
export async function stateOf(s3: S3Client, Bucket: string): Promise<unknown> {
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}))
  const policy = (): Promise<object> => s3.send(new GetBucketPolicyCommand({ Bucket }))
  const acl = (): Promise<object> => s3.send(new GetBucketAclCommand({ Bucket }))
  return {
    buckets: Buckets.map(({ Name }) => Name).sort(),
    policy: await answerOf(policy),
    acl: await answerOf(acl),
    objects: await keysOf(s3, Bucket),
  }
}

async function answerOf(send: () => Promise<object>): Promise<unknown> {
  try {
    return { ...(await send()), $metadata: undefined }
  } catch (error) {
    if (error instanceof S3ServiceException) return error.name
    throw error
  }
}
