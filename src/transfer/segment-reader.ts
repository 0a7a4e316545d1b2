/**
 * The segments of one version of one object, fetched and opened when somebody wants a byte of them. Segments that are
 * missing side by side come with one GET; a segment that is on its way already is waited for, whoever asked for it; what
 * was opened stays in the cache for the next one. A GET that nobody waits for any more is ended.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { OpenSegment } from '../crypto/crypt4gh/segment.ts'
import type { ObjectName, ObjectStore } from '../storage/object-store.ts'
import { AppError } from '../util/errors.ts'
import type { ObjectVersion } from './download-options.ts'
import { fetchRange } from './fetch-range.ts'
import { LARGEST_WINDOW, ReadAhead } from './read-ahead.ts'
import type { ReadSession } from './read-session.ts'
import type { RequestGate } from './request-gate.ts'
import type { SegmentCache } from './segment-cache.ts'
import { spanEnd, type SegmentSpan } from './segment-spans.ts'

/** How an object is cut into segments, and how one is opened. */
export interface SegmentLayout {
  /** Bytes of the object before the first segment. */
  bodyStart: number
  /** Bytes of a full segment as it is stored. */
  storedSegmentSize: number
  segmentCount: number
  /** Those that may be read, all but what an edit list discards whole. */
  readable: readonly SegmentSpan[]
  open: OpenSegment
  /** Data keys that `open` may have to try on a segment. */
  dataKeyCount: number
}

/** What the readers of all objects share. */
export interface SharedReading {
  store: ObjectStore
  cache: SegmentCache
  gate: RequestGate
  /** Told for each piece of a segment that is read whether it was in memory. */
  onRead?: ((inMemory: boolean) => void) | undefined
}

/** Bytes of one segment's plaintext. */
export interface SegmentPiece {
  segment: number
  /** Within the segment; `to` is not included. */
  from: number
  to: number
}

/** Somebody who waits for a segment. */
interface Waiter {
  session: ReadSession
  take: (plaintext: Uint8Array) => void
  fail: (error: unknown) => void
}

/** Segments on their way. */
interface SegmentRun {
  first: number
  /** Not included. */
  end: number
  holders: Set<ReadSession>
  waiters: Map<number, Waiter[]>
  request: AbortController
}

/** From here on a reader that named no end has shown that it reads in order, and the next fetch starts before it is missed. */
const FETCH_AHEAD_FROM = LARGEST_WINDOW / 2

/** Fetches that the cache has room for, however small it is. */
const MOST_RUNS_IN_CACHE = 8

/** With more of them than this, a header of a stranger makes a segment take long, and others get their turn after each one. */
const FEW_DATA_KEYS = 16

export class SegmentReader {
  readonly #name: ObjectName
  readonly #version: ObjectVersion
  readonly #layout: SegmentLayout
  readonly #shared: SharedReading
  readonly #cacheKey: number
  readonly #readAhead = new ReadAhead()
  readonly #underWay = new Map<number, SegmentRun>()

  constructor(name: ObjectName, version: ObjectVersion, layout: SegmentLayout, shared: SharedReading) {
    this.#name = name
    this.#version = version
    this.#layout = layout
    this.#shared = shared
    this.#cacheKey = shared.cache.register()
  }

  /** Whether the segment is in memory. */
  has(segment: number): boolean {
    return this.#shared.cache.has(this.#cacheKey, segment)
  }

  /**
   * Copies a piece of a segment into `into` at `at`, authenticated.
   *
   * @throws AppError AUTHENTICATION_FAILED; StorageError, OBJECT_CHANGED among them; the reason of the session's signal
   */
  async read(piece: SegmentPiece, into: Uint8Array, at: number, session: ReadSession): Promise<void> {
    session.signal.throwIfAborted()
    const { segment, from, to } = piece
    const copy = (plaintext: Uint8Array): void => {
      if (plaintext.length < to) throw tooShort(segment)
      into.set(plaintext.subarray(from, to), at)
    }
    const cached = this.#shared.cache.get(this.#cacheKey, segment)
    this.#shared.onRead?.(cached !== undefined)
    if (cached !== undefined) {
      copy(cached)
      this.#fetchAhead(segment, session)
      return
    }
    const run = this.#underWay.get(segment) ?? this.#start(segment, session)
    this.#hold(run, session)
    await new Promise<void>((resolve, reject) => {
      const waiters = run.waiters.get(segment) ?? []
      run.waiters.set(segment, waiters)
      waiters.push({
        session,
        take: (plaintext) => {
          copy(plaintext)
          resolve()
        },
        fail: reject,
      })
      this.#fetchAhead(segment, session)
    })
  }

  /** Drops what is in memory. What is being read goes on. */
  close(): void {
    this.#shared.cache.drop(this.#cacheKey)
  }

