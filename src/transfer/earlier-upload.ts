import type { ObjectName, ObjectStore } from '../storage/object-store.ts'
import { removeUpload } from '../storage/upload-cleanup.ts'
import { earlierParts, type EarlierUpload } from '../storage/upload-resume.ts'
import { hasCode, type ErrorCode } from '../util/errors.ts'
import type { UnfinishedUploadState } from './journal/journal-state.ts'
import type { TransferJournal } from './journal/transfer-journal.ts'
import { planPartsOf } from './part-plan.ts'
import { isSameFile, type SourceFile } from './source-file.ts'

/** What an earlier run left of one upload. */
export interface EarlierPoint extends EarlierUpload {
  segmentsPerPart: number
  /** The whole sealed header. */
  header: Uint8Array
}

/**
 * What a journal says about an unfinished upload of this very file. When the source is not what it was, the upload is
 * of no use any more: it is aborted, and the journal says so.
 */
export async function earlierPoint(
  store: ObjectStore,
  target: ObjectName,
  source: SourceFile,
  journal: TransferJournal | undefined,
): Promise<EarlierPoint | undefined> {
  const state = journal?.earlier.uploads.get(target.objectKey)
  if (journal === undefined || state === undefined) return undefined
  if (!isSameFile(state.begun.source, source.identity)) {
    await dropUpload(store, target, state, journal)
    return undefined
  }
  return {
    uploadId: state.begun.uploadId,
    parts: [...state.parts.values()].map(({ partNumber, size, etag }) => ({ partNumber, size, etag })),
    segmentsPerPart: state.begun.segmentsPerPart,
    header: Buffer.from(state.header, 'base64'),
  }
}

/**
 * Whether the store has every part of it, or made the object of them and its answer was lost: no data key is needed then.
 *
 * @throws StorageError UPLOAD_NOT_FOUND when it is neither there nor finished
 */
export async function nothingToSeal(
  store: ObjectStore,
  target: ObjectName,
  plaintextSize: number,
  earlier: EarlierPoint,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { objectSize, partCount } = planPartsOf(earlier.segmentsPerPart, plaintextSize, earlier.header.length)
  if (earlier.parts.length !== partCount) return false
  const found = await earlierParts(store, target, { size: objectSize, partCount }, { earlier, signal })
  return found?.finished !== undefined || found?.parts.length === partCount
}

/** Ends an upload that will not be gone on with; that it can't be reached now is no reason to stop. */
async function dropUpload(
  store: ObjectStore,
  target: ObjectName,
  { begun }: Pick<UnfinishedUploadState, 'begun'>,
  journal: TransferJournal,
): Promise<void> {
  await removeUpload(store, { ...target, uploadId: begun.uploadId }).catch(() => undefined)
  await journal.append({ type: 'dropped', objectKey: target.objectKey })
}

/** Failures after which an unfinished upload can never become the object that was wanted. */
const POINTLESS: readonly ErrorCode[] = [
  'FILE_CHANGED',
  'OBJECT_EXISTS',
  'UPLOAD_NOT_FOUND',
  'INTEGRITY',
  'UNSUPPORTED',
  'USAGE',
]

/** Whether a later run may go on with what was stored before this failure. */
export function canGoOnAfter(failure: unknown): boolean {
  return !hasCode(failure, ...POINTLESS)
}
