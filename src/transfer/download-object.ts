import { editedSize } from '../crypto/crypt4gh/edit-list.ts'
import { openStream } from '../crypto/crypt4gh/segments.ts'
import { plaintextBodySize } from '../crypto/crypt4gh/sizes.ts'
import type { KeyPair } from '../crypto/keys/key-pair.ts'
import type { ObjectName } from '../storage/object-store.ts'
import { AppError, hasCode } from '../util/errors.ts'
import { fileError } from '../util/file-errors.ts'
import { beginFile, dropFile, partialOptions, recordFile } from './begun-file.ts'
import type { DownloadedObject, DownloadOptions, ObjectVersion } from './download-options.ts'
import { downloadRanges } from './download-ranges.ts'
import { downloadSmall, SMALL_OBJECT } from './download-small.ts'
import { fetchRange } from './fetch-range.ts'
import { fetchObjectHeader, inObject, type ObjectHeader } from './object-header.ts'
import { DEFAULT_RANGE_SIZE, planRanges, planStoredRanges } from './range-plan.ts'
import { recordedDownload } from './recorded-download.ts'

/**
 * Downloads a Crypt4GH object and writes its plaintext to `path`: in ranges of whole segments, each fetched against
 * the same ETag, checked, and written in place. The file gets its name when the last segment was authenticated.
 * With a journal it goes on where an earlier run stopped, unless the object has an edit list.
 *
 * @throws AppError NOT_CRYPT4GH, INVALID_HEADER, NO_MATCHING_KEY, UNEXPECTED_SENDER, AUTHENTICATION_FAILED, FILE_EXISTS, DISK_FULL;
 * StorageError from the store, OBJECT_CHANGED when the object was replaced meanwhile
 */
export async function downloadAndOpen(
  name: ObjectName,
  path: string,
  identities: readonly KeyPair[],
  options: DownloadOptions,
): Promise<DownloadedObject> {
  return ofVersion(name, options, (version) =>
    version.size <= SMALL_OBJECT
      ? downloadSmall(name, path, version, identities, options)
      : downloadLarge(name, path, version, identities, options),
  )
}

/**
 * Downloads an object as it is stored.
 *
 * @throws AppError FILE_EXISTS, DISK_FULL; StorageError from the store
 */
export async function downloadAsIs(
  name: ObjectName,
  path: string,
  options: DownloadOptions,
): Promise<DownloadedObject> {
  return ofVersion(name, options, async (version) => {
    if (version.size <= SMALL_OBJECT) return downloadSmall(name, path, version, undefined, options)
    const rangeSize = options.rangeSize ?? DEFAULT_RANGE_SIZE
    const recorded = recordedDownload(options.journal, name.objectKey, path, version, rangeSize)
    const plan = planStoredRanges(version.size, recorded.record?.begun.rangeSize ?? rangeSize)
    const target = { name, path, version, plan, recorded }
    const earlier = await downloadRanges(target, options, (range, _shared, bytes, partial) =>
      partial.writeAt(bytes, range.objectOffset),
    )
    return { size: version.size, objectSize: version.size, etag: version.etag, senders: [], ...earlier }
  })
}

/** Asks for the object, unless it is known, or so small that one request tells whether the listing is still right. */
async function ofVersion(
  { bucket, objectKey }: ObjectName,
  { store, known, listed, signal }: DownloadOptions,
  work: (version: ObjectVersion) => Promise<DownloadedObject>,
): Promise<DownloadedObject> {
  if (known !== undefined) return work(known)
  // Swift's large objects may be listed as having no bytes.
  if (listed !== undefined && listed.etag !== '' && listed.size > 0 && listed.size <= SMALL_OBJECT) {
    try {
      return await work(listed)
    } catch (error) {
      if (!hasCode(error, 'OBJECT_CHANGED')) throw error
    }
  }
  return work(await store.headObject(bucket, objectKey, { signal }))
}

async function downloadLarge(
  name: ObjectName,
  path: string,
  version: ObjectVersion,
  identities: readonly KeyPair[],
  options: DownloadOptions,
): Promise<DownloadedObject> {
  const { etag, size: objectSize } = version
  const objectHeader = await fetchObjectHeader(name, version, identities, options)
  const { dataKeys, editList, senders } = objectHeader.opened
  try {
    if (editList !== undefined) {
      const size = await downloadEdited(name, path, version, objectHeader, options)
      return { size, objectSize, etag, senders, earlierBytes: 0, startedOver: undefined }
    }
    const { size, ...earlier } = await downloadAllSegments(name, path, version, objectHeader, options)
    return { size, objectSize, etag, senders, ...earlier }
  } catch (error) {
    throw inObject(error, name)
  } finally {
    for (const dataKey of dataKeys) dataKey.fill(0)
  }
}

async function downloadAllSegments(
  name: ObjectName,
  path: string,
  version: ObjectVersion,
  { header, opened }: ObjectHeader,
  options: DownloadOptions,
): Promise<Pick<DownloadedObject, 'size' | 'earlierBytes' | 'startedOver'>> {
  const { engine, journal, rangeSize = DEFAULT_RANGE_SIZE } = options
  const recorded = recordedDownload(journal, name.objectKey, path, version, rangeSize)
  const plan = planRanges(version.size, header.length, recorded.record?.begun.rangeSize ?? rangeSize)
  const target = { name, path, version, plan, recorded }
  const earlier = await downloadRanges(
    target,
    options,
    (range, shared, _bytes, partial) =>
      engine.run({
        kind: 'open-from-memory',
        dataKeys: opened.dataKeys,
        slot: shared,
        length: range.length,
        firstSegment: range.firstSegment,
        outFd: partial.file.fd,
        outOffset: range.plaintextOffset,
      }),
    opened.dataKeys,
  )
  return { size: plan.plaintextSize, ...earlier }
}

/** With an edit list the stored plaintext is not what is wanted: one pass from the front, cut as the list says. */
async function downloadEdited(
  name: ObjectName,
  path: string,
  version: ObjectVersion,
  { header, opened }: ObjectHeader,
  options: DownloadOptions,
): Promise<number> {
  const { store, signal } = options
  const plan = planStoredRanges(version.size - header.length, options.rangeSize)
  async function* body(): AsyncIterable<Uint8Array> {
    for (let index = 0; index < plan.rangeCount; index += 1) {
      const { objectOffset, length } = plan.range(index)
      const range = { offset: header.length + objectOffset, length }
      yield await fetchRange(store, name, range, version.etag, signal, undefined, version.size)
      options.onBytes?.(length)
    }
  }
  const size = editedSize(plaintextBodySize(version.size - header.length), opened.editList)
  const begun = await beginFile({ name, path, plan, version }, options, partialOptions(options, size))
  const { partial } = begun
  try {
    let written = 0
    for await (const plaintext of openStream(body(), opened)) {
      await partial.writeAt(plaintext, written)
      written += plaintext.length
    }
    if (written !== size) throw new AppError('INTEGRITY', `${path} has ${written} bytes instead of ${size}`)
    await partial.finish(
      options.oneOfMany === true
        ? (stats) => recordFile(name, path, version.etag, options, stats)
        : undefined,
    )
  } catch (error) {
    await dropFile(name, begun)
    throw fileError(error, 'write', path)
  }
  return size
}