  #hold(run: SegmentRun, session: ReadSession): void {
    run.holders.add(session)
    session.hold(run, (reason) => {
      this.#release(run, session, reason)
    })
  }

  /** A session wants nothing of a run any more; if it waits for a segment of it, it is told `reason`. */
  #release(run: SegmentRun, session: ReadSession, reason: unknown): void {
    run.holders.delete(session)
    for (const [segment, waiters] of run.waiters) {
      run.waiters.set(
        segment,
        waiters.filter((waiter) => {
          if (waiter.session === session) waiter.fail(reason)
          return waiter.session !== session
        }),
      )
    }
    if (run.holders.size > 0) return
    this.#forget(run)
    run.request.abort(reason)
  }

  /** Fetches what a reader will come to next, once it has reached what was fetched for it last. */
  #fetchAhead(segment: number, session: ReadSession): void {
    const { stretch } = session
    if (stretch === undefined || segment < stretch.begin) return
    if (!session.bounded && stretch.window < FETCH_AHEAD_FROM) return
    const next = stretch.end
    if (next >= session.wantedUntil(segment)) return
    if (next >= this.#layout.segmentCount || this.has(next) || this.#underWay.has(next)) return
    this.#hold(this.#start(next, session), session)
  }

  #start(first: number, session: ReadSession): SegmentRun {
    const { segmentCount, readable } = this.#layout
    const certain = session.bounded ? session.wantedUntil(first) - first : undefined
    const stretch = this.#readAhead.next(first, certain, session.stretch)
    const limit = Math.min(segmentCount, stretch.end, spanEnd(readable, first), first + this.#longestRun())
    let end = first + 1
    while (end < limit && !this.has(end) && !this.#underWay.has(end)) end += 1
    stretch.end = end
    session.stretch = stretch
    const run: SegmentRun = {
      first,
      end,
      holders: new Set(),
      waiters: new Map(),
      request: new AbortController(),
    }
    for (let segment = first; segment < end; segment += 1) this.#underWay.set(segment, run)
    void this.#fetch(run)
    return run
  }

  /** Fetches under way together must not push one another's segments out of the cache. */
  #longestRun(): number {
    return Math.max(1, Math.floor(this.#shared.cache.capacity / MOST_RUNS_IN_CACHE))
  }

  async #fetch(run: SegmentRun): Promise<void> {
    const { store, gate } = this.#shared
    const { bodyStart, storedSegmentSize } = this.#layout
    const { signal } = run.request
    try {
      const leave = await gate.enter(signal)
      try {
        const offset = bodyStart + run.first * storedSegmentSize
        const length = Math.min(this.#version.size, bodyStart + run.end * storedSegmentSize) - offset
        const { etag, size } = this.#version
        const stored = await fetchRange(store, this.#name, { offset, length }, etag, signal, undefined, size)
        signal.throwIfAborted()
        await this.#open(run, stored, signal)
      } finally {
        leave()
      }
    } catch (error) {
      for (const waiters of run.waiters.values()) for (const { fail } of waiters) fail(error)
    } finally {
      this.#forget(run)
      for (const session of run.holders) session.letGo(run)
    }
  }

  /**
   * Opens the segments of a run. Who waits for one gets its copy before the next is opened, so that no other reader can
   * have pushed it out of the cache. A segment that is not genuine concerns only those who wait for it.
   *
   * @throws the signal's reason, when nobody waits any more
   */
  async #open(run: SegmentRun, stored: Uint8Array, signal: AbortSignal): Promise<void> {
    const { storedSegmentSize, open, dataKeyCount } = this.#layout
    for (let segment = run.first; segment < run.end; segment += 1) {
      if (dataKeyCount > FEW_DATA_KEYS && segment > run.first) {
        await nextTurn()
        signal.throwIfAborted()
        this.#shared.cache.throwIfClosed()
      }
      // Who comes for it from now on finds it in the cache or starts anew: this run does not come back to it.
      if (this.#underWay.get(segment) === run) this.#underWay.delete(segment)
      const at = (segment - run.first) * storedSegmentSize
      const waiters = run.waiters.get(segment) ?? []
      run.waiters.delete(segment)
      try {
        const encrypted = stored.subarray(at, at + storedSegmentSize)
        const plaintext = this.#shared.cache.put(this.#cacheKey, segment, (memory) =>
          open(encrypted, memory, 0, segment),
        )
        for (const { take } of waiters) take(plaintext)
      } catch (error) {
        for (const { fail } of waiters) fail(error)
      }
    }
  }

  #forget(run: SegmentRun): void {
    for (let segment = run.first; segment < run.end; segment += 1) {
      if (this.#underWay.get(segment) === run) this.#underWay.delete(segment)
    }
  }
}

function tooShort(segment: number): AppError {
  return new AppError('AUTHENTICATION_FAILED', `segment ${segment}: wrong length`)
}
