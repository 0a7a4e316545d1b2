import { parseHeader, type Header } from '../crypto/crypt4gh/header.ts'
import { openHeader, type OpenedHeader } from '../crypto/crypt4gh/open-header.ts'
import { requireSender } from '../crypto/crypt4gh/sender.ts'
import type { KeyPair } from '../crypto/keys/key-pair.ts'
import type { ObjectName } from '../storage/object-store.ts'
import { AppError, hasCode } from '../util/errors.ts'
import type { DownloadOptions, ObjectVersion } from './download-options.ts'
import { fetchRange } from './fetch-range.ts'

/** The first read of an object: room for the header of some six hundred recipients. Bytes. */
const FIRST_READ = 64 * 1024

/** The header of an object and what it holds for us. Wipe the data keys when done. */
export interface ObjectHeader {
  header: Header
  opened: OpenedHeader
}

interface HeaderOptions extends Pick<DownloadOptions, 'store' | 'signal'> {
  /** Bytes fetched at first; {@link FIRST_READ} when absent. A header that is longer takes further requests. */
  firstRead?: number | undefined
}

/**
 * Fetches and parses the header of a Crypt4GH object; no key is needed.
 *
 * @throws AppError NOT_CRYPT4GH, INVALID_HEADER; StorageError from the store, OBJECT_CHANGED when it is another version
 */
export async function fetchHeader(
  name: ObjectName,
  version: ObjectVersion,
  options: HeaderOptions,
): Promise<Header> {
  const { store, signal, firstRead = FIRST_READ } = options
  const { size, etag } = version
  let wanted = Math.min(firstRead, size)
  for (;;) {
    // A range of nothing is refused by S3 (416): an empty object is simply no Crypt4GH file.
    const prefix =
      wanted === 0
        ? new Uint8Array()
        : await fetchRange(store, name, { offset: 0, length: wanted }, etag, signal, undefined, size)
    const header = parseObjectHeader(prefix, name)
    if ('packets' in header) return header
    if (header.needed > size || header.needed <= wanted) throw endsInHeader(name, size)
    // By doubling: a header of many packets must not be read once for each of them.
    wanted = Math.min(size, Math.max(header.needed, 2 * wanted))
  }
}

/**
 * Fetches the header of a Crypt4GH object and opens it.
 *
 * @throws AppError NOT_CRYPT4GH, INVALID_HEADER, NO_MATCHING_KEY, UNEXPECTED_SENDER; StorageError from the store
 */
export async function fetchObjectHeader(
  name: ObjectName,
  version: ObjectVersion,
  identities: readonly KeyPair[],
  options: HeaderOptions & Pick<DownloadOptions, 'senders'>,
): Promise<ObjectHeader> {
  const header = await fetchHeader(name, version, options)
  return { header, opened: await openObjectHeader(header, name, identities, options.senders) }
}

/** The same for an object that was fetched whole. */
export async function readObjectHeader(
  name: ObjectName,
  object: Uint8Array,
  identities: readonly KeyPair[],
  senders: readonly Uint8Array[] | undefined,
): Promise<ObjectHeader> {
  const header = parseObjectHeader(object, name)
  if (!('packets' in header)) throw endsInHeader(name, object.length)
  return { header, opened: await openObjectHeader(header, name, identities, senders) }
}

/** Says which object it was; the layers below know only bytes. */
export function inObject(error: unknown, name: ObjectName): unknown {
  if (
    hasCode(error, 'NOT_CRYPT4GH', 'INVALID_HEADER', 'NO_MATCHING_KEY', 'AUTHENTICATION_FAILED') &&
    !error.message.startsWith('s3://')
  ) {
    const hints = error.code === 'NOT_CRYPT4GH' ? ['with --no-decrypt it is downloaded as it is stored'] : []
    return new AppError(error.code, `s3://${name.bucket}/${name.objectKey}: ${error.message}`, {
      cause: error,
      hints: [...error.hints, ...hints],
    })
  }
  return error
}

async function openObjectHeader(
  header: Header,
  name: ObjectName,
  identities: readonly KeyPair[],
  senders: readonly Uint8Array[] | undefined,
): Promise<OpenedHeader> {
  try {
    const opened = await openHeader(header, identities)
    try {
      if (senders !== undefined) requireSender(opened, senders)
      return opened
    } catch (error) {
      for (const dataKey of opened.dataKeys) dataKey.fill(0)
      throw error
    }
  } catch (error) {
    throw inObject(error, name)
  }
}

function parseObjectHeader(prefix: Uint8Array, name: ObjectName): Header | { needed: number } {
  try {
    return parseHeader(prefix)
  } catch (error) {
    throw inObject(error, name)
  }
}

function endsInHeader(name: ObjectName, size: number): AppError {
  return new AppError(
    size < 16 ? 'NOT_CRYPT4GH' : 'INVALID_HEADER',
    `s3://${name.bucket}/${name.objectKey}: the object ends within its header`,
    { hints: ['with --no-decrypt it is downloaded as it is stored'] },
  )
}
