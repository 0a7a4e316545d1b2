import { GetObjectTaggingCommand, PutObjectTaggingCommand, type S3Client } from '@aws-sdk/client-s3'
import { hasCode } from '../../util/errors.ts'
import type { ObjectTags } from '../copy-store.ts'
import { StorageError } from '../errors.ts'
import { failure } from '../failure.ts'
import type { VersionOptions } from '../object-store.ts'
import { request } from './request.ts'
import { versionInput } from './version-id.ts'

/** Tags as `x-amz-tagging` has them: a query string. */
export function serializeTags(tags: ObjectTags): string {
  return Object.entries(tags)
    .map((pair) => pair.map(encodeURIComponent).join('='))
    .join('&')
}

/** A server that does not know `?tagging` may answer with the object: that is no tag set, and never read as one. */
export async function objectTags(
  client: S3Client,
  bucket: string,
  objectKey: string,
  options: VersionOptions = {},
): Promise<ObjectTags> {
  const where = { operation: 'GetObjectTagging', bucket, objectKey }
  const command = new GetObjectTaggingCommand({ Bucket: bucket, Key: objectKey, ...versionInput(options) })
  try {
    const { TagSet } = await request(where, options, (settings) => client.send(command, settings))
    // Ceph RGW 16.2 answers `<TagSet/>` for no tags; without the element it is another answer.
    if (TagSet === undefined) throw failure('UNSUPPORTED', where, 'the answer is not a tag set')
    return Object.fromEntries(TagSet.map(({ Key = '', Value = '' }) => [Key, Value]))
  } catch (error) {
    if (hasCode(error, 'STORE_FAILURE') && error instanceof StorageError && error.status === 200) {
      throw failure('UNSUPPORTED', where, 'the answer is not a tag set', { cause: error })
    }
    throw error
  }
}

export async function putObjectTags(
  client: S3Client,
  bucket: string,
  objectKey: string,
  tags: ObjectTags,
  options: VersionOptions = {},
): Promise<void> {
  await objectTags(client, bucket, objectKey, options)
  const command = new PutObjectTaggingCommand({
    Bucket: bucket,
    Key: objectKey,
    ...versionInput(options),
    Tagging: { TagSet: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) },
  })
  const where = { operation: 'PutObjectTagging', bucket, objectKey }
  await request(where, options, (settings) => client.send(command, settings))
}
