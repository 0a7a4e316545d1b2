import { AppError } from '../../util/errors.ts'

/** Tags of the few ASN.1 types that OpenSSL's keys consist of (X.690 §8). */
export const TAG = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  sequence: 0x30,
} as const

/** Reads DER elements one after the other. What isn't there, or reaches past the end, is INVALID_KEY. */
export class DerReader {
  /** The elements that this reader reads: the contents of the element it was taken from. */
  readonly bytes: Uint8Array
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** The tag of the next element; undefined at the end. */
  get nextTag(): number | undefined {
    return this.bytes[this.#offset]
  }

  /** Takes the next element, which must have that tag, and gives a reader of its contents (a view). */
  take(tag: number): DerReader {
    if (this.nextTag !== tag) throw unknownKey()
    return this.skip()
  }

  /** Takes the next element, whatever it is. */
  skip(): DerReader {
    const { start, length } = this.#contents(this.#offset + 1)
    // A length of nothing but digits can exceed every array: compare before adding.
    if (length > this.bytes.length - start) throw unknownKey()
    this.#offset = start + length
    return new DerReader(this.bytes.subarray(start, this.#offset))
  }

  /** Definite lengths: one byte, or the number of length bytes and those (X.690 §8.1.3). */
  #contents(lengthAt: number): { start: number; length: number } {
    const first = this.bytes[lengthAt]
    if (first === undefined || first === 0x80) throw unknownKey()
    if (first < 0x80) return { start: lengthAt + 1, length: first }
    const start = lengthAt + 1 + (first & 0x7f)
    const digits = this.bytes.subarray(lengthAt + 1, start)
    return { start, length: digits.reduce((length, byte) => length * 256 + byte, 0) }
  }
}

/** It isn't what it should be: that is all that can be said of bytes that anything could be. */
export function unknownKey(): AppError {
  return new AppError('INVALID_KEY', 'it is no key of a kind that is known')
}
