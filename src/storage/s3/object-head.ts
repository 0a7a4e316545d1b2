import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3'
import { Readable } from 'node:stream'
import { failure, type Where } from '../failure.ts'
import type { ObjectHead, VersionOptions } from '../object-store.ts'
import { parseObjectHeaders } from './object-headers.ts'
import { isUnexplained, request, unquoted } from './request.ts'
import { versionIdOf, versionInput } from './version-id.ts'

/** A HEAD answer has no body to say why: a refusal is asked again as a GET of one byte, whose answer has. */
export async function headObject(
  client: S3Client,
  bucket: string,
  objectKey: string,
  options: VersionOptions = {},
): Promise<ObjectHead> {
  const where = { operation: 'HeadObject', bucket, objectKey }
  const input = { Bucket: bucket, Key: objectKey, ...versionInput(options) }
  const head = async (): Promise<ObjectHead> => {
    const answer = await request(where, options, (settings) =>
      client.send(new HeadObjectCommand(input), settings),
    )
    const { ContentLength } = answer
    if (ContentLength === undefined) throw failure('STORE_FAILURE', where, 'the answer has no Content-Length')
    return headOf(answer, ContentLength)
  }
  try {
    return await head()
  } catch (error) {
    if (!isUnexplained(error)) throw error
    await throwReason(client, where, input, options)
    // The reason could be removed meanwhile (remedies.ts).
    return head()
  }
}

/** What an answer of HeadObject or GetObject says of an object of `size` bytes. */
export function headOf(answer: HeadObjectCommandOutput | GetObjectCommandOutput, size: number): ObjectHead {
  const { ETag, LastModified, VersionId, TagCount } = answer
  return {
    size,
    etag: unquoted(ETag) ?? '',
    lastModified: LastModified,
    versionId: versionIdOf(VersionId),
    headers: parseObjectHeaders(answer),
    tagCount: TagCount,
  }
}

async function throwReason(
  client: S3Client,
  where: Where,
  input: { Bucket: string; Key: string; VersionId?: string },
  options: VersionOptions,
): Promise<void> {
  const answer = await request(where, options, (settings) =>
    client.send(new GetObjectCommand({ ...input, Range: 'bytes=0-0' }), settings),
  )
  // A body that is destroyed before it is read must not end the process with an unheard error.
  if (answer.Body instanceof Readable) answer.Body.on('error', () => undefined).destroy()
}
