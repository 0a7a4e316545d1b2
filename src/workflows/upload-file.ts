import { resolve } from 'node:path'
import { SEGMENT_SIZE } from '../crypto/crypt4gh/format.ts'
import {
  planUpload,
  sealAndUpload,
  type SealAndUploadOptions,
  type SealedUpload,
} from '../transfer/seal-and-upload.ts'
import { sendSmallFile } from '../transfer/send-small-file.ts'
import type { SmallFileThreads } from '../transfer/small-file-threads.ts'
import type { ObjectSending, ObjectStored } from '../transfer/journal/journal-entry.ts'
import type { TransferJournal } from '../transfer/journal/transfer-journal.ts'
import { PlaintextHash } from '../transfer/plaintext-hash.ts'
import { isSameFile, openSourceFile, type SourceFile } from '../transfer/source-file.ts'
import type { SlotPool } from '../transfer/slot-pool.ts'
import { AppError } from '../util/errors.ts'
import type { PresentObject, PresentObjects } from './present-objects.ts'
import { refuseEncrypted } from './refuse-encrypted.ts'
import { SmallFiles } from './small-files.ts'
import type { ProgressCount } from './transfer-progress.ts'
import type { UploadedObject, UploadRequest } from './upload-request.ts'
import type { UploadSource } from './upload-sources.ts'

export interface UploadFileOptions {
  request: UploadRequest
  present: PresentObjects
  progress: ProgressCount
  journal: TransferJournal | undefined
  sealing: Omit<SealAndUploadOptions, 'absentSeen' | 'onPart'>
  /** Buffers of small files: many are on their way at a time. */
  smallSlots: SlotPool
  /** Made for the first of many small files of a run. */
  smallFiles?: SmallFiles | undefined
}

/** Files up to this many bytes take one request, and no time worth mentioning for the cipher. */
export const SMALL_FILE = 1024 ** 2

/** Files up to this many bytes take the cipher less than all else around them: they are sealed in groups. */
const SEALED_IN_GROUPS = SEGMENT_SIZE

/** Uploads one file of a run, or finds that an earlier run did. */
export async function uploadFile(listed: UploadSource, options: UploadFileOptions): Promise<UploadedObject> {
  const { sender } = options.sealing
  if (sender === undefined || !mayGoInGroups(listed, options)) return uploadAlone(listed, options)
  const { recipients, encryptAgain = false } = options.request
  options.smallFiles ??= new SmallFiles({
    recipients: recipients.map(({ publicKey }) => publicKey),
    sender,
    digests: options.sealing.digests,
    encryptAgain,
  })
  return options.smallFiles.withThreads(async (threads) => {
    const uploaded = threads && (await uploadFromThread(threads, listed, options))
    return uploaded ?? uploadAlone(listed, options)
  })
}

/** Nothing is known of the object from earlier runs, and nothing of it is needed after it was sent. */
function mayGoInGroups(
  { size, objectKey }: UploadSource,
  { request, journal, smallSlots }: UploadFileOptions,
): boolean {
  if (request.verify === true || request.threads === 0) return false
  const { recipients, partSize } = request
  if (size > SEALED_IN_GROUPS || planUpload(size, recipients.length, partSize).objectSize > smallSlots.size) {
    return false
  }
  const { objects, sending, uploads } = journal?.earlier ?? {}
  return ![objects, sending, uploads].some((recorded) => recorded?.has(objectKey) === true)
}

/** Undefined when the file has to be taken alone: that tells what was in the way. */
async function uploadFromThread(
  threads: SmallFileThreads,
  listed: UploadSource,
  options: UploadFileOptions,
): Promise<UploadedObject | undefined> {
  const { request, smallSlots, sealing } = options
  const { path, objectKey, identity } = listed
  const slot = await smallSlots.take()
  try {
    sealing.signal?.throwIfAborted()
    const sealed = await threads.seal({ path, identity, slot: slot.shared })
    if (sealed === undefined) return undefined
    const absentSeen = await refusePresent(objectKey, options)
    const source = { path, size: identity.size, absolutePath: resolve(path), identity }
    const body = Buffer.from(slot.shared, 0, sealed.length)
    const stored = await sendSmallFile(source, { bucket: request.bucket, objectKey }, sealed, body, {
      ...sealing,
      absentSeen,
      onPart: partTeller(listed, options),
    })
    return finishStored(source, objectKey, stored, options)
  } finally {
    smallSlots.giveBack(slot)
  }
}

async function uploadAlone(listed: UploadSource, options: UploadFileOptions): Promise<UploadedObject> {
  const { request, sealing } = options
  const { path, objectKey } = listed
  const source = await openSourceFile(path)
  try {
    if (!isSameFile(source.identity, listed.identity)) {
      throw new AppError('FILE_CHANGED', `${path} changed between being listed and being read`, {
        hints: ['wait until nothing writes to it any more, then start again'],
      })
    }
    const found = await foundObject(source, objectKey, options)
    if (found !== undefined) return found
    if (request.encryptAgain !== true) refuseEncrypted(source)
    const absentSeen = await refusePresent(objectKey, options)
    const stored = await sealAndUpload(
      source,
      { bucket: request.bucket, objectKey },
      request.recipients.map(({ publicKey }) => publicKey),
      {
        ...sealing,
        slots: listed.size <= SMALL_FILE ? options.smallSlots : sealing.slots,
        absentSeen,
        onPart: partTeller(listed, options),
      },
    )
    if (stored.foundBytes > 0) {
      request.onEvent?.({ event: 'resumed', objectKey, path, bytes: stored.foundBytes })
    }
    return finishStored(source, objectKey, stored, options)
  } finally {
    await source.close()
  }
}

