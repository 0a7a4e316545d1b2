/** Reads an object once, from its first byte to its last, for checks that take the bytes in their order. */
import { ENCRYPTED_SEGMENT_SIZE } from '../../crypto/crypt4gh/format.ts'
import type { ByteRange, ObjectName, ObjectStore } from '../../storage/object-store.ts'
import type { ObjectVersion } from '../../transfer/download-options.ts'
import { fetchRange } from '../../transfer/fetch-range.ts'
import type { SlotPool } from '../../transfer/slot-pool.ts'
import { forEachPulled } from '../../util/pull-pool.ts'
import type { Check } from './check-threads.ts'

/** A header up to this size comes with the first segments; a longer one alone. Bytes. */
const HEADER_ROOM = 64 * 1024

/** What takes the bytes. */
export interface ObjectChecks {
  /** All of the object. */
  whole: Check | undefined
  /** The body: everything from its first segment on. */
  body: Check | undefined
}

export interface ReadOptions {
  store: ObjectStore
  /** Buffers of {@link slotSizeFor} the range size at least, shared by all objects of a run. */
  slots: SlotPool
  /** Ranges on their way for this object. */
  concurrency: number
  /** Bytes aimed at for a range. */
  rangeSize: number
  /** Told of bytes that were checked. */
  onBytes: (count: number) => void
  signal: AbortSignal | undefined
}

/** A range of an object; `bodyAt` is where its segments begin in it, its end where it has none. */
interface ReadRange extends ByteRange {
  bodyAt: number
}

/** Bytes of a buffer that holds any range: a header and whole segments. */
export function slotSizeFor(rangeSize: number): number {
  return HEADER_ROOM + segmentsIn(rangeSize) * ENCRYPTED_SEGMENT_SIZE
}

/** Cuts an object into ranges that follow each other: the header, and runs of whole segments. Pure. */
export function* readRanges(
  size: number,
  headerLength: number,
  rangeSize: number,
): Generator<ReadRange, void, undefined> {
  const step = segmentsIn(rangeSize) * ENCRYPTED_SEGMENT_SIZE
  let offset = 0
  while (headerLength - offset > HEADER_ROOM) {
    const length = Math.min(step, headerLength - offset)
    yield { offset, length, bodyAt: length }
    offset += length
  }
  while (offset < size) {
    const bodyAt = Math.max(0, headerLength - offset)
    const length = Math.min(bodyAt + step, size - offset)
    yield { offset, length, bodyAt: Math.min(bodyAt, length) }
    offset += length
  }
}

/**
 * Fetches one version of an object and hands every byte to the checks, in order. Ranges are fetched side by side, each
 * into a buffer that is free again when the checks are done with it.
 *
 * @param headerLength - bytes before the first segment; 0 for what has no header
 * @throws StorageError, OBJECT_CHANGED when the object was replaced meanwhile
 */
export async function readThrough(
  name: ObjectName,
  version: ObjectVersion,
  headerLength: number,
  checks: ObjectChecks,
  options: ReadOptions,
): Promise<void> {
  const { concurrency, rangeSize, signal } = options
  // True when all that comes before was handed on.
  let before: Promise<boolean> = Promise.resolve(true)
  await forEachPulled(
    readRanges(version.size, headerLength, rangeSize),
    concurrency,
    async (range) => {
      const turn = Promise.withResolvers<boolean>()
      const earlier = before
      before = turn.promise
      try {
        // Buffers are asked for in the order of the ranges: the one that all others wait for always has one.
        await readInTurn(name, version, range, checks, options, { earlier, handedOn: turn.resolve })
      } finally {
        // Whatever went wrong: what follows must not wait for ever, and is not handed on.
        turn.resolve(false)
      }
    },
    signal,
  )
}

interface Turn {
  earlier: Promise<boolean>
  handedOn: (done: boolean) => void
}

async function readInTurn(
  name: ObjectName,
  { size, etag }: ObjectVersion,
  { offset, length, bodyAt }: ReadRange,
  checks: ObjectChecks,
  { store, slots, onBytes, signal }: ReadOptions,
  { earlier, handedOn }: Turn,
): Promise<void> {
  const slot = await slots.take()
  try {
    await fetchRange(store, name, { offset, length }, etag, signal, slot.bytes.subarray(0, length), size)
    if (!(await earlier)) return
    const taken = handOver(checks, slot.shared, length, bodyAt)
    handedOn(true)
    await taken
    onBytes(length)
  } finally {
    slots.giveBack(slot)
  }
}

/**
 * Hands the bytes at the start of a buffer to the checks, in the order of the calls. Settles when the buffer is free again.
 *
 * @param bodyAt - where the first segment begins in them
 */
export async function handOver(
  { whole, body }: ObjectChecks,
  shared: SharedArrayBuffer,
  length: number,
  bodyAt: number,
): Promise<void> {
  const taken: Promise<void>[] = []
  if (whole !== undefined) taken.push(whole.update({ shared, start: 0, end: length }))
  if (body !== undefined && bodyAt < length) taken.push(body.update({ shared, start: bodyAt, end: length }))
  // Both, even when one fails: the other may still read the buffer.
  for (const one of await Promise.allSettled(taken)) if (one.status === 'rejected') throw one.reason
}

function segmentsIn(rangeSize: number): number {
  return Math.max(1, Math.floor(rangeSize / ENCRYPTED_SEGMENT_SIZE))
}
