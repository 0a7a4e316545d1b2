import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../crypto/crypt4gh/format.ts'
import type { StreamedBody } from '../storage/object-store.ts'
import { nextHash } from './plaintext-hash.ts'
import type { SegmentEngine } from './segment-engine.ts'
import type { Slot, SlotPool } from './slot-pool.ts'
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
  /** Its chunks are lent: each is overwritten when the next one is asked for. */
  body: StreamedBody
  md5: () => string
}

/** In place of an MD5, where a store answered for a part before it had all of it: no ETag is this. */
const NOT_SENT = 'not known, because not all of it was sent'

/**
 * Parts of objects of hundreds of gigabytes are too large for buffers: they are sealed window by window, under fresh
 * nonces each time they are sent. Signing them would need their hash before their first byte; instead the MD5 of
 * what was sealed must be the ETag that the store answers.
 *
 * A part has one slot for as long as it is open: waiting for one in its middle would leave the store waiting, too.
 *
 * @param size - bytes of the sealed part, the header included
 */
export function streamedPart(size: number, from: StreamedPartSource): StreamedPart {
  let md5: string | undefined
  const open = async function* (): AsyncGenerator<Uint8Array> {
    md5 = undefined
    const slot = await from.slots.take()
    const hash = new WindowHash(from.engine, slot)
    try {
      for await (const { window, isLast } of sealedWindows(from, slot)) {
        hash.add(window.length)
        // Known before the last bytes leave, so before any answer to them.
        if (isLast) md5 = await hash.end()
        yield window
        await hash.caughtUp()
      }
    } finally {
      await hash.abandon()
      from.slots.giveBack(slot)
    }
  }
  return { body: { length: size, open }, md5: () => md5 ?? NOT_SENT }
}

/** Seals one window after the other into the same slot, the header in front of the first. */
async function* sealedWindows(
  { source, plaintextOffset, plaintextLength, header, dataKey, engine }: StreamedPartSource,
  slot: Slot,
): AsyncGenerator<{ window: Uint8Array; isLast: boolean }> {
  slot.bytes.set(header)
  let done = 0
  do {
    const slotOffset = done === 0 ? header.length : 0
    const windowLength = Math.min(plaintextLength - done, WINDOW_SEGMENTS * SEGMENT_SIZE)
    const { length } = await engine.run({
      kind: 'seal-to-memory',
      dataKey,
      fd: source.fd,
      plaintextOffset: plaintextOffset + done,
      plaintextLength: windowLength,
      slot: slot.shared,
      slotOffset,
      signed: false,
    })
    done += windowLength
    const isLast = done === plaintextLength
    if (isLast) await source.refuseIfChanged()
    yield { window: slot.bytes.subarray(0, length), isLast }
  } while (done < plaintextLength)
}

/** The MD5 of what goes through a slot, window by window, made while the window is sent. */
class WindowHash {
  readonly #engine: SegmentEngine
  readonly #slot: Slot
  readonly #hash = nextHash()
  #offset = 0
  #added: Promise<unknown> = Promise.resolve()
  #ended = false

  constructor(engine: SegmentEngine, slot: Slot) {
    this.#engine = engine
    this.#slot = slot
  }

  /** Takes the first `length` bytes of the slot, which must stay as they are until it has caught up. */
  add(length: number): void {
    const { shared: slot } = this.#slot
    this.#added = this.#engine.runOrdered({
      kind: 'hash-memory',
      hash: this.#hash,
      offset: this.#offset,
      slot,
      length,
    })
    // Awaited later, and possibly after a failure of the sending.
    this.#added.catch(() => undefined)
    this.#offset += length
  }

  /** Throws what the adding failed with. */
  async caughtUp(): Promise<void> {
    await this.#added
  }

  /** MD5 of all that was added, hex. */
  async end(): Promise<string | undefined> {
    await this.#added
    this.#ended = true
    return (await this.#engine.runOrdered({ kind: 'hash-end', hash: this.#hash })).md5
  }

  /** Frees what the hash takes, unless it was ended; what it failed with is nobody's concern then. */
  async abandon(): Promise<void> {
    await this.#added.catch(() => undefined)
    if (this.#ended) return
    await this.#engine.runOrdered({ kind: 'hash-end', hash: this.#hash }).catch(() => undefined)
  }
}
