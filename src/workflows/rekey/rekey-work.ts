import type { ObjectEntry, ObjectName } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import { startSegmentEngine, type SegmentEngine } from '../../transfer/segment-engine.ts'
import { AppError, hasCode } from '../../util/errors.ts'
import { placedCopy, readUnfinishedCopy } from '../copies/unfinished-copy.ts'
import { isPrefix } from '../named-objects.ts'
import { formatS3Url } from '../s3-url.ts'
import type { ProgressCount } from '../transfer-progress.ts'
import { isHopeless } from '../transfer-run.ts'
import type { DeepRekeyedObject } from './deep-finish.ts'
import { deepRekeyObject } from './deep-rekey-object.ts'
import { ObjectTurns } from './object-turns.ts'
import { planRekey } from './planned-rekey.ts'
import { rekeyTarget } from './rekey-arguments.ts'
import { skippedUnseen } from './rekey-listing.ts'
import { rekeyId, type RekeyLog } from './rekey-log.ts'
import { rekeyObject, type RekeyedObject } from './rekey-object.ts'
import type { RekeyReport } from './rekey-report.ts'
import type { RekeyObjectsRequest, RekeySkipped } from './rekey-request.ts'
import type { RekeyTally } from './rekey-tally.ts'
import { hasSameBody } from './same-body.ts'

/** Bytes up to which an object is small: it and its copy are in memory, and so are those of all others at work. */
const SMALL_OBJECT = 2 * 1024 ** 2

/** Bytes above which the server copies most of an object: no more than its beginning is in memory. */
const LARGE_OBJECT = 5.5 * 1024 ** 2

/** Small objects at work at the same time: each waits for answers most of the time. */
const SMALL_AT_ONCE = 32

/** Those between: they take as much memory as four small ones each. */
const MEDIUM_AT_ONCE = 8

/** Large ones: the parts of one keep several requests busy. */
const LARGE_AT_ONCE = 4

/** Objects whose bodies pass through this machine: each takes up to 50 MiB of buffers. */
const DEEP_AT_ONCE = 2

/** Small ones of these: some parts of 6 MiB each. */
const DEEP_SMALL_AT_ONCE = 6

/** Objects of a run that are at work at the same time. */
export function objectsAtOnce({ concurrency = SMALL_AT_ONCE, deep, dryRun }: RekeyObjectsRequest): number {
  return deep && !dryRun ? Math.min(concurrency, DEEP_SMALL_AT_ONCE) : concurrency
}

/** How many objects as large as this one take the place of all those at work. */
function likewiseAtOnce(size: number, { deep }: RekeyObjectsRequest): number {
  if (size <= SMALL_OBJECT) return Infinity
  if (deep) return DEEP_AT_ONCE
  return size <= LARGE_OBJECT ? MEDIUM_AT_ONCE : LARGE_AT_ONCE
}

/** What the objects of a run share. */
interface RekeyRun {
  versioned: boolean
  tally: RekeyTally
  report: RekeyReport | undefined
  log: RekeyLog | undefined
  progress: ProgressCount
  /** Of all objects. */
  bytes: number
  signal: AbortSignal | undefined
}

/** The work on each object of a run: what is skipped, done, planned or fails, and where that is told. */
export class RekeyWork {
  readonly #store: Store
  readonly #request: RekeyObjectsRequest
  readonly #run: RekeyRun
  readonly #turns: ObjectTurns
  readonly #engine: SegmentEngine

  constructor(store: Store, request: RekeyObjectsRequest, run: RekeyRun) {
    this.#store = store
    this.#request = request
    this.#run = run
    this.#turns = new ObjectTurns(objectsAtOnce(request))
    this.#engine = startSegmentEngine(request.deep && !request.dryRun ? run.bytes : 0)
  }

  /** Objects that need nothing more, those of earlier runs among them. */
  get done(): number {
    return this.#run.tally.totals.objects + this.#run.tally.skipped.doneBefore
  }

  /** Does what is to be done with one object. Throws what ends the run: a bug, an interrupt, what all others would meet. */
  async rekey(entry: ObjectEntry): Promise<void> {
    const { place } = this.#request
    const { tally, report, progress, signal } = this.#run
    let moved = 0
    const onBytes = (bytes: number): void => {
      // No more than the object has: what is sent twice, or checked, is no progress.
      const counted = Math.min(bytes, entry.size - moved)
      moved += counted
      progress.addBytes(entry.objectKey, counted)
    }
    try {
      const why = skippedUnseen(entry, place) ?? ((await this.#isDone(entry)) ? 'doneBefore' : undefined)
      if (why !== undefined) {
        await this.#skip(entry, why)
        return
      }
      await this.#turns.take(this.#weight(entry), () => this.#rekeyOne(entry, onBytes))
      onBytes(entry.size - moved)
      progress.addFile(entry.objectKey)
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof AppError) || isHopeless(error)) throw error
      if (error.code === 'NOT_CRYPT4GH' && isPrefix(place)) {
        await this.#skip(entry, 'notCrypt4gh')
        return
      }
      const failure = named(error, formatS3Url(place.bucket, entry.objectKey))
      tally.addFailed(entry.objectKey, failure)
      const { code, message } = failure
      await report?.add({ outcome: 'failed', objectKey: entry.objectKey, code, message })
    }
  }

