import type { Identity } from '../projects.ts'
import type { BucketOperation, Service } from '../request.ts'
import { xmlAnswer } from '../request.ts'
import { S3Error } from '../s3-error.ts'
import type { Bucket } from '../state/bucket.ts'
import type { StoredVersion } from '../state/records.ts'
import { buildXml, type XmlElement } from '../xml.ts'
import { ownerXml } from './acl.ts'
import { type ListingParameters, type Page, parseListing, takePage } from './listing.ts'

interface Entry {
  readonly objectKey: string
  readonly version: StoredVersion
}

/** The continuation token is the last key of the page before, so it stays right when objects come and go. */
export const listObjectsV2: BucketOperation = (request, service) => {
  const { bucket, query } = request
  if (query.get('list-type') !== '2') throw new S3Error('InvalidArgument', 'list-type is 2')
  const listing = parseListing(request)
  const token = query.get('continuation-token')
  const startAfter = query.get('start-after')
  const after = token === undefined ? startAfter : parseToken(token)
  const page = takePage(entries(bucket, listing.prefix, after), ({ objectKey }) => objectKey, {
    ...listing,
    after,
  })
  const withOwner = query.get('fetch-owner') === 'true'
  return xmlAnswer(
    buildXml('ListBucketResult', {
      ...head(bucket, listing, page),
      KeyCount: page.entries.length + page.commonPrefixes.length,
      ContinuationToken: token,
      NextContinuationToken: page.last === undefined ? undefined : buildToken(page.last.objectKey),
      StartAfter: startAfter === undefined ? undefined : listing.encode(startAfter),
      ...contents(page, listing, withOwner, { ...service, identity: request.identity }),
    }),
  )
}

/** The first version of the listing, which some clients still use. */
export const listObjects: BucketOperation = (request, service) => {
  const { bucket, query } = request
  const listing = parseListing(request)
  const marker = query.get('marker') ?? ''
  const after = marker === '' ? undefined : marker
  const page = takePage(entries(bucket, listing.prefix, after), ({ objectKey }) => objectKey, {
    ...listing,
    after,
  })
  return xmlAnswer(
    buildXml('ListBucketResult', {
      ...head(bucket, listing, page),
      Marker: listing.encode(marker),
      NextMarker: page.last === undefined ? undefined : listing.encode(page.last.objectKey),
      ...contents(page, listing, true, { ...service, identity: request.identity }),
    }),
  )
}

function* entries(bucket: Bucket, prefix: string, after: string | undefined): Generator<Entry> {
  for (const objectKey of bucket.keys(prefix, after)) {
    const version = bucket.find(objectKey)
    if (version !== undefined) yield { objectKey, version }
  }
}

function head(bucket: Bucket, listing: ListingParameters, page: Page<Entry>): XmlElement {
  return {
    Name: bucket.record.name,
    Prefix: listing.encode(listing.prefix),
    Delimiter: listing.delimiter === '' ? undefined : listing.encode(listing.delimiter),
    MaxKeys: listing.limit,
    EncodingType: listing.encodingType,
    IsTruncated: page.last !== undefined,
  }
}

function contents(
  page: Page<Entry>,
  { encode }: ListingParameters,
  withOwner: boolean,
  { projects, identity }: Pick<Service, 'projects'> & { identity: Identity },
): XmlElement {
  return {
    Contents: page.entries.map(({ objectKey, version }) => ({
      Key: encode(objectKey),
      LastModified: version.lastModified,
      ETag: `"${version.etag}"`,
      Size: version.size,
      StorageClass: 'STANDARD',
      Owner: withOwner ? ownerXml(version.acl.ownerId, projects, 'listed', identity) : undefined,
    })),
    CommonPrefixes: page.commonPrefixes.map((prefix) => ({ Prefix: encode(prefix) })),
  }
}

function buildToken(objectKey: string): string {
  return Buffer.from(objectKey).toString('base64url')
}

function parseToken(token: string): string {
  if (!/^[\w-]+$/.test(token))
    throw new S3Error('InvalidArgument', 'the continuation token is not one of ours')
  return Buffer.from(token, 'base64url').toString('utf8')
}
