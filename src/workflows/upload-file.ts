import { planUpload, sealAndUpload, type SealAndUploadOptions } from '../transfer/seal-and-upload.ts'
import type { ObjectSending, ObjectStored } from '../transfer/journal/journal-entry.ts'
import type { TransferJournal } from '../transfer/journal/transfer-journal.ts'
import { PlaintextHash } from '../transfer/plaintext-hash.ts'
import { isSameFile, openSourceFile, type SourceFile } from '../transfer/source-file.ts'
import type { SlotPool } from '../transfer/slot-pool.ts'
import { AppError } from '../util/errors.ts'
import type { PresentObject, PresentObjects } from './present-objects.ts'
import { refuseEncrypted } from './refuse-encrypted.ts'
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
}

/** Files up to this many bytes take one request, and no time worth mentioning for the cipher. */
export const SMALL_FILE = 1024 ** 2

/** Uploads one file of a run, or finds that an earlier run did. */
export async function uploadFile(listed: UploadSource, options: UploadFileOptions): Promise<UploadedObject> {
  const { request, journal, progress, sealing } = options
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
        onPart: ({ partNumber, size, etag }, wasFound) => {
          progress.addBytes(path, size)
          if (!wasFound) request.onEvent?.({ event: 'part', objectKey, path, partNumber, bytes: size, etag })
        },
      },
    )
    if (stored.foundBytes > 0) {
      request.onEvent?.({ event: 'resumed', objectKey, path, bytes: stored.foundBytes })
    }
    const uploaded: UploadedObject = {
      source: path,
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
    writeDown(uploaded, source, journal)
    return finish(uploaded, options)
  } finally {
    await source.close()
  }
}

/** Not awaited: an object whose line is lost with the machine is found by its ETag. */
function writeDown(object: UploadedObject, source: SourceFile, journal: TransferJournal | undefined): void {
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
