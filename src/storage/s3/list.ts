import { ListObjectsV2Command, ListObjectVersionsCommand, type S3Client } from '@aws-sdk/client-s3'
import { hasCode } from '../../util/errors.ts'
import { failure } from '../failure.ts'
import type { ListObjectsOptions, ObjectEntry, RequestOptions } from '../object-store.ts'
import { decoderOf, nextPage } from './pages.ts'
import { request, unquoted } from './request.ts'

/** S3's own limit of a page. */
const PAGE_SIZE = 1000

/** Pages without an object, one after the other, after which a listing is given up: it would never end. */
const MOST_EMPTY_PAGES = 1000

export async function* listObjects(
  client: S3Client,
  bucket: string,
  options: ListObjectsOptions = {},
): AsyncGenerator<ObjectEntry> {
  const where = { operation: 'ListObjectsV2', bucket }
  let left = options.limit ?? Infinity
  let token: string | undefined
  let emptyPages = 0
  while (left > 0) {
    const command = pageOf(bucket, options, Math.min(left, PAGE_SIZE), token)
    const page = await request(where, options, (settings) => client.send(command, settings))
    const decode = decoderOf(where, page.EncodingType)
    for (const { Key, Size, ETag, LastModified, Owner } of page.Contents ?? []) {
      if (Key === undefined || Size === undefined) continue
      yield {
        objectKey: decode(Key),
        size: Size,
        etag: unquoted(ETag) ?? '',
        lastModified: LastModified,
        ownerId: Owner?.ID,
      }
      left -= 1
    }
    emptyPages = (page.Contents ?? []).length === 0 ? emptyPages + 1 : 0
    if (emptyPages > MOST_EMPTY_PAGES) {
      throw failure('STORE_FAILURE', where, `the listing goes on after ${MOST_EMPTY_PAGES} empty pages`)
    }
    token = nextPage(where, page.IsTruncated, token, page.NextContinuationToken)
    if (token === undefined) return
  }
}

function pageOf(
  bucket: string,
  { prefix, startAfter }: ListObjectsOptions,
  size: number,
  token: string | undefined,
): ListObjectsV2Command {
  return new ListObjectsV2Command({
    Bucket: bucket,
    FetchOwner: true,
    // Object keys may hold characters that XML 1.0 can't.
    EncodingType: 'url',
    MaxKeys: size,
    ...(prefix === undefined ? {} : { Prefix: prefix }),
    ...(token === undefined ? {} : { ContinuationToken: token }),
    ...(token !== undefined || startAfter === undefined ? {} : { StartAfter: startAfter }),
  })
}

/** Servers without versions may answer the bare listing, which has no `Version` entries: the objects themselves are asked for as well. */
export async function hasAnyVersion(
  client: S3Client,
  bucket: string,
  options?: RequestOptions,
): Promise<boolean> {
  try {
    const command = new ListObjectVersionsCommand({ Bucket: bucket, MaxKeys: 1 })
    const page = await request({ operation: 'ListObjectVersions', bucket }, options, (settings) =>
      client.send(command, settings),
    )
    if ((page.Versions?.length ?? 0) > 0 || (page.DeleteMarkers?.length ?? 0) > 0) return true
  } catch (error) {
    if (!hasCode(error, 'UNSUPPORTED')) throw error
  }
  for await (const _object of listObjects(client, bucket, { ...options, limit: 1 })) return true
  return false
}
