import { parseHeader, type Header } from '../crypto/crypt4gh/header.ts'
import { openHeader, type OpenedHeader } from '../crypto/crypt4gh/open-header.ts'
import { openStream } from '../crypto/crypt4gh/segments.ts'
import { requireSender } from '../crypto/crypt4gh/sender.ts'
import type { KeyPair } from '../crypto/keys/key-pair.ts'
import type { ByteRange, ObjectHead, ObjectName, ObjectStore } from '../storage/object-store.ts'
import { AppError, hasCode } from '../util/errors.ts'
import { fileError } from '../util/file-errors.ts'
import { createPartialFile, type PartialFile } from '../util/partial-file.ts'
import { forEachPulled } from '../util/pull-pool.ts'
import { fetchRange } from './fetch-range.ts'
import { DEFAULT_RANGE_SIZE, planRanges } from './range-plan.ts'
import type { SegmentEngine } from './segment-engine.ts'
import type { SlotPool } from './slot-pool.ts'

/** The first read of an object: room for the header of some six hundred recipients. Bytes. */
const FIRST_READ = 64 * 1024

export interface DownloadOptions {
  store: ObjectStore
  engine: SegmentEngine
  /** Buffers of at least `rangeSize` bytes, shared by all downloads of a run. */
  slots: SlotPool
  /** Ranges in flight for this object. */
  concurrency: number
  rangeSize?: number | undefined
  /** Insists that one of these public keys wrote every packet that opens for us. */
  senders?: readonly Uint8Array[] | undefined
  /** Replace a file that has the name. */
  replace: boolean
  /** Bytes that were checked and written, each time some more are. */
  onBytes?: ((count: number) => void) | undefined
  signal?: AbortSignal | undefined
}

export interface DownloadedObject {
  /** Bytes of the file written. */
  size: number
  /** Bytes of the object read. */
  objectSize: number
  etag: string
  /** Writer public keys of the header packets that opened; none for an object kept as it is. */
  senders: readonly Uint8Array[]
}

