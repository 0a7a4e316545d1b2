/** Objects so small that one request fetches them whole: header, body and all. */
import { openSegments } from '../crypto/crypt4gh/segment.ts'
import { openBody } from '../crypto/crypt4gh/reader.ts'
import { plaintextBodySize } from '../crypto/crypt4gh/sizes.ts'
import type { KeyPair } from '../crypto/keys/key-pair.ts'
import type { ObjectName } from '../storage/object-store.ts'
import { fileError } from '../util/file-errors.ts'
import { releaseBuffer } from '../util/release-buffer.ts'
import { createDownloadFile, partialOptions, recordFile } from './begun-file.ts'
import type { DownloadedObject, DownloadOptions, ObjectVersion } from './download-options.ts'
import { fetchRange } from './fetch-range.ts'
import { inObject, readObjectHeader, type ObjectHeader } from './object-header.ts'

/** Up to this size a second request costs more than opening the object on the main thread. Bytes. */
export const SMALL_OBJECT = 1024 ** 2

/**
 * Fetches a small object with one request and writes what it holds.
 *
 * @param identities - undefined keeps it as it is stored
 * @throws as downloadAndOpen
 */
export async function downloadSmall(
  name: ObjectName,
  path: string,
  version: ObjectVersion,
  identities: readonly KeyPair[] | undefined,
  options: DownloadOptions,
): Promise<DownloadedObject> {
  const object = await fetchWhole(name, version, options)
  const { plaintext, senders } =
    identities === undefined
      ? { plaintext: object, senders: [] }
      : await openWhole(name, object, identities, options.senders)
  await writeWhole(name, path, version, plaintext, options)
  const { length } = plaintext
  releaseBuffer(object)
  options.onRange?.(0, version.size)
  options.onBytes?.(version.size)
  return {
    size: length,
    objectSize: version.size,
    etag: version.etag,
    senders,
    earlierBytes: 0,
    startedOver: undefined,
  }
}

async function fetchWhole(
  name: ObjectName,
  { size, etag }: ObjectVersion,
  { store, signal }: DownloadOptions,
): Promise<Uint8Array> {
  // A range of nothing is refused by S3 (416).
  if (size === 0) return new Uint8Array()
  return fetchRange(store, name, { offset: 0, length: size }, etag, signal, undefined, size)
}

async function openWhole(
  name: ObjectName,
  object: Uint8Array,
  identities: readonly KeyPair[],
  expectedSenders: readonly Uint8Array[] | undefined,
): Promise<{ plaintext: Uint8Array; senders: readonly Uint8Array[] }> {
  const { header, opened } = await readObjectHeader(name, object, identities, expectedSenders)
  try {
    return { plaintext: await openAll(object, { header, opened }), senders: opened.senders }
  } catch (error) {
    throw inObject(error, name)
  } finally {
    for (const dataKey of opened.dataKeys) dataKey.fill(0)
  }
}

async function openAll(object: Uint8Array, { header, opened }: ObjectHeader): Promise<Uint8Array> {
  if (opened.editList !== undefined) {
    const source = {
      size: object.length,
      readAt: async (offset: number, length: number) => object.subarray(offset, offset + length),
    }
    const reader = openBody(source, header.length, opened)
    return reader.readAt(0, reader.size)
  }
  const body = object.subarray(header.length)
  const plaintext = new Uint8Array(plaintextBodySize(body.length))
  openSegments(opened.dataKeys, body, plaintext)
  return plaintext
}

async function writeWhole(
  name: ObjectName,
  path: string,
  version: ObjectVersion,
  content: Uint8Array,
  options: DownloadOptions,
): Promise<void> {
  const fileOptions = { ...partialOptions(options, undefined), nameCheckedLast: true }
  const partial = await createDownloadFile(name, path, options, fileOptions)
  try {
    await partial.writeAt(content, 0)
    await partial.finish(
      options.oneOfMany === true
        ? (stats) => recordFile(name, path, version.etag, options, stats)
        : undefined,
    )
  } catch (error) {
    await partial.discard()
    throw fileError(error, 'write', path)
  }
}
