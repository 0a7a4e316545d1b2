/**
 * Seals headers with packet keys that were agreed on before ({@link packetKeysFor}). What is left to do needs no libsodium,
 * so that worker threads can load this alone.
 */
import { AppError } from '../../util/errors.ts'
import { randomBytes } from '../primitives.ts'
import {
  HEADER_LIMITS,
  HEADER_METHOD_X25519_CHACHA20,
  KEY_SIZE,
  NONCE_SIZE,
  SEGMENT_OVERHEAD,
} from './format.ts'
import { serializeDataKey, serializeEditList } from './header-payload.ts'
import { headerPacket, serializeHeader } from './header.ts'
import type { HeaderPacket } from './header.ts'
import type { PacketKeys } from './packet-key.ts'
import { cipherKey, sealSegment } from './segment-cipher.ts'
import type { CipherKey } from './segment-cipher.ts'

/** What a header tells its readers. */
export interface HeaderContents {
  /** At least one; 32 bytes each. */
  dataKeys: readonly Uint8Array[]
  /** Discard, keep, discard … in bytes; an empty list says nothing and is left out. */
  editList?: readonly bigint[] | undefined
}

/** Seals any number of headers by one writer for the same readers. */
export class HeaderSealer {
  readonly #writerPublicKey: Uint8Array
  readonly #ciphers: readonly CipherKey[]

  /** @param keys - not needed any more once this returned, and may be wiped */
  constructor({ writerPublicKey, ofReaders }: PacketKeys) {
    this.#writerPublicKey = writerPublicKey
    this.#ciphers = ofReaders.map((packetKey) => cipherKey(packetKey))
  }

  /**
   * The bytes of a header (crypt4gh.tex §2.2).
   *
   * @throws {@link AppError} USAGE for more packets than a reader would accept
   */
  seal(contents: HeaderContents): Uint8Array {
    return serializeHeader(this.sealPackets(contents))
  }

  /** {@link seal} without the frame: for each reader a packet per data key and one for the edit list. */
  sealPackets({ dataKeys, editList }: HeaderContents): HeaderPacket[] {
    if (dataKeys.length === 0) throw new RangeError('a header needs a data key')
    const payloads = dataKeys.map(serializeDataKey)
    try {
      if (editList !== undefined && editList.length > 0) payloads.push(serializeEditList(editList))
      checkPacketCount(this.#ciphers.length, payloads.length)
      return this.#ciphers.flatMap((cipher) => payloads.map((payload) => this.#sealPacket(cipher, payload)))
    } finally {
      for (const payload of payloads) payload.fill(0)
    }
  }

  /** Nonce, ciphertext and MAC are what they are in a segment (§2.2.1, §2.4.1); every packet has a fresh random nonce. */
  #sealPacket(cipher: CipherKey, payload: Uint8Array): HeaderPacket {
    const body = new Uint8Array(KEY_SIZE + SEGMENT_OVERHEAD + payload.length)
    body.set(this.#writerPublicKey)
    sealSegment(cipher, randomBytes(NONCE_SIZE), payload, body, KEY_SIZE)
    return headerPacket(HEADER_METHOD_X25519_CHACHA20, body)
  }
}

/** @throws {@link AppError} USAGE for no reader at all or more packets than one would accept */
export function checkPacketCount(readerCount: number, packetsPerReader: number): void {
  if (readerCount === 0) {
    throw new AppError('USAGE', 'no recipient given, nobody could open the file')
  }
  if (readerCount * packetsPerReader > HEADER_LIMITS.packetCount) {
    throw new AppError(
      'USAGE',
      `${readerCount} recipients need ${readerCount * packetsPerReader} header packets, readers accept ${HEADER_LIMITS.packetCount}`,
    )
  }
}
