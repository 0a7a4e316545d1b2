import {
  CreateBucketCommand,
  DeleteBucketCommand,
  GetBucketVersioningCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { hasCode } from '../../util/errors.ts'
import { failure } from '../failure.ts'
import type { BucketEntry, RequestOptions, Versioning } from '../object-store.ts'
import { nextPage } from './pages.ts'
import { isUnexplained, request } from './request.ts'

/** Ceph RGW answers 200 to an owner's second CreateBucket: whether the name is free is asked first. */
export async function createBucket(
  client: S3Client,
  bucket: string,
  options?: RequestOptions,
): Promise<void> {
  const where = { operation: 'CreateBucket', bucket }
  if ((await bucketState(client, bucket, options)) !== 'absent') throw failure('BUCKET_EXISTS', where)
  await request(where, options, (settings) =>
    client.send(new CreateBucketCommand({ Bucket: bucket }), settings),
  )
}

/** A HEAD answer has no body to say why: a 403 or 400 is asked again as a GET, so that wrong credentials are not taken for `forbidden`. */
export async function bucketState(
  client: S3Client,
  bucket: string,
  options?: RequestOptions,
): Promise<'visible' | 'forbidden' | 'absent'> {
  try {
    await request({ operation: 'HeadBucket', bucket }, options, (settings) =>
      client.send(new HeadBucketCommand({ Bucket: bucket }), settings),
    )
    return 'visible'
  } catch (error) {
    if (hasCode(error, 'BUCKET_NOT_FOUND')) return 'absent'
    if (!isUnexplained(error)) throw error
    return stateByListing(client, bucket, options)
  }
}

async function stateByListing(
  client: S3Client,
  bucket: string,
  options: RequestOptions | undefined,
): Promise<'visible' | 'forbidden' | 'absent'> {
  try {
    await request({ operation: 'HeadBucket', bucket }, options, (settings) =>
      client.send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 }), settings),
    )
    return 'visible'
  } catch (error) {
    if (hasCode(error, 'BUCKET_NOT_FOUND')) return 'absent'
    if (hasCode(error, 'ACCESS_DENIED')) return 'forbidden'
    throw error
  }
}

export async function listBuckets(client: S3Client, options?: RequestOptions): Promise<BucketEntry[]> {
  const where = { operation: 'ListBuckets' }
  const entries: BucketEntry[] = []
  let token: string | undefined
  do {
    const input = token === undefined ? {} : { ContinuationToken: token }
    const page = await request(where, options, (settings) =>
      client.send(new ListBucketsCommand(input), settings),
    )
    if (page.Owner === undefined && page.Buckets === undefined) {
      throw failure('STORE_FAILURE', where, 'the answer is not a listing')
    }
    for (const { Name, CreationDate } of page.Buckets ?? []) {
      if (Name !== undefined) entries.push({ bucket: Name, createdAt: CreationDate })
    }
    token = nextPage(where, page.ContinuationToken !== undefined, token, page.ContinuationToken)
  } while (token !== undefined)
  return entries
}

export async function deleteBucket(
  client: S3Client,
  bucket: string,
  options?: RequestOptions,
): Promise<void> {
  await request({ operation: 'DeleteBucket', bucket }, options, (settings) =>
    client.send(new DeleteBucketCommand({ Bucket: bucket }), settings),
  )
}

export async function bucketVersioning(
  client: S3Client,
  bucket: string,
  options?: RequestOptions,
): Promise<Versioning> {
  try {
    const answer = await request({ operation: 'GetBucketVersioning', bucket }, options, (settings) =>
      client.send(new GetBucketVersioningCommand({ Bucket: bucket }), settings),
    )
    if (answer.Status === 'Enabled') return 'enabled'
    return answer.Status === 'Suspended' ? 'suspended' : 'off'
  } catch (error) {
    if (hasCode(error, 'UNSUPPORTED')) return 'unsupported'
    throw error
  }
}

/** Reads back: a server that does not know the sub-resource may answer 200 to anything. */
export async function enableVersioning(
  client: S3Client,
  bucket: string,
  options?: RequestOptions,
): Promise<void> {
  const where = { operation: 'PutBucketVersioning', bucket }
  const input = { Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } } as const
  await request(where, options, (settings) => client.send(new PutBucketVersioningCommand(input), settings))
  if ((await bucketVersioning(client, bucket, options)) !== 'enabled') {
    throw failure('UNSUPPORTED', where, 'accepted, but not in force')
  }
}
