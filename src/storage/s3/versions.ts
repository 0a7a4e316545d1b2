import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3'
import { hasCode } from '../../util/errors.ts'
import { failure } from '../failure.ts'
import type { PrefixOptions, RequestOptions } from '../object-store.ts'
import type { VersionEntry } from '../version-store.ts'
import { listObjects } from './list.ts'
import { decoderOf, nextPage } from './pages.ts'
import { request, unquoted } from './request.ts'

interface Marker {
  KeyMarker: string
  VersionIdMarker: string
}

export async function* listVersions(
  client: S3Client,
  bucket: string,
  { prefix, signal }: PrefixOptions = {},
): AsyncGenerator<VersionEntry> {
  const where = { operation: 'ListObjectVersions', bucket }
  const from = prefix === undefined ? {} : { Prefix: prefix }
  let isEmpty = true
  let marker: Marker | undefined
  do {
    // Object keys may hold characters that XML 1.0 can't.
    const input = { Bucket: bucket, EncodingType: 'url', ...from, ...marker } as const
    const command = new ListObjectVersionsCommand(input)
    const page = await request(where, { signal }, (settings) => client.send(command, settings))
    const entries = entriesOf(page)
    isEmpty &&= entries.length === 0
    yield* entries
    marker = nextPage(where, page.IsTruncated, marker, nextMarker(page, entries))
  } while (marker !== undefined)
  // A server that does not know `?versions` answers the bare listing, which has no `Version` entries.
  if (isEmpty && (await hasObject(client, bucket, { prefix, signal }))) {
    throw failure('UNSUPPORTED', where, 'the answer is not a listing of versions')
  }
}

async function hasObject(client: S3Client, bucket: string, options: PrefixOptions): Promise<boolean> {
  for await (const _object of listObjects(client, bucket, { ...options, limit: 1 })) return true
  return false
}

/** Versions and delete markers of one page, by key and newest first: the answer has them in two lists. */
function entriesOf(page: ListObjectVersionsCommandOutput): VersionEntry[] {
  const where = { operation: 'ListObjectVersions', bucket: page.Name }
  const decode = decoderOf(where, page.EncodingType)
  const named = (key: string | undefined, versionId: string | undefined) => {
    if (key === undefined || versionId === undefined || versionId === '') {
      throw failure('STORE_FAILURE', where, 'a version is listed without object key or id')
    }
    return { objectKey: decode(key), versionId }
  }
  const versions = (page.Versions ?? []).map((entry): VersionEntry => {
    if (entry.Size === undefined)
      throw failure('STORE_FAILURE', where, 'a version is listed without its size')
    return {
      kind: 'object',
      ...named(entry.Key, entry.VersionId),
      isLatest: entry.IsLatest === true,
      size: entry.Size,
      etag: unquoted(entry.ETag) ?? '',
      lastModified: entry.LastModified,
      ownerId: entry.Owner?.ID,
    }
  })
  const markers = (page.DeleteMarkers ?? []).map((entry): VersionEntry => ({
    kind: 'delete-marker',
    ...named(entry.Key, entry.VersionId),
    isLatest: entry.IsLatest === true,
    size: 0,
    etag: '',
    lastModified: entry.LastModified,
    ownerId: entry.Owner?.ID,
  }))
  return [...versions, ...markers].sort(inOrder)
}

/** By the UTF-8 bytes of the key, then the newest first; equal times stay as the server lists them. */
function inOrder(a: VersionEntry, b: VersionEntry): number {
  return (
    Buffer.compare(Buffer.from(a.objectKey), Buffer.from(b.objectKey)) ||
    Number(b.isLatest) - Number(a.isLatest) ||
    (b.lastModified?.getTime() ?? 0) - (a.lastModified?.getTime() ?? 0)
  )
}

/**
 * Ceph RGW 16.2 encodes the keys of a page and not its NextKeyMarker, AWS both. A page ends with its last key, so that
 * tells which one it is.
 */
function nextMarker(
  page: ListObjectVersionsCommandOutput,
  entries: readonly VersionEntry[],
): Marker | undefined {
  const { NextKeyMarker, NextVersionIdMarker = '' } = page
  if (NextKeyMarker === undefined || NextKeyMarker === '') return undefined
  const isPlain = entries.at(-1)?.objectKey === NextKeyMarker
  const where = { operation: 'ListObjectVersions', bucket: page.Name }
  const KeyMarker = isPlain ? NextKeyMarker : decoderOf(where, page.EncodingType)(NextKeyMarker)
  return { KeyMarker, VersionIdMarker: NextVersionIdMarker }
}

export async function deleteVersion(
  client: S3Client,
  bucket: string,
  objectKey: string,
  versionId: string,
  options?: RequestOptions,
): Promise<void> {
  if (versionId === '') throw new RangeError('no version id')
  const command = new DeleteObjectCommand({ Bucket: bucket, Key: objectKey, VersionId: versionId })
  try {
    await request({ operation: 'DeleteObject', bucket, objectKey }, options, (settings) =>
      client.send(command, settings),
    )
  } catch (error) {
    if (!hasCode(error, 'OBJECT_NOT_FOUND')) throw error
  }
}
