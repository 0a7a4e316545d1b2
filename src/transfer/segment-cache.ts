import { SEGMENT_SIZE } from '../crypto/crypt4gh/format.ts'

/** Room for segment numbers below the object's number in one safe integer: 2^30 segments are 64 TiB, S3 stops at 5. */
export const SEGMENTS_PER_OBJECT = 2 ** 30

interface CachedSegment {
  memory: Uint8Array
  /** Bytes of plaintext in it. */
  length: number
}

/**
 * Opened segments of all objects, in at most so many bytes of memory. The segment that was used longest ago gives way.
 * Memory is overwritten when its segment gives way or is dropped, and then used for another one: plaintext stays no
 * longer than it is of use, and there is no more of it than the limit says.
 */
export class SegmentCache {
  readonly #capacity: number
  /** The one that was used longest ago comes first. */
  readonly #segments = new Map<number, CachedSegment>()
  readonly #spare: Uint8Array[] = []
  #objects = 0
  #closed = false

  /** @param memory - bytes; at least one segment's */
  constructor(memory: number) {
    this.#capacity = Math.floor(memory / SEGMENT_SIZE)
    if (this.#capacity < 1) throw new RangeError(`a cache needs room for a segment, got ${memory} bytes`)
  }

  /** Segments it has room for. */
  get capacity(): number {
    return this.#capacity
  }

  /** Segments in it. */
  get size(): number {
    return this.#segments.size
  }

  /** A number for one version of one object, under which its segments are kept. */
  register(): number {
    this.#objects += 1
    return this.#objects
  }

  has(object: number, segment: number): boolean {
    return this.#segments.has(keyOf(object, segment))
  }

  /** The plaintext of a segment, only until anything else is done with the cache: copy it at once. */
  get(object: number, segment: number): Uint8Array | undefined {
    const key = keyOf(object, segment)
    const found = this.#segments.get(key)
    if (found === undefined) return undefined
    this.#segments.delete(key)
    this.#segments.set(key, found)
    return found.memory.subarray(0, found.length)
  }

  /**
   * Takes a segment in. What `open` throws is thrown, and nothing was taken in then.
   *
   * @param open - writes the plaintext into memory of 65 536 bytes and gives its length
   * @returns the plaintext, as {@link get} gives it
   */
  put(object: number, segment: number, open: (memory: Uint8Array) => number): Uint8Array {
    this.throwIfClosed()
    const key = keyOf(object, segment)
    this.#drop(key)
    const memory = this.#room()
    try {
      const length = open(memory)
      this.#segments.set(key, { memory, length })
      return memory.subarray(0, length)
    } catch (error) {
      this.#giveBack(memory)
      throw error
    }
  }

  /** Forgets all segments of an object. */
  drop(object: number): void {
    const [first, end] = [keyOf(object, 0), keyOf(object, 0) + SEGMENTS_PER_OBJECT]
    for (const key of [...this.#segments.keys()]) if (key >= first && key < end) this.#drop(key)
  }

  /** @throws RangeError after {@link close}, when nothing is to be opened any more */
  throwIfClosed(): void {
    if (this.#closed) throw new RangeError('the cache is closed')
  }

  /** Overwrites everything. Nothing may be put into it from then on. */
  close(): void {
    this.#closed = true
    for (const key of [...this.#segments.keys()]) this.#drop(key)
    this.#spare.length = 0
  }

  #room(): Uint8Array {
    const spare = this.#spare.pop()
    if (spare !== undefined) return spare
    if (this.#segments.size < this.#capacity) return new Uint8Array(SEGMENT_SIZE)
    const [oldest] = this.#segments.keys()
    if (oldest !== undefined) this.#drop(oldest)
    return this.#spare.pop() ?? new Uint8Array(SEGMENT_SIZE)
  }

  #drop(key: number): void {
    const found = this.#segments.get(key)
    if (found === undefined) return
    this.#segments.delete(key)
    this.#giveBack(found.memory)
  }

  #giveBack(memory: Uint8Array): void {
    memory.fill(0)
    this.#spare.push(memory)
  }
}

/** Never the key of another object's segment: numbers that have no room are refused. */
function keyOf(object: number, segment: number): number {
  const key = object * SEGMENTS_PER_OBJECT + segment
  if (segment < 0 || segment >= SEGMENTS_PER_OBJECT || !Number.isSafeInteger(key)) {
    throw new RangeError(`no room in the cache for segment ${segment} of object ${object}`)
  }
  return key
}
