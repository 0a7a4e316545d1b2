/**
 * Finds nonces that occur twice. Two segments under one data key and one nonce give away the XOR of their
 * plaintexts, and their MACs can then be forged (RFC 8439 §4). Whole segments that stand in a body twice have the
 * same nonce too, and mean something else: somebody copied them.
 */
import { randomBytes } from '../primitives.ts'
import { NONCE_SIZE } from './format.ts'

/** What is remembered of a segment: its nonce and the first four bytes of its MAC. */
export const MARK_SIZE = NONCE_SIZE + 4

/** Segments that are remembered, 512 GiB of plaintext: they take at most 336 MiB. Later ones are not compared. */
const MOST_SEGMENTS = 2 ** 23

/** Two segments with one nonce, by their numbers from 0. */
export interface RepeatedNonce {
  segment: number
  /** The first one that had the nonce. */
  earlier: number
}

/** Which nonces were seen, of one data key. */
export class NonceRecord {
  /** Segments under a nonce that another one had before. */
  reused = 0
  /** Segments that are copies of an earlier one. */
  copied = 0
  /** Segments that were compared. */
  compared = 0
  firstReused: RepeatedNonce | undefined
  firstCopied: RepeatedNonce | undefined
  /** Open addressing; a slot is the mark's four words and the segment's number plus one, 0 when free. */
  #slots = new Uint32Array(SLOT_WORDS * 1024)

  /** @param mark - {@link MARK_SIZE} bytes */
  add(mark: Uint8Array, segment: number): void {
    if (this.compared >= MOST_SEGMENTS) return
    if (this.compared * 2 * SLOT_WORDS >= this.#slots.length) this.#grow()
    const [a, b, c, mac] = wordsOf(mark)
    const slot = findSlot(this.#slots, a, b, c)
    this.compared += 1
    const earlier = (this.#slots[slot + 4] ?? 0) - 1
    if (earlier === -1) {
      this.#slots.set([a, b, c, mac, segment + 1], slot)
    } else if (this.#slots[slot + 3] === mac) {
      this.copied += 1
      this.firstCopied ??= { segment, earlier }
    } else {
      this.reused += 1
      this.firstReused ??= { segment, earlier }
    }
  }

  #grow(): void {
    const grown = new Uint32Array(this.#slots.length * 2)
    for (let from = 0; from < this.#slots.length; from += SLOT_WORDS) {
      const slot = this.#slots.subarray(from, from + SLOT_WORDS)
      const [a = 0, b = 0, c = 0, , number = 0] = slot
      if (number > 0) grown.set(slot, findSlot(grown, a, b, c))
    }
    this.#slots = grown
  }
}

const SLOT_WORDS = 5

function wordsOf(mark: Uint8Array): [number, number, number, number] {
  const view = new DataView(mark.buffer, mark.byteOffset, MARK_SIZE)
  return [view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12)]
}

/** Spread counters, which differ in few bits; secret, so that no file can be made to crowd one place of the table. */
const MULTIPLIERS = new Uint32Array(Uint8Array.from(randomBytes(12)).buffer).map((random) => random | 1)

/** Index of the slot that has the nonce, or of the free one where it belongs. */
function findSlot(slots: Uint32Array, a: number, b: number, c: number): number {
  const count = slots.length / SLOT_WORDS
  const [byA = 1, byB = 1, byC = 1] = MULTIPLIERS
  const mixed = Math.imul(a, byA) ^ Math.imul(b, byB) ^ Math.imul(c, byC)
  let index = ((mixed ^ (mixed >>> 15)) >>> 0) % count
  for (;;) {
    const slot = index * SLOT_WORDS
    if (slots[slot + 4] === 0) return slot
    if (slots[slot] === a && slots[slot + 1] === b && slots[slot + 2] === c) return slot
    index = (index + 1) % count
  }
}
