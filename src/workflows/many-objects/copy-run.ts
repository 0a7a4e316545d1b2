import type { ObjectEntry, ObjectHead } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import { copyObject, type CopiedObject } from '../copies/copy-object.ts'
import type { CopyRecords } from '../copies/copy-record.ts'
import { readUnfinishedCopy } from '../copies/unfinished-copy.ts'
import { formatS3Url } from '../s3-url.ts'
import type { CheckedCopy, CopiedSource } from './remove-source.ts'
import { ObjectTurns } from '../rekey/object-turns.ts'
import { ProgressCount, type TransferProgress } from '../transfer-progress.ts'
import type { FailedTransfer } from '../transfer-run.ts'
import { chosenObjects, countChosen, type Choice, type LeftOut } from './chosen-objects.ts'
import { copyNames, uncopied, type CopyNames, type CopyPlaces } from './copy-names.ts'
import {
  finishEarlierCopy,
  hasSameMd5,
  lookAtTarget,
  mayLookLikeCopy,
  type AtTarget,
} from './earlier-copy.ts'
import { RecordedCopies, removeFinishedCopy, writeFinishedCopy } from './finished-copies.ts'
import { beginsAsCrypt4gh } from './object-recognition.ts'
import { runObjects } from './run-objects.ts'
import { withOneBucketName } from './same-bucket.ts'

/** Objects at work at the same time: each is a few small requests, and the server moves the bytes. */
const CONCURRENCY = 16

/**
 * Objects in parts at work at the same time: each copies four parts of 256 MiB at once, or holds as many in memory as
 * copies/part-sender.ts lets it, where they have to pass through this machine.
 */
const LARGE_AT_ONCE = 2
/** S3's limit of what one request may copy, bytes. */
const LARGE_OBJECT = 5 * 1024 ** 3

export interface CopyRequest extends CopyPlaces, Pick<Choice, 'include' | 'exclude'> {
  /** Replace what is under a copy's name. */
  force: boolean
  /** Published keys as well. */
  keys?: boolean | undefined
  /** Only tell what would be copied. */
  dryRun?: boolean | undefined
  /** Objects at work at the same time; 16 when absent. */
  concurrency?: number | undefined
  /** Where copies are written down that the next run goes on with; without it nothing is kept. */
  records?: CopyRecords | undefined
  /** Bytes above which an object is copied in parts, and bytes of those parts; what suits when absent. */
  wholeCopyLimit?: number | undefined
  partSize?: number | undefined
  /** Told of each object when it is done; with `dryRun`, of each that would be. */
  onObject?: ((object: CopiedEntry) => void) | undefined
  onProgress?: ((progress: TransferProgress) => void) | undefined
}

/** One object of a run: part of the --json contract. */
export interface CopiedEntry {
  objectKey: string
  /** The address of the copy. */
  target: string
  /** Bytes. */
  size: number
  /**
   * `copied`: by this run. `there`: by an earlier one. With a dry run: `new`, `there`, `replaced`, or `refused` because
   * something else is under the name.
   */
  state: 'copied' | 'there' | 'new' | 'replaced' | 'refused'
  /** Of the copy; absent with a dry run. */
  etag?: string
  versionId?: string
  parts?: number
  /**
   * `etag`: the copy has the ETag of its source. `parts`: it has the ETag that its parts give, which were cut otherwise
   * than before. `size`: the server's ETags tell nothing.
   */
  comparedBy?: CopiedObject['comparedBy']
  /** Whether it begins as Crypt4GH does; absent for an empty object and with a dry run. */
  encrypted?: boolean
}

/** What a run did: part of the --json contracts of `cp` and `mv`. */
export interface CopyRunResult {
  source: string
  target: string
  dryRun: boolean
  /** Objects that this run copied, or would copy. */
  objects: number
  bytes: number
  /** Objects whose copy an earlier run had made. */
  alreadyThere: number
  /** Objects that do not begin as Crypt4GH does, and are readable for whoever may read the copies. */
  notEncrypted: number
  leftOut: LeftOut
  failed: FailedTransfer[]
  /** All failures; `failed` names the first thousand. */
  failedCount: number
}

/** A copy that is there and checked. */
interface MadeCopy {
  entry: CopiedEntry
  /** The source as it was copied. */
  before: ObjectHead
  /** Absent with a dry run. */
  copy?: CheckedCopy
  /** Whether it was written down, by this run or an earlier one. */
  isRecorded: boolean
}

interface CopyRunOptions {
  /** Done for each object once its copy is there and checked. */
  afterCopy?: ((copied: CopiedSource) => Promise<void>) | undefined
  /** How to go on after an interrupt. */
  goOn: string
  /** Whether objects are taken away from the source: published keys count there as well, and no copy may be its source. */
  guardsSource: boolean
  signal?: AbortSignal | undefined
}

/**
 * Copies what the source names on the server, many objects at a time, and remembers none of them. An object whose copy an
 * earlier run made is not copied again.
 *
 * @throws AppError USAGE for impossible places, OBJECT_NOT_FOUND when there is nothing; what runObjects throws
 */
