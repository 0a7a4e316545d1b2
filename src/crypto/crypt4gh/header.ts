/**
 * The plain structure of a header, bytes ↔ packets, without any key (crypt4gh.tex §2.2).
 * Every length and count is checked against HEADER_LIMITS before it is used, and memory is
 * only taken for bytes that have arrived.
 */
import { AppError } from '../../util/errors.ts'
import {
  HEADER_LIMITS,
  HEADER_METHOD_X25519_CHACHA20,
  HEADER_PREFIX_SIZE,
  KEY_SIZE,
  MAC_SIZE,
  MAGIC_NUMBER,
  NONCE_SIZE,
  SMALLEST_PACKET,
  VERSION,
} from './format.ts'

/** One header packet as it stands in the file. All arrays are copies. */
export interface HeaderPacket {
  /** `packet_encryption`; 0 is the only method of version 1, others are skipped by readers. */
  headerEncryptionMethod: number
  /** What follows the method field. With method 0: writer public key, nonce, ciphertext, MAC. */
  body: Uint8Array
  /** The sender's public key; undefined for an unknown method or a packet too short to hold one. */
  writerPublicKey: Uint8Array | undefined
}

export interface Header {
  packets: readonly HeaderPacket[]
  /** Bytes of the whole header: the first segment starts here. */
  length: number
}

/** True when the bytes begin with the magic number of Crypt4GH. */
export function looksLikeCrypt4gh(prefix: Uint8Array): boolean {
  return prefix.length >= MAGIC_NUMBER.length && startsLikeMagicNumber(prefix)
}

/**
 * Parses the header at the start of `prefix`. When that is too short, gives the number of bytes
 * (counted from the file's start) without which it can't go on; never less than `prefix` has.
 *
 * @throws {@link AppError} NOT_CRYPT4GH for a wrong magic number; INVALID_HEADER for another version, an
 * impossible packet length or a count or length beyond {@link HEADER_LIMITS}
 */
export function parseHeader(prefix: Uint8Array): Header | { needed: number } {
  if (!startsLikeMagicNumber(prefix)) throw notCrypt4gh()
  if (prefix.length < HEADER_PREFIX_SIZE) return { needed: HEADER_PREFIX_SIZE }
  const view = viewOf(prefix)
  const version = view.getUint32(8, true)
  if (version !== VERSION) {
    throw new AppError('INVALID_HEADER', `Crypt4GH version ${version} is unknown, only ${VERSION} is`)
  }
  const packetCount = view.getUint32(12, true)
  if (packetCount > HEADER_LIMITS.packetCount) throw beyondLimit('packets', packetCount, 'packetCount')
  // Walked first, copied when it is whole: a header that comes in thousands of pieces is walked as often.
  const starts: number[] = []
  let offset = HEADER_PREFIX_SIZE
  while (starts.length < packetCount) {
    const following = packetCount - starts.length - 1
    if (prefix.length < offset + SMALLEST_PACKET) {
      return { needed: offset + SMALLEST_PACKET * (following + 1) }
    }
    const packetLength = view.getUint32(offset, true)
    const end = offset + checkedPacketLength(packetLength, starts.length)
    if (end > HEADER_LIMITS.headerLength) throw beyondLimit('bytes', end, 'headerLength')
    if (prefix.length < end) return { needed: end + SMALLEST_PACKET * following }
    starts.push(offset)
    offset = end
  }
  const packets = starts.map((start, index) =>
    parsePacket(prefix.subarray(start, starts[index + 1] ?? offset)),
  )
  return { packets, length: offset }
}

/**
 * Parses a header that is kept apart from its body.
 *
 * @throws {@link AppError} as {@link parseHeader}; INVALID_HEADER when it is cut short or anything follows it
 */
export function parseDetachedHeader(bytes: Uint8Array): Header {
  const header = parseHeader(bytes)
  if (!('packets' in header)) throw endsEarly(bytes.length)
  if (header.length === bytes.length) return header
  throw new AppError('INVALID_HEADER', `${bytes.length - header.length} bytes follow the detached header`, {
    hints: ['it may be a whole file: try it without a header of its own'],
  })
}

/** The bytes of a header of these packets; the inverse of {@link parseHeader}. */
export function serializeHeader(packets: readonly HeaderPacket[]): Uint8Array {
  const length = packets.reduce((sum, packet) => sum + packetLengthOf(packet), HEADER_PREFIX_SIZE)
  if (packets.length > HEADER_LIMITS.packetCount) throw beyondLimit('packets', packets.length, 'packetCount')
  if (length > HEADER_LIMITS.headerLength) throw beyondLimit('bytes', length, 'headerLength')
  const bytes = new Uint8Array(length)
  const view = viewOf(bytes)
  bytes.set(MAGIC_NUMBER)
  view.setUint32(8, VERSION, true)
  view.setUint32(12, packets.length, true)
  let offset = HEADER_PREFIX_SIZE
  for (const [index, packet] of packets.entries()) {
    view.setUint32(offset, checkedPacketLength(packetLengthOf(packet), index), true)
    view.setUint32(offset + 4, packet.headerEncryptionMethod, true)
    bytes.set(packet.body, offset + SMALLEST_PACKET)
    offset += packetLengthOf(packet)
  }
  return bytes
}

