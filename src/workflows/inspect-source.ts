import { HEADER_LIMITS } from '../crypto/crypt4gh/format.ts'
import { parseHeader, type Header } from '../crypto/crypt4gh/header.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { fetchRange } from '../transfer/fetch-range.ts'
import type { SourceFile } from '../transfer/source-file.ts'
import { AppError, hasCode } from '../util/errors.ts'
import { inFile } from './in-file.ts'
import { formatS3Url, type S3Location } from './s3-url.ts'

/** Something that is looked at from its beginning: a file, or an object of which only ranges are fetched. */
export interface InspectSource {
  /** As people write it: a path, or an s3:// address. */
  name: string
  /** Bytes. */
  size: number
  /** Exactly these bytes. */
  read: (offset: number, length: number) => Promise<Uint8Array>
}

/** Room for the header of some six hundred recipients, and enough to tell random bytes from others. */
export const FIRST_READ = 64 * 1024

export function fileSource(source: SourceFile): InspectSource {
  return {
    name: source.path,
    size: source.size,
    read: async (offset, length) => {
      const bytes = new Uint8Array(length)
      const { bytesRead } = await source.file.read(bytes, 0, length, offset)
      if (bytesRead < length) await source.refuseIfChanged()
      return bytes.subarray(0, bytesRead)
    },
  }
}

/** HeadObject, and ranges of the version it named. Throws what the store throws. */
export async function objectSource(
  store: ObjectStore,
  { bucket, objectKey }: S3Location,
  signal?: AbortSignal,
): Promise<InspectSource> {
  const { size, etag } = await store.headObject(bucket, objectKey, { signal })
  return {
    name: formatS3Url(bucket, objectKey),
    size,
    // S3 refuses a range of nothing (416).
    read: async (offset, length) =>
      length === 0
        ? new Uint8Array()
        : fetchRange(store, { bucket, objectKey }, { offset, length }, etag, signal),
  }
}

/**
 * Reads a header.
 *
 * @param prefix - the first bytes, as far as they were read
 * @throws AppError NOT_CRYPT4GH, INVALID_HEADER naming the source
 */
export async function readSourceHeader(source: InspectSource, prefix: Uint8Array): Promise<Header> {
  try {
    let bytes = prefix
    for (;;) {
      const header = parseHeader(bytes)
      if (!('needed' in header)) return header
      if (header.needed > Math.min(source.size, HEADER_LIMITS.headerLength)) {
        throw new AppError('INVALID_HEADER', 'it ends within its header', {
          hints: ['it was cut short, fetch it again'],
        })
      }
      // By doubling: a header of many packets must not be read once for each of them.
      bytes = await source.read(0, Math.min(source.size, Math.max(header.needed, 2 * bytes.length)))
    }
  } catch (error) {
    throw inFile(error, source.name)
  }
}

/**
 * Why an empty object may be the manifest of a large Swift object, as phrases; none when nothing speaks for it. Swift
 * keeps the pieces in BUCKET_segments, and S3 shows the whole with no bytes.
 */
export async function swiftManifestReasons(
  store: ObjectStore,
  { bucket, objectKey }: S3Location,
  signal?: AbortSignal,
): Promise<string[]> {
  const segments = `${bucket}_segments`
  const state = await store.bucketState(segments, { signal }).catch((error: unknown) => {
    // Stores without Swift may refuse the very name.
    if (hasCode(error, 'INVALID_BUCKET_NAME', 'STORE_FAILURE', 'UNSUPPORTED')) return 'absent' as const
    throw error
  })
  if (state === 'absent') return []
  const reasons = [
    'it has no bytes at all',
    `there is a bucket ${segments}, where Swift keeps the pieces of large objects`,
  ]
  if (state === 'forbidden') return [...reasons, 'you may not look into that one']
  for await (const piece of store.listObjects(segments, { prefix: `${objectKey}/`, limit: 1, signal })) {
    return [...reasons, `it holds ${piece.objectKey}`]
  }
  return []
}
