/**
 * Random access to a Crypt4GH file: any range of the plaintext, at the cost of the segments that hold it. With
 * an edit list a position in the file as its reader sees it is found among the kept ranges by halves.
 */
import { beyondEnd } from '../../util/byte-range.ts'
import { AppError } from '../../util/errors.ts'
import type { KeyPair } from '../keys/key-pair.ts'
import { editedSize, keptRanges, rangesWithin } from './edit-list.ts'
import type { KeptRange } from './edit-list.ts'
import { ENCRYPTED_SEGMENT_SIZE, HEADER_LIMITS, SEGMENT_SIZE } from './format.ts'
import { endsEarly, parseDetachedHeader, parseHeader } from './header.ts'
import type { Header } from './header.ts'
import { openHeader } from './open-header.ts'
import type { OpenedHeader } from './open-header.ts'
import { segmentOpener } from './segment.ts'
import { plaintextBodySize } from './sizes.ts'

/** Read ahead for the header: enough for 37 recipients, so that a remote source is asked once. */
const HEADER_READ_AHEAD = 4096

/** Segments that are fetched and opened together: 1 MiB of plaintext. */
const RUN_SEGMENTS = 16

/** Where the bytes of a file come from: a disk, a store, an array. */
export interface RandomAccessSource {
  /** Bytes of the whole source. */
  readonly size: number
  /** Exactly `length` bytes from `offset` on; never asked for anything beyond `size`. */
  readAt(offset: number, length: number): Promise<Uint8Array>
}

export interface OpenReaderOptions {
  /** A detached header; the source is then the body alone. */
  header?: Uint8Array | undefined
}

/** An opened file. */
export interface Reader {
  /** Bytes of the plaintext as its reader sees it: after the edit list, if there is one. */
  readonly size: number
  /** Distinct writer public keys of the packets that opened. */
  readonly senders: readonly Uint8Array[]
  /**
   * `length` bytes of the plaintext from `offset` on; every byte was authenticated.
   *
   * @throws {@link AppError} INVALID_RANGE when the range reaches beyond `size`; AUTHENTICATION_FAILED;
   * INTEGRITY when the source gives fewer bytes than it has
   */
  readAt(offset: number, length: number): Promise<Uint8Array>
  /** The same in pieces of at most 1 MiB, each authenticated; without `length` up to the end. */
  stream(offset: number, length?: number): AsyncGenerator<Uint8Array, void, undefined>
  /** Wipes the data keys, as far as the language lets us. To be called when nothing is read any more. */
  close(): void
}

/**
 * Opens a file for random access. Of the body nothing is read but what stands in the first 4 KiB beside the
 * header.
 *
 * @throws {@link AppError} NOT_CRYPT4GH, INVALID_HEADER, NO_MATCHING_KEY; AUTHENTICATION_FAILED for a body of
 * impossible size
 */
export async function openReader(
  source: RandomAccessSource,
  identities: readonly KeyPair[],
  options: OpenReaderOptions = {},
): Promise<Reader> {
  const header =
    options.header === undefined ? await readHeaderOf(source) : parseDetachedHeader(options.header)
  const bodyStart = options.header === undefined ? header.length : 0
  return openBody(source, bodyStart, await openHeader(header, identities))
}

/**
 * Random access to a body whose header was opened already.
 *
 * @param bodyStart - bytes of the source before the first segment
 */
export function openBody(source: RandomAccessSource, bodyStart: number, opened: OpenedHeader): Reader {
  const storedSize = plaintextBodySize(source.size - bodyStart)
  const size = editedSize(storedSize, opened.editList)
  const kept = new KeptBytes(opened.editList ?? [], storedSize)
  const openSegment = segmentOpener(opened.dataKeys)

  const openRun = async ({ first, end }: SegmentRun): Promise<Uint8Array> => {
    const start = bodyStart + first * ENCRYPTED_SEGMENT_SIZE
    const length = Math.min(source.size - start, (end - first) * ENCRYPTED_SEGMENT_SIZE)
    const encrypted = await source.readAt(start, length)
    if (encrypted.length !== length) throw shortRead(start, length, encrypted.length)
    const plaintext = new Uint8Array(plaintextBodySize(length))
    for (let segment = first, at = 0, written = 0; at < length; segment += 1, at += ENCRYPTED_SEGMENT_SIZE) {
      written += openSegment(encrypted.subarray(at, at + ENCRYPTED_SEGMENT_SIZE), plaintext, written, segment)
    }
    return plaintext
  }

  async function* stream(
    offset: number,
    length = Math.max(0, size - offset),
  ): AsyncGenerator<Uint8Array, void, undefined> {
    requireRange(offset, length, size)
    for (const run of segmentRuns(kept.pieces(offset, offset + length))) {
      const plaintext = await openRun(run)
      const from = run.first * SEGMENT_SIZE
      for (const { start, end } of run.pieces) yield plaintext.subarray(start - from, end - from)
    }
  }

  const readAt = async (offset: number, length: number): Promise<Uint8Array> => {
    requireRange(offset, length, size)
    const bytes = new Uint8Array(length)
    let filled = 0
    for await (const piece of stream(offset, length)) {
      bytes.set(piece, filled)
      filled += piece.length
    }
    return bytes
  }

  const close = (): void => {
    for (const dataKey of opened.dataKeys) dataKey.fill(0)
  }
  return { size, senders: opened.senders, readAt, stream, close }
}

