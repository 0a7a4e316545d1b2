import { createHash } from 'node:crypto'
import { editedSize } from '../../crypto/crypt4gh/edit-list.ts'
import { encryptedBodySize, plaintextBodySize, sealedHeaderSize } from '../../crypto/crypt4gh/sizes.ts'
import type { ObjectHead, ObjectName, ObjectTags } from '../../storage/object-store.ts'
import { seenAbsent } from '../../storage/seen-absent.ts'
import type { Store } from '../../storage/store.ts'
import { fetchObjectHeader, inObject, type ObjectHeader } from '../../transfer/object-header.ts'
import { sealStreamAndUpload, type StreamedUpload } from '../../transfer/seal-stream-and-upload.ts'
import type { SegmentEngine } from '../../transfer/segment-engine.ts'
import { streamPlaintext } from '../../transfer/stream-object.ts'
import { AppError, hasCode } from '../../util/errors.ts'
import { releaseBuffer } from '../../util/release-buffer.ts'
import { grantsOf, tagsOf, type Belongings } from '../copies/carry-along.ts'
import { refuseIfChanged } from '../copies/same-object.ts'
import { writeUnfinishedCopy } from '../copies/unfinished-copy.ts'
import { finishDeepRekey, finishedEarlier, type DeepOutcome, type DeepRekeyedObject } from './deep-finish.ts'
import { deepReaders } from './deep-readers.ts'
import { isSameName } from './finish-rekey.ts'
import type { ReaderChange } from './reader-change.ts'
import type { RekeyObjectOptions } from './rekey-object.ts'

/** Parts of one object on their way at the same time. */
const PARTS_AT_ONCE = 3

/** Bytes of parts while nothing else decides: little more than S3's least, since several objects are at work at a time. */
const PART_SIZE = 6 * 1024 ** 2

export interface DeepRekeyOptions extends RekeyObjectOptions {
  engine: SegmentEngine
  /** Names the run: what an earlier one with the same name placed is not done again. */
  request: string
  /** Awaited after a multipart upload was created and before its first part is sent. */
  onCreated?: ((uploadId: string) => Promise<void>) | undefined
}

/**
 * Encrypts an object anew: another data key, another body, on their way through this machine; no plaintext touches its
 * disk. Every segment that its reader sees is authenticated before it is sealed again. What an edit list hid is gone. The
 * object under the target's name stays whole until the last request puts the new one in its place; headers, tags and
 * grants come along. After a failure nothing of the new object stays.
 *
 * @throws AppError NOT_CRYPT4GH, INVALID_HEADER, NO_MATCHING_KEY; AUTHENTICATION_FAILED for a segment that is not genuine;
 * USAGE when nobody is left; what {@link deepReaders} throws; OBJECT_EXISTS; OBJECT_CHANGED when somebody wrote to the
 * object meanwhile; INTEGRITY; StorageError
 */
export async function deepRekeyObject(
  store: Store,
  place: { source: ObjectName; target: ObjectName },
  change: ReaderChange,
  options: DeepRekeyOptions,
): Promise<DeepRekeyedObject> {
  const { source, target } = place
  const { signal } = options
  const before = await store.headObject(source.bucket, source.objectKey, { signal })
  const earlier = await finishedEarlier(store, place, before, options)
  if (earlier !== undefined) return earlier
  // Grants are read just before the new object takes its place, so that what somebody revokes meanwhile stays revoked.
  const belongings: Belongings = { tags: await tagsOf(store, source, before, signal), grants: [] }
  const opened = await fetchObjectHeader(source, before, change.identities, { store, signal })
  try {
    const sealing = { source, target, before, opened, belongings }
    const { stored, outcome } = await sealAnew(store, sealing, change, options)
    return await finishDeepRekey(store, { ...sealing, stored, outcome }, options)
  } catch (error) {
    throw inObject(error, source)
  } finally {
    for (const dataKey of opened.opened.dataKeys) dataKey.fill(0)
  }
}

/** An object on its way under a new data key. */
interface Sealing {
  source: ObjectName
  target: ObjectName
  /** The source as it is. */
  before: ObjectHead
  opened: ObjectHeader
  belongings: Belongings
}

