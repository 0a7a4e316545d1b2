import { ENCRYPTED_SEGMENT_SIZE } from '../crypto/crypt4gh/format.ts'
import { openSegments } from '../crypto/crypt4gh/segment.ts'
import { batchBuffers, ENCRYPTED_BATCH, writeFully } from './batch.ts'
import type { BodySink } from './fetch-connection.ts'

/** Where the segments of a range go, and what opens them. */
export interface OpenFetched {
  dataKeys: readonly Uint8Array[]
  /** Bytes of the range. */
  length: number
  firstSegment: number
  outFd: number
  outOffset: number
}

/** Opens segments as they arrive, and writes their plaintext into a file, a batch at a time. */
export class SegmentSink implements BodySink {
  readonly #task: OpenFetched
  readonly #batch: Uint8Array
  #inBatch = 0
  /** Bytes of the range in front of the batch. */
  #opened = 0
  #written = 0

  /** @param memory - for a batch of encrypted segments */
  constructor(task: OpenFetched, memory: Uint8Array) {
    this.#task = task
    this.#batch = memory.subarray(0, Math.min(ENCRYPTED_BATCH, task.length))
  }

  room(): Uint8Array {
    return this.#batch.subarray(this.#inBatch)
  }

  filled(count: number): void {
    this.#inBatch += count
    const { dataKeys, length, firstSegment, outFd, outOffset } = this.#task
    if (this.#inBatch < this.#batch.length && this.#opened + this.#inBatch < length) return
    const { plain } = batchBuffers()
    const segments = this.#batch.subarray(0, this.#inBatch)
    const first = firstSegment + Math.floor(this.#opened / ENCRYPTED_SEGMENT_SIZE)
    const size = openSegments(dataKeys, segments, plain, first)
    writeFully(outFd, plain.subarray(0, size), outOffset + this.#written)
    this.#written += size
    this.#opened += this.#inBatch
    this.#inBatch = 0
  }
}
