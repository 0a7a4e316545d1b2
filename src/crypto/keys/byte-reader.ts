import { AppError } from '../../util/errors.ts'

/**
 * Reads the length-prefixed strings of key files, big-endian: lengths of 2 bytes in Crypt4GH's, of 4 in
 * OpenSSH's. Gives views, and reads past the end are INVALID_KEY, whatever a length claims.
 */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #prefixSize: 2 | 4
  #offset = 0

  constructor(bytes: Uint8Array, prefixSize: 2 | 4) {
    this.#bytes = bytes
    this.#prefixSize = prefixSize
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset
  }

  /** The next `length` bytes. */
  take(length: number, what: string): Uint8Array {
    if (length > this.remaining) throw new AppError('INVALID_KEY', `its ${what} is cut short`)
    this.#offset += length
    return this.#bytes.subarray(this.#offset - length, this.#offset)
  }

  uint32(what: string): number {
    const bytes = this.take(4, what)
    return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0)
  }

  /** A length-prefixed byte string. */
  string(what: string): Uint8Array {
    const prefix = this.take(this.#prefixSize, what)
    return this.take(
      prefix.reduce((length, byte) => length * 256 + byte, 0),
      what,
    )
  }

  /** A length-prefixed string as text. */
  text(what: string): string {
    return new TextDecoder().decode(this.string(what))
  }
}