  /** Of a look at a header no more than of a small object. */
  #weight({ size }: ObjectEntry): number {
    if (this.#request.dryRun) return 1
    return Math.max(1, Math.ceil(objectsAtOnce(this.#request) / likewiseAtOnce(size, this.#request)))
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await this.#engine.close()
  }

  async #skip({ objectKey, size }: ObjectEntry, why: keyof RekeySkipped): Promise<void> {
    const { tally, report, progress } = this.#run
    tally.addSkipped(why)
    progress.addBytes(objectKey, size)
    progress.addFile(objectKey)
    await report?.add({ outcome: 'skipped', objectKey, why })
  }

  async #rekeyOne(entry: ObjectEntry, onBytes: (bytes: number) => void): Promise<void> {
    const { objectKey, size, etag } = entry
    const { place, into, change, deep, dryRun } = this.#request
    const { tally, report, log, signal } = this.#run
    signal?.throwIfAborted()
    const source = { bucket: place.bucket, objectKey }
    const target = rekeyTarget(place, into, entry)
    if (dryRun) {
      const planned = await planRekey(this.#store, { source, target, size, etag }, change, { deep, signal })
      tally.addPlanned(planned)
      await report?.add({ outcome: 'planned', ...planned })
      return
    }
    const force = await this.#mayReplace(entry, target)
    const rekeyed = await this.#write({ source, target }, force, onBytes)
    await log?.add({ type: 'done', objectKey, source: etag, etag: rekeyed.etag })
    tally.addRekeyed(rekeyed)
    await report?.add({ outcome: 'rekeyed', ...rekeyed })
  }

  #write(
    place: { source: ObjectName; target: ObjectName },
    force: boolean,
    onBytes: (bytes: number) => void,
  ): Promise<RekeyedObject | DeepRekeyedObject> {
    const { change, deep, deleteReplaced, partSize, records } = this.#request
    const { log, versioned, signal } = this.#run
    const options = { force, versioned, deleteReplaced, partSize, records, onBytes, signal }
    if (!deep) return rekeyObject(this.#store, place, change, options)
    const { source, target } = place
    const onCreated = async (uploadId: string): Promise<void> => {
      await log?.add({ type: 'upload', objectKey: source.objectKey, target: target.objectKey, uploadId })
    }
    const request = rekeyId(records?.endpoint ?? '', this.#request)
    return deepRekeyObject(this.#store, place, change, {
      ...options,
      engine: this.#engine,
      request,
      onCreated,
    })
  }

  /** Whether an earlier run did this very object, and it is still as that run left it. */
  async #isDone({ objectKey, etag }: ObjectEntry): Promise<boolean> {
    const { place, into } = this.#request
    const known = this.#run.log?.of(objectKey)
    if (known?.etag === undefined) return false
    if (into === undefined) return known.etag === etag
    if (known.source !== etag) return false
    const target = rekeyTarget(place, into, { objectKey })
    return (await this.#etagOf(target)) === known.etag
  }

  /**
   * Whether what is at another target may be replaced: because that was asked for, or because an earlier run that was
   * killed wrote it, when there was nothing, and as far as was written down it is still that. Writes down that this run is about to.
   */
  async #mayReplace({ objectKey, etag, size }: ObjectEntry, target: ObjectName): Promise<boolean> {
    const { place, into, force, records } = this.#request
    const { log, signal } = this.#run
    if (force || into === undefined || log === undefined) return force
    if ((await this.#etagOf(target)) === undefined) {
      await log.add({ type: 'begun', objectKey, source: etag })
      return false
    }
    const known = log.of(objectKey)
    // What was done is no longer ours once somebody wrote to it.
    if (known?.source !== etag || known.etag !== undefined) return false
    const left = records && (await readUnfinishedCopy(records, target))
    if (left !== undefined && (await placedCopy(this.#store, left, signal)) === undefined) return false
    return hasSameBody(this.#store, { bucket: place.bucket, objectKey, size, etag }, target, signal)
  }

  async #etagOf({ bucket, objectKey }: ObjectName): Promise<string | undefined> {
    try {
      return (await this.#store.headObject(bucket, objectKey, { signal: this.#run.signal })).etag
    } catch (error) {
      if (hasCode(error, 'OBJECT_NOT_FOUND')) return undefined
      throw error
    }
  }
}

/** Says which object it was: what is decided about a header does not know. */
function named(error: AppError, url: string): AppError {
  if (error.message.includes('s3://')) return error
  return new AppError(error.code, `${url}: ${error.message}`, { hints: error.hints, cause: error })
}
