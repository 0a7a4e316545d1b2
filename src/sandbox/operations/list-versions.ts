import type { BucketOperation } from '../request.ts'
import { xmlAnswer } from '../request.ts'
import type { Bucket } from '../state/bucket.ts'
import type { ObjectVersion } from '../state/records.ts'
import { buildXml, type XmlElement } from '../xml.ts'
import { ownerXml } from './acl.ts'
import { parseListing, takePage } from './listing.ts'

interface Entry {
  readonly objectKey: string
  readonly version: ObjectVersion
  readonly latest: boolean
}

/** Every version and delete marker, by key and newest first. */
export const listObjectVersions: BucketOperation = (request, { projects }) => {
  const { bucket, query } = request
  const listing = parseListing(request)
  const { encode } = listing
  const keyMarker = query.get('key-marker') ?? ''
  const versionIdMarker = query.get('version-id-marker') ?? ''
  const page = takePage(
    entries(bucket, listing.prefix, keyMarker, versionIdMarker),
    ({ objectKey }) => objectKey,
    { ...listing, after: keyMarker },
  )
  const described = (kind: ObjectVersion['kind']): XmlElement[] =>
    page.entries
      .filter(({ version }) => version.kind === kind)
      .map(({ objectKey, version, latest }) => ({
        Key: encode(objectKey),
        VersionId: version.versionId,
        IsLatest: latest,
        LastModified: version.lastModified,
        ...(version.kind === 'object'
          ? { ETag: `"${version.etag}"`, Size: version.size, StorageClass: 'STANDARD' }
          : {}),
        Owner: ownerXml(
          version.kind === 'object' ? version.acl.ownerId : version.ownerId,
          projects,
          'version',
        ),
      }))
  return xmlAnswer(
    buildXml('ListVersionsResult', {
      Name: bucket.record.name,
      Prefix: encode(listing.prefix),
      Delimiter: listing.delimiter === '' ? undefined : encode(listing.delimiter),
      KeyMarker: encode(keyMarker),
      VersionIdMarker: versionIdMarker,
      NextKeyMarker: page.last === undefined ? undefined : encode(page.last.objectKey),
      NextVersionIdMarker: page.last?.version.versionId,
      MaxKeys: listing.limit,
      EncodingType: listing.encodingType,
      IsTruncated: page.last !== undefined,
      Version: described('object'),
      DeleteMarker: described('delete-marker'),
      CommonPrefixes: page.commonPrefixes.map((prefix) => ({ Prefix: encode(prefix) })),
    }),
  )
}

/** Versions behind the markers: with a version id the rest of that key comes first. */
function* entries(
  bucket: Bucket,
  prefix: string,
  keyMarker: string,
  versionIdMarker: string,
): Generator<Entry> {
  if (versionIdMarker !== '' && keyMarker.startsWith(prefix)) {
    const all = describe(bucket, keyMarker)
    const marked = all.findIndex(({ version }) => version.versionId === versionIdMarker)
    if (marked !== -1) yield* all.slice(marked + 1)
  }
  for (const objectKey of bucket.keys(prefix, keyMarker === '' ? undefined : keyMarker)) {
    yield* describe(bucket, objectKey)
  }
}

function describe(bucket: Bucket, objectKey: string): Entry[] {
  return bucket.versions(objectKey).map((version, index) => ({ objectKey, version, latest: index === 0 }))
}