/** Makes a packet of its method and what follows it. */
export function headerPacket(headerEncryptionMethod: number, body: Uint8Array): HeaderPacket {
  const readable =
    headerEncryptionMethod === HEADER_METHOD_X25519_CHACHA20 &&
    body.length >= KEY_SIZE + NONCE_SIZE + MAC_SIZE
  return {
    headerEncryptionMethod,
    body,
    writerPublicKey: readable ? body.slice(0, KEY_SIZE) : undefined,
  }
}

/** A header, its bytes, and the stream behind it. */
export interface ReadHeader {
  header: Header
  bytes: Uint8Array
  /** What follows the header; can be iterated once, and closes the source when left. */
  rest: AsyncIterable<Uint8Array>
  /** Closes the source when `rest` isn't iterated after all; harmless afterwards. */
  close: () => Promise<void>
}

/**
 * Reads a header from a stream and hands on what follows. The source is closed when this throws.
 *
 * @throws {@link AppError} as {@link parseHeader}; NOT_CRYPT4GH or INVALID_HEADER when the source ends too early
 */
export async function readHeader(source: AsyncIterable<Uint8Array>): Promise<ReadHeader> {
  const iterator = source[Symbol.asyncIterator]()
  const close = async () => {
    await iterator.return?.()
  }
  let received: Uint8Array = new Uint8Array(4096)
  let size = 0
  try {
    for (;;) {
      const header = parseHeader(received.subarray(0, size))
      if ('packets' in header) {
        const rest = continuation(received.slice(header.length, size), iterator)
        return { header, bytes: received.slice(0, header.length), rest, close }
      }
      while (size < header.needed) {
        const next = await iterator.next()
        if (next.done === true) throw endsEarly(size)
        received = withRoomFor(received, size, next.value.length)
        received.set(next.value, size)
        size += next.value.length
      }
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function* continuation(
  first: Uint8Array,
  iterator: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    if (first.length > 0) yield first
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value
  } finally {
    await iterator.return?.()
  }
}

/** Doubling keeps the copies linear in the bytes that arrived, whatever size the chunks have. */
function withRoomFor(received: Uint8Array, size: number, more: number): Uint8Array {
  if (size + more <= received.length) return received
  const grown = new Uint8Array(Math.max(received.length * 2, size + more))
  grown.set(received.subarray(0, size))
  return grown
}

function parsePacket(packet: Uint8Array): HeaderPacket {
  // Not slice(): a Buffer's would be a view of memory that its owner may use again.
  return headerPacket(viewOf(packet).getUint32(4, true), Uint8Array.from(packet.subarray(SMALLEST_PACKET)))
}

function packetLengthOf(packet: HeaderPacket): number {
  return SMALLEST_PACKET + packet.body.length
}

function checkedPacketLength(packetLength: number, index: number): number {
  if (packetLength < SMALLEST_PACKET) {
    throw new AppError(
      'INVALID_HEADER',
      `header packet ${index} claims ${packetLength} bytes, the shortest has ${SMALLEST_PACKET}`,
    )
  }
  if (packetLength > HEADER_LIMITS.packetLength) {
    throw beyondLimit(`bytes in packet ${index}`, packetLength, 'packetLength')
  }
  return packetLength
}

function beyondLimit(what: string, claimed: number, limit: keyof typeof HEADER_LIMITS): AppError {
  return new AppError(
    'INVALID_HEADER',
    `the header claims ${claimed} ${what}, at most ${HEADER_LIMITS[limit]} are read`,
  )
}

/** What a file of only `size` bytes, which its header goes beyond, is refused with. */
export function endsEarly(size: number): AppError {
  return size < MAGIC_NUMBER.length
    ? notCrypt4gh()
    : new AppError('INVALID_HEADER', `the file ends within its header, after ${size} bytes`, {
        hints: ['the file was cut short, fetch it again'],
      })
}

function notCrypt4gh(): AppError {
  return new AppError('NOT_CRYPT4GH', 'this is not a Crypt4GH file: it does not start with "crypt4gh"')
}

function startsLikeMagicNumber(prefix: Uint8Array): boolean {
  return MAGIC_NUMBER.every((byte, index) => index >= prefix.length || prefix[index] === byte)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