function partTeller(
  { path, objectKey }: UploadSource,
  { request, progress }: UploadFileOptions,
): SealAndUploadOptions['onPart'] {
  return ({ partNumber, size, etag }, wasFound) => {
    progress.addBytes(path, size)
    if (!wasFound) request.onEvent?.({ event: 'part', objectKey, path, partNumber, bytes: size, etag })
  }
}

type KnownSource = Pick<SourceFile, 'path' | 'size' | 'absolutePath' | 'identity'>

function finishStored(
  source: KnownSource,
  objectKey: string,
  stored: SealedUpload,
  options: UploadFileOptions,
): UploadedObject {
  const uploaded: UploadedObject = {
    source: source.path,
    objectKey,
    plaintextSize: source.size,
    objectSize: stored.size,
    parts: stored.partCount,
    etag: stored.etag,
    versionId: stored.versionId,
    sha256: stored.plaintext.sha256,
    md5: stored.plaintext.md5,
    sizeCheckedBy: stored.sizeCheckedBy,
    overwriteChecked: stored.overwriteChecked,
    foundBytes: stored.foundBytes,
    dataKeyCount: stored.dataKeyCount,
    verified: stored.verified,
  }
  writeDown(uploaded, source, options.journal)
  return finish(uploaded, options)
}

/** Not awaited: an object whose line is lost with the machine is found by its ETag. */
function writeDown(object: UploadedObject, source: KnownSource, journal: TransferJournal | undefined): void {
  const { objectKey, objectSize, etag, versionId, sha256, md5 } = object
  journal
    ?.append({
      type: 'object',
      objectKey,
      path: source.absolutePath,
      source: source.identity,
      size: objectSize,
      etag: etag ?? null,
      versionId: versionId ?? null,
      sha256,
      md5: md5 ?? null,
    })
    .catch(() => undefined)
}

function finish(object: UploadedObject, { progress, request }: UploadFileOptions): UploadedObject {
  const { source, objectKey, objectSize, etag, versionId, sha256, md5 } = object
  progress.addFile(source)
  request.onEvent?.({
    event: 'object',
    objectKey,
    path: source,
    bytes: objectSize,
    etag,
    versionId,
    sha256,
    md5,
  })
  return object
}

/** True when it is known that there is no such object; asking costs nothing then. */
async function refusePresent(objectKey: string, options: UploadFileOptions): Promise<boolean> {
  const { present, request, journal } = options
  // An upload that an earlier run began may have been completed by it.
  if (request.force || !present.known || journal?.earlier.uploads.has(objectKey) === true) return false
  if ((await present.look(objectKey)) === 'absent') return true
  throw new AppError('OBJECT_EXISTS', `s3://${request.bucket}/${objectKey} exists already`)
}

/**
 * The object as an earlier run stored it: the journal says so, the file is what it was then, by its times or by its
 * SHA-256, and the store has an object of that size and ETag. A name alone tells nothing.
 */
async function foundObject(
  source: SourceFile,
  objectKey: string,
  options: UploadFileOptions,
): Promise<UploadedObject | undefined> {
  const { journal, present } = options
  const stored = journal?.earlier.objects.get(objectKey)
  const sending = journal?.earlier.sending.get(objectKey)
  const recorded = stored ?? sending
  if (recorded === undefined || !(await isUnchanged(source, recorded, options))) return undefined
  const seen = await present.look(objectKey)
  if (!isRecorded(seen, recorded)) return undefined
  // What may not be looked at was answered for by the store, unless the answer never came.
  if (seen === 'hidden' && stored === undefined) return undefined
  const object = asRecorded(source, recorded, seen === 'hidden' ? 'none' : 'head', options)
  options.progress.addBytes(source.path, recorded.size)
  if (stored === undefined) writeDown(object, source, journal)
  options.request.onEvent?.({ event: 'resumed', objectKey, path: source.path, bytes: recorded.size })
  return finish(object, options)
}

function asRecorded(
  source: SourceFile,
  recorded: ObjectStored | ObjectSending,
  sizeCheckedBy: 'head' | 'none',
  { request }: UploadFileOptions,
): UploadedObject {
  const { objectKey, size, etag, versionId, sha256, md5 } = recorded
  return {
    source: source.path,
    objectKey,
    plaintextSize: source.size,
    objectSize: size,
    parts: planUpload(source.size, request.recipients.length, request.partSize).partCount,
    etag: etag ?? undefined,
    versionId: versionId ?? undefined,
    sha256,
    md5: md5 ?? undefined,
    sizeCheckedBy,
    overwriteChecked: true,
    foundBytes: size,
    dataKeyCount: 1,
    verified: 'no',
  }
}

function isRecorded(
  seen: PresentObject | 'absent' | 'hidden',
  { size, etag }: ObjectStored | ObjectSending,
): boolean {
  if (seen === 'hidden') return true
  return seen !== 'absent' && seen.size === size && seen.etag === etag
}

async function isUnchanged(
  source: SourceFile,
  recorded: ObjectStored | ObjectSending,
  { sealing, request }: UploadFileOptions,
): Promise<boolean> {
  if (request.md5 === true && recorded.md5 === null) return false
  if (isSameFile(source.identity, recorded.source)) return true
  if (source.size !== recorded.source.size) return false
  const { sha256 } = await new PlaintextHash(sealing.engine, source, 'sha256').end()
  return sha256 === recorded.sha256
}