/** The kept ranges of a file, and where each starts in the edited file. */
class KeptBytes {
  readonly #ranges: readonly KeptRange[]
  readonly #editedStarts: readonly number[]

  constructor(editList: readonly bigint[], storedSize: number) {
    this.#ranges = rangesWithin(keptRanges(editList), 0, storedSize)
    let edited = 0
    this.#editedStarts = this.#ranges.map(({ start, end }) => {
      edited += end - start
      return edited - (end - start)
    })
  }

  /** The stored bytes that make up the edited bytes from `start` up to `end`, cut where segments end. */
  *pieces(start: number, end: number): Generator<KeptRange, void, undefined> {
    for (let index = this.#rangeAt(start); index < this.#ranges.length; index += 1) {
      const range = this.#ranges[index]
      const editedStart = this.#editedStarts[index]
      if (range === undefined || editedStart === undefined || editedStart >= end) return
      const to = Math.min(range.end, range.start + end - editedStart)
      for (let from = range.start + Math.max(0, start - editedStart); from < to;) {
        const segmentEnd = (Math.floor(from / SEGMENT_SIZE) + 1) * SEGMENT_SIZE
        yield { start: from, end: Math.min(to, segmentEnd) }
        from = segmentEnd
      }
    }
  }

  /** Index of the last range that starts at or before an edited position. */
  #rangeAt(position: number): number {
    let low = 0
    let high = this.#editedStarts.length
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if ((this.#editedStarts[middle] ?? Infinity) <= position) low = middle
      else high = middle
    }
    return low
  }
}

/** Adjacent segments that are needed, and the stored bytes wanted of them. */
interface SegmentRun {
  first: number
  /** Not included. */
  end: number
  pieces: KeptRange[]
}

/** Gathers pieces, each within a segment and ascending, so that a segment is fetched and opened once. */
function* segmentRuns(pieces: Iterable<KeptRange>): Generator<SegmentRun, void, undefined> {
  let run: SegmentRun | undefined
  for (const piece of pieces) {
    const segment = Math.floor(piece.start / SEGMENT_SIZE)
    if (run === undefined || segment > run.end || segment - run.first >= RUN_SEGMENTS) {
      if (run !== undefined) yield run
      run = { first: segment, end: segment, pieces: [] }
    }
    run.end = segment + 1
    const last = run.pieces.at(-1)
    if (last?.end === piece.start) last.end = piece.end
    else run.pieces.push(piece)
  }
  if (run !== undefined) yield run
}

async function readHeaderOf(source: RandomAccessSource): Promise<Header> {
  const limit = Math.min(source.size, HEADER_LIMITS.headerLength)
  let wanted = Math.min(limit, HEADER_READ_AHEAD)
  for (;;) {
    const prefix = await source.readAt(0, wanted)
    if (prefix.length !== wanted) throw shortRead(0, wanted, prefix.length)
    const header = parseHeader(prefix)
    if ('packets' in header) return header
    if (header.needed > limit) throw endsEarly(prefix.length)
    wanted = Math.min(limit, Math.max(header.needed, 2 * wanted))
  }
}

function requireRange(offset: number, length: number, size: number): void {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
    throw new RangeError(`offset and length must be safe integers from 0 up, got ${offset} and ${length}`)
  }
  if (offset + length > size) throw beyondEnd(size)
}

function shortRead(offset: number, wanted: number, got: number): AppError {
  return new AppError('INTEGRITY', `the source gave ${got} of ${wanted} bytes at offset ${offset}`)
}