/**
 * Downloads a Crypt4GH object and writes its plaintext to `path`: in ranges of whole segments, each fetched against
 * the same ETag, checked, and written in place. The file gets its name when the last segment was authenticated.
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
  const head = await options.store.headObject(name.bucket, name.objectKey, { signal: options.signal })
  const header = await fetchHeader(name, head, options)
  const opened = await openHeader(header, identities).catch((error: unknown) => {
    throw inObject(error, name)
  })
  try {
    if (options.senders !== undefined) requireSender(opened, options.senders)
    const size =
      opened.editList === undefined
        ? await openRanges(name, head, header, opened, path, options)
        : await openEdited(name, head, header, opened, path, options)
    return { size, objectSize: head.size, etag: head.etag, senders: opened.senders }
  } catch (error) {
    throw inObject(error, name)
  } finally {
    for (const dataKey of opened.dataKeys) dataKey.fill(0)
  }
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
  const head = await options.store.headObject(name.bucket, name.objectKey, { signal: options.signal })
  const rangeSize = options.rangeSize ?? DEFAULT_RANGE_SIZE
  await intoPartialFile(path, head.size, options, (partial) =>
    forEachPulled(
      wholeRanges(head.size, rangeSize),
      options.concurrency,
      (range) =>
        withRange(name, head, range, options, async (_shared, bytes) => {
          await partial.writeAt(bytes, range.offset)
          options.onBytes?.(range.length)
        }),
      options.signal,
    ),
  )
  return { size: head.size, objectSize: head.size, etag: head.etag, senders: [] }
}

async function fetchHeader(name: ObjectName, head: ObjectHead, options: DownloadOptions): Promise<Header> {
  let wanted = Math.min(FIRST_READ, head.size)
  for (;;) {
    // A range of nothing is refused by S3 (416): an empty object is simply no Crypt4GH file.
    const prefix =
      wanted === 0
        ? new Uint8Array()
        : await fetchRange(options.store, name, { offset: 0, length: wanted }, head.etag, options.signal)
    const header = parseObjectHeader(prefix, name)
    if (!('needed' in header)) return header
    if (header.needed > head.size || header.needed <= wanted) {
      throw new AppError(
        head.size < 16 ? 'NOT_CRYPT4GH' : 'INVALID_HEADER',
        `s3://${name.bucket}/${name.objectKey}: the object ends within its header`,
        { hints: ['with --no-decrypt it is downloaded as it is stored'] },
      )
    }
    // By doubling: a header of many packets must not be read once for each of them.
    wanted = Math.min(head.size, Math.max(header.needed, 2 * wanted))
  }
}

function parseObjectHeader(prefix: Uint8Array, name: ObjectName): Header | { needed: number } {
  try {
    return parseHeader(prefix)
  } catch (error) {
    throw inObject(error, name)
  }
}

async function openRanges(
  name: ObjectName,
  head: ObjectHead,
  header: Header,
  opened: OpenedHeader,
  path: string,
  options: DownloadOptions,
): Promise<number> {
  const plan = planRanges(head.size, header.length, options.rangeSize)
  const ranges = Array.from({ length: plan.rangeCount }, (_, index) => index)
  await intoPartialFile(path, plan.plaintextSize, options, (partial) =>
    forEachPulled(
      ranges,
      options.concurrency,
      async (index) => {
        const range = plan.range(index)
        const bytes = { offset: range.objectOffset, length: range.length }
        await withRange(name, head, bytes, options, async (shared) => {
          await options.engine.run({
            kind: 'open-from-memory',
            dataKeys: opened.dataKeys,
            slot: shared,
            length: range.length,
            firstSegment: range.firstSegment,
            outFd: partial.file.fd,
            outOffset: range.plaintextOffset,
          })
          options.onBytes?.(range.length)
        })
      },
      options.signal,
    ),
  )
  return plan.plaintextSize
}

/** With an edit list the stored plaintext is not what is wanted: one pass from the front, cut as the list says. */
async function openEdited(
  name: ObjectName,
  head: ObjectHead,
  header: Header,
  opened: OpenedHeader,
  path: string,
  options: DownloadOptions,
): Promise<number> {
  const rangeSize = options.rangeSize ?? DEFAULT_RANGE_SIZE
  let written = 0
  async function* body(): AsyncIterable<Uint8Array> {
    for (const range of wholeRanges(head.size, rangeSize, header.length)) {
      yield await fetchRange(options.store, name, range, head.etag, options.signal)
      options.onBytes?.(range.length)
    }
  }
  await intoPartialFile(path, undefined, options, async (partial) => {
    for await (const plaintext of openStream(body(), opened)) {
      await partial.writeAt(plaintext, written)
      written += plaintext.length
    }
  })
  return written
}

/** Fetches a range into a slot of the pool, lets `use` have it, and gives the slot back. */
async function withRange(
  name: ObjectName,
  head: ObjectHead,
  range: ByteRange,
  options: DownloadOptions,
  use: (shared: SharedArrayBuffer, bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const slot = await options.slots.take()
  try {
    const bytes = slot.bytes.subarray(0, range.length)
    await fetchRange(options.store, name, range, head.etag, options.signal, bytes)
    await use(slot.shared, bytes)
  } finally {
    options.slots.giveBack(slot)
  }
}

async function intoPartialFile(
  path: string,
  expectedSize: number | undefined,
  options: DownloadOptions,
  write: (partial: PartialFile) => Promise<void>,
): Promise<void> {
  const partial = await createPartialFile(path, { replace: options.replace, expectedSize })
  try {
    await write(partial)
    const { size } = await partial.file.stat()
    if (expectedSize !== undefined && size !== expectedSize) {
      throw new AppError('INTEGRITY', `${path} has ${size} bytes where ${expectedSize} were expected`)
    }
  } catch (error) {
    await partial.discard()
    throw fileError(error, 'write', path)
  }
  await partial.finish()
}

function* wholeRanges(size: number, rangeSize: number, start = 0): Iterable<ByteRange> {
  for (let offset = start; offset < size; offset += rangeSize) {
    yield { offset, length: Math.min(rangeSize, size - offset) }
  }
}

/** Says which object it was; the layers below know only bytes. */
function inObject(error: unknown, name: ObjectName): unknown {
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