async function sealAnew(
  store: Store,
  sealing: Sealing,
  change: ReaderChange,
  options: DeepRekeyOptions,
): Promise<{ stored: StreamedUpload; outcome: DeepOutcome }> {
  const {
    before,
    opened: { header, opened },
    belongings,
  } = sealing
  const { readers, dropped, stillReadable } = await deepReaders(header, opened, change)
  const plaintextSize = editedSize(plaintextBodySize(before.size - header.length), opened.editList)
  const size = sealedHeaderSize(readers.length) + encryptedBodySize(plaintextSize)
  const outcome = {
    size,
    packetsBefore: header.packets.length,
    packetsAfter: readers.length,
    packetsDropped: dropped,
    stillReadable,
    sentBytes: size,
    receivedBytes: before.size,
  }
  const upload = (tags: ObjectTags | undefined): ReturnType<typeof uploadAnew> =>
    uploadAnew(store, { ...sealing, plaintextSize, outcome, tags }, readers, change, options)
  if (Object.keys(belongings.tags).length === 0) return upload(undefined)
  try {
    return await upload(belongings.tags)
  } catch (error) {
    // Some servers take no tags with an object that is stored: they are given afterwards.
    if (!hasCode(error, 'UNSUPPORTED')) throw error
    return upload(undefined)
  }
}

async function uploadAnew(
  store: Store,
  sealing: Sealing & {
    plaintextSize: number
    outcome: Omit<DeepOutcome, 'sha256'>
    tags: ObjectTags | undefined
  },
  readers: readonly Uint8Array[],
  { sender }: ReaderChange,
  options: DeepRekeyOptions,
): Promise<{ stored: StreamedUpload; outcome: DeepOutcome }> {
  const { source, target, before, belongings, plaintextSize, tags } = sealing
  const { records, request, signal } = options
  const replace = isSameName(source, target) || options.force
  const { content, digest } = hashed(plaintextOf(store, sealing, signal), options.onBytes)
  const stored = await sealStreamAndUpload(content, target, readers, {
    store,
    engine: options.engine,
    concurrency: PARTS_AT_ONCE,
    partSize: options.partSize ?? PART_SIZE,
    expectedSize: plaintextSize,
    sender,
    replace,
    headers: before.headers,
    tags,
    onCreated: options.onCreated,
    beforeComplete: async ({ sha256 }, etag) => {
      if (digest() !== sha256) throw notTheSame(source)
      belongings.grants = await grantsOf(store, { ...source, versionId: before.versionId }, signal)
      if (records !== undefined) {
        await writeUnfinishedCopy(records, {
          ...target,
          source: { ...source, versionId: before.versionId ?? null, size: before.size, etag: before.etag },
          copy: { size: sealing.outcome.size, etag: etag ?? null },
          tags: { ...belongings.tags },
          grants: [...belongings.grants],
          request,
          outcome: { ...sealing.outcome, sha256 },
        })
      }
      if (!replace) await seenAbsent(store, target, { signal })
      await refuseIfChanged(store, source, before, signal)
    },
    signal,
  })
  return { stored, outcome: { ...sealing.outcome, sha256: stored.sha256 } }
}

async function* plaintextOf(
  store: Store,
  { source, before, opened: { header, opened }, plaintextSize }: Sealing & { plaintextSize: number },
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const range = { offset: 0, length: plaintextSize }
  yield* streamPlaintext({ store, name: source, version: before, signal }, header.length, opened, range)
}

/** Hashes what is read where it comes from, and not where it is sealed: both must be the same. */
function hashed(
  plaintext: AsyncIterable<Uint8Array>,
  onBytes: ((bytes: number) => void) | undefined,
): { content: AsyncIterable<Uint8Array>; digest: () => string } {
  const hash = createHash('sha256')
  async function* content(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of plaintext) {
      const { length } = piece
      hash.update(piece)
      yield piece
      // The next one is asked for when this one was copied into a part.
      releaseBuffer(piece)
      onBytes?.(length)
    }
  }
  return { content: content(), digest: () => hash.digest('hex') }
}

function notTheSame({ bucket, objectKey }: ObjectName): AppError {
  return new AppError('INTEGRITY', `s3://${bucket}/${objectKey}: what was sealed is not what was read`, {
    hints: ['the object was left as it is; this points to a fault of the memory of this machine'],
  })
}
