import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../crypto/crypt4gh/format.ts'
import type { StreamedBody } from '../storage/object-store.ts'
import { nextHash } from './plaintext-hash.ts'
import type { SegmentEngine } from './segment-engine.ts'
import type { SlotPool } from './slot-pool.ts'
import type { SourceFile } from './source-file.ts'

/** Segments sealed, or read back, at a time: 2 MiB. */
export const WINDOW_SEGMENTS = 32

/** Bytes of a window once it is sealed: with the header in front, what a slot must hold. */
export const WINDOW_SIZE = WINDOW_SEGMENTS * ENCRYPTED_SEGMENT_SIZE

/** What a part is sealed from. Offsets and lengths in bytes. */
export interface StreamedPartSource {
  source: SourceFile
  plaintextOffset: number
  plaintextLength: number
  /** The header, in front of part 1; empty elsewhere. */
  header: Uint8Array
  dataKey: Uint8Array
  engine: SegmentEngine
  slots: SlotPool
}

/** A part that is sealed while it is sent, and its MD5 once it was. */
export interface StreamedPart {
  body: StreamedBody
  md5: () => string | undefined
}

/**
 * Parts of objects of hundreds of gigabytes are too large for buffers: they are sealed window by window, under fresh
 * nonces each time they are sent. Signing them would need their hash before their first byte; instead the MD5 of
 * what was sent must be the ETag that the store answers.
 *
 * @param size - bytes of the sealed part, the header included
 */
export function streamedPart(size: number, from: StreamedPartSource): StreamedPart {
  let md5: string | undefined
  const open = async function* (): AsyncGenerator<Uint8Array> {
    md5 = undefined
    const hash = nextHash()
    const windows = new WindowSealing(from, hash)
    let next = windows.sealNext()
    try {
      for (;;) {
        const window = await next
        if (window === undefined) break
        next = windows.sealNext()
        yield window
      }
    } finally {
      await next.catch(() => undefined)
      md5 = (await from.engine.runOrdered({ kind: 'hash-end', hash })).md5
    }
  }
  return { body: { length: size, open }, md5: () => md5 }
}

class WindowSealing {
  readonly #from: StreamedPartSource
  readonly #hash: number
  #plaintextDone = 0
  #sealed = 0

  constructor(from: StreamedPartSource, hash: number) {
    this.#from = from
    this.#hash = hash
  }

  /** The next window in memory of its own; undefined after the last. One slot is held at a time, never two. */
  async sealNext(): Promise<Uint8Array | undefined> {
    const { source, plaintextOffset, plaintextLength, header, dataKey, engine, slots } = this.#from
    const rest = plaintextLength - this.#plaintextDone
    if (rest === 0 && this.#sealed > 0) return undefined
    const windowLength = Math.min(rest, WINDOW_SEGMENTS * SEGMENT_SIZE)
    const slot = await slots.take()
    try {
      const slotOffset = this.#sealed === 0 ? header.length : 0
      slot.bytes.set(header.subarray(0, slotOffset))
      const { length } = await engine.run({
        kind: 'seal-to-memory',
        dataKey,
        fd: source.fd,
        plaintextOffset: plaintextOffset + this.#plaintextDone,
        plaintextLength: windowLength,
        slot: slot.shared,
        slotOffset,
        signed: false,
      })
      await engine.runOrdered({
        kind: 'hash-memory',
        hash: this.#hash,
        offset: this.#sealed,
        slot: slot.shared,
        length,
      })
      this.#plaintextDone += windowLength
      this.#sealed += length
      if (this.#plaintextDone === plaintextLength) await source.refuseIfChanged()
      return Uint8Array.from(slot.bytes.subarray(0, length))
    } finally {
      slots.giveBack(slot)
    }
  }
}
