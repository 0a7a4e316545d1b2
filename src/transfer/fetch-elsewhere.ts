import { retryOptionsOf } from '../storage/with-retry.ts'
import type { PartialFile } from '../util/partial-file.ts'
import type { RangesTarget } from './begun-file.ts'
import type { DownloadOptions } from './download-options.ts'
import type { FetchThreads } from './fetch-threads.ts'
import type { PlannedRange } from './range-plan.ts'

/** Bytes of an object below which starting threads costs more than they gain. */
const WORTH_THREADS = 64 * 1024 ** 2

/** After so many failures in a row the threads are not asked again: something is in their way, or the store away. */
const MOST_FAILURES = 3

/** Has threads fetch and open the ranges of one object, as long as that goes well. */
export class FetchElsewhere {
  readonly #target: RangesTarget
  readonly #partial: PartialFile
  readonly #dataKeys: readonly Uint8Array[]
  readonly #options: DownloadOptions
  readonly #threads: FetchThreads | undefined
  #failures = 0

  /** @param dataKeys - open the segments; without them no thread is asked */
  constructor(
    target: RangesTarget,
    partial: PartialFile,
    dataKeys: readonly Uint8Array[] | undefined,
    options: DownloadOptions,
  ) {
    this.#target = target
    this.#partial = partial
    this.#dataKeys = dataKeys ?? []
    this.#options = options
    const worth = dataKeys !== undefined && target.version.size >= WORTH_THREADS
    this.#threads = worth ? options.engine.fetchThreads : undefined
  }

  /** True when the range was fetched, opened and written; false when that is left to be done, the ordinary way. */
  async fetch(range: PlannedRange): Promise<boolean> {
    const threads = this.#threads
    if (threads === undefined || this.#failures >= MOST_FAILURES) return false
    const { store, signal } = this.#options
    const { bucket, objectKey } = this.#target.name
    const { etag, size } = this.#target.version
    const wanted = { offset: range.objectOffset, length: range.length }
    await retryOptionsOf(store).pause?.passed(signal)
    const options = { range: wanted, ifMatch: etag, signal }
    const request = await store.signedGet?.(bucket, objectKey, options).catch(() => undefined)
    signal?.throwIfAborted()
    if (request === undefined) {
      this.#failures += 1
      return false
    }
    const done = await threads.run(
      {
        request,
        wanted: { ...wanted, objectSize: size, etag },
        dataKeys: this.#dataKeys,
        length: range.length,
        firstSegment: range.firstSegment,
        outFd: this.#partial.file.fd,
        outOffset: range.plaintextOffset,
      },
      signal,
    )
    signal?.throwIfAborted()
    this.#failures = done ? 0 : this.#failures + 1
    return done
  }
}