export async function runCopies(
  store: Store,
  request: CopyRequest,
  { afterCopy, goOn, guardsSource, signal }: CopyRunOptions,
): Promise<CopyRunResult> {
  const { keys = false, include, exclude, dryRun = false, concurrency = CONCURRENCY, records } = request
  const places = await withOneBucketName(store, request, signal)
  const nameOf = copyNames(places)
  const choice: Choice = {
    ...{ place: places.source, include, exclude },
    keys: keys || !guardsSource,
    alsoLeavesOut: uncopied(places, keys),
  }
  const totals = await countChosen(store, choice, signal)
  const progress = new ProgressCount(totals.bytes, totals.objects, request.onProgress)
  const sums = { objects: 0, bytes: 0, alreadyThere: 0, notEncrypted: 0 }
  const recorded = new RecordedCopies(records)
  const large = new ObjectTurns(LARGE_AT_ONCE)
  const limit = request.wholeCopyLimit ?? LARGE_OBJECT

  const work = async ({ objectKey, size }: ObjectEntry): Promise<void> => {
    const source = { bucket: places.source.bucket, objectKey }
    const target = nameOf(objectKey)
    const onBytes = (count: number): void => {
      progress.addBytes(objectKey, count)
    }
    const step = { store, source, target, request, guardsSource, onBytes, signal }
    const copy = (): Promise<MadeCopy> => (dryRun ? planOne(step) : copyOne(step))
    const made = size > limit ? await large.take(1, copy) : await copy()
    const { entry, before, isRecorded } = made
    if (made.copy !== undefined) await afterCopy?.({ source, before, target, copy: made.copy })
    // What was done after the copy ends the need to know it; a copy alone is recognised until the run is complete.
    if (isRecorded && afterCopy === undefined) recorded.add({ source, target })
    else if (isRecorded && records !== undefined) await removeFinishedCopy(records, { source, target })
    addTo(sums, entry)
    progress.addFile(objectKey)
    request.onObject?.(entry)
  }
  const run = await runObjects(chosenObjects(store, choice, signal), work, { concurrency, goOn, signal })
  if (run.failedCount === 0) {
    await recorded.remove(async function* () {
      for await (const { objectKey } of chosenObjects(store, choice, signal)) {
        yield { source: { bucket: places.source.bucket, objectKey }, target: nameOf(objectKey) }
      }
    })
  }
  return {
    source: formatS3Url(places.source.bucket, places.source.objectKey),
    target: formatS3Url(places.target.bucket, places.target.objectKey),
    dryRun,
    ...sums,
    leftOut: totals.leftOut,
    failed: run.failed,
    failedCount: run.failedCount,
  }
}

function addTo(
  sums: Pick<CopyRunResult, 'objects' | 'bytes' | 'alreadyThere' | 'notEncrypted'>,
  { state, size, encrypted }: CopiedEntry,
): void {
  if (encrypted === false) sums.notEncrypted += 1
  if (state === 'refused') return
  if (state === 'there') sums.alreadyThere += 1
  else {
    sums.objects += 1
    sums.bytes += size
  }
}

/** One object of the run. */
interface Step extends CopyNames {
  store: Store
  request: CopyRequest
  guardsSource: boolean
  onBytes: (count: number) => void
  signal: AbortSignal | undefined
}

async function planOne(step: Step): Promise<MadeCopy> {
  const { before, there } = await look(step)
  const { source, target, request } = step
  const taken = request.force ? 'replaced' : 'refused'
  const state = ({ nothing: 'new', copy: 'there', other: taken } as const)[there.state]
  const { objectKey } = source
  const entry = { objectKey, target: formatS3Url(target.bucket, target.objectKey), size: before.size, state }
  return { entry, before, isRecorded: false }
}

async function copyOne(step: Step): Promise<MadeCopy> {
  const { store, source, target, request, guardsSource, onBytes, signal } = step
  const { records } = request
  const { before, there } = await look(step)
  const known = { objectKey: source.objectKey, target: formatS3Url(target.bucket, target.objectKey) }
  // What an earlier run wrote down of this copy, copyObject finishes.
  const isBegun = records !== undefined && (await readUnfinishedCopy(records, target)) !== undefined
  if (there.state === 'copy' && !isBegun) {
    await finishEarlierCopy(store, step, there, signal)
    onBytes(before.size)
    const { size, etag, versionId } = there.head
    const entry = {
      ...known,
      size,
      state: 'there' as const,
      etag,
      ...(versionId === undefined ? {} : { versionId }),
    }
    return {
      entry,
      before,
      copy: there.head,
      isRecorded: !hasSameMd5(there.head, before) || mayLookLikeCopy(before, guardsSource),
    }
  }
  const { force, wholeCopyLimit, partSize } = request
  const acl = 'bucket-owner-full-control'
  const options = { force, acl, records, wholeCopyLimit, partSize, onBytes, signal } as const
  const copied = await copyObject(store, source, target, options)
  // Else the next run could not tell that this is the copy.
  const isUnrecognisable = !hasSameMd5(copied, before) || mayLookLikeCopy(before, guardsSource)
  const isRecorded = records !== undefined && isUnrecognisable
  if (isRecorded) await writeFinishedCopy(records, { source, target }, before, copied)
  const encrypted = await beginsAsCrypt4gh(store, source, before, signal)
  const { size, etag, versionId, parts, comparedBy } = copied
  const entry = {
    ...{ ...known, size, state: 'copied' as const, etag, parts, comparedBy },
    ...(versionId === undefined ? {} : { versionId }),
    ...(encrypted === undefined ? {} : { encrypted }),
  }
  return { entry, before, copy: copied, isRecorded }
}

/** The source as it is, and what is under the copy's name. */
async function look(step: Step): Promise<{ before: ObjectHead; there: AtTarget }> {
  const { store, source, request, guardsSource, signal } = step
  const before = await store.headObject(source.bucket, source.objectKey, { signal })
  const { records, dryRun: onlyLooks } = request
  const options = { records, refusesItself: guardsSource, onlyLooks, signal }
  return { before, there: await lookAtTarget(store, step, before, options) }
}
