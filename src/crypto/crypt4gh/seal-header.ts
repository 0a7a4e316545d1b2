import { hex } from '../../util/bytes.ts'
import { AppError } from '../../util/errors.ts'
import { generateKeyPair } from '../keys/key-pair.ts'
import type { KeyPair } from '../keys/key-pair.ts'
import { randomBytes } from '../primitives.ts'
import { readySodium } from '../sodium.ts'
import type { Sodium } from '../sodium.ts'
import { HEADER_LIMITS, HEADER_METHOD_X25519_CHACHA20, KEY_SIZE, NONCE_SIZE } from './format.ts'
import { serializeDataKey, serializeEditList } from './header-payload.ts'
import { headerPacket, serializeHeader } from './header.ts'
import type { HeaderPacket } from './header.ts'
import { packetKeyOfWriter } from './packet-key.ts'

/** What a header tells its readers. */
export interface HeaderContents {
  /** At least one; 32 bytes each. */
  dataKeys: readonly Uint8Array[]
  /** Discard, keep, discard … in bytes; an empty list says nothing and is left out. */
  editList?: readonly bigint[] | undefined
}

/**
 * Seals a header (crypt4gh.tex §2.2): for each recipient, in the order given and once each, a packet per
 * data key and one for the edit list. Every packet has a fresh random nonce. Without `sender` an
 * ephemeral key pair writes them, so that the header says nothing about who did.
 *
 * @throws {@link AppError} INVALID_KEY for a recipient that is no usable public key; USAGE for no recipient
 * at all or more than a reader would accept
 */
export async function sealHeader(
  contents: HeaderContents,
  recipients: readonly Uint8Array[],
  sender?: KeyPair,
): Promise<Uint8Array> {
  return serializeHeader(await sealPackets(contents, recipients, sender))
}

/** {@link sealHeader} without the frame: the packets alone, to be put beside those of another header. */
export async function sealPackets(
  contents: HeaderContents,
  recipients: readonly Uint8Array[],
  sender?: KeyPair,
): Promise<HeaderPacket[]> {
  if (contents.dataKeys.length === 0) throw new RangeError('a header needs a data key')
  const payloads = contents.dataKeys.map(serializeDataKey)
  const { editList } = contents
  if (editList !== undefined && editList.length > 0) payloads.push(serializeEditList(editList))
  const readers = distinct(recipients)
  checkCount(readers.length, payloads.length)
  const sodium = await readySodium()
  const writer = sender ?? (await generateKeyPair())
  try {
    return readers.flatMap((reader) => sealForReader(sodium, payloads, reader, writer))
  } finally {
    for (const payload of payloads) sodium.memzero(payload)
    if (sender === undefined) sodium.memzero(writer.secretKey)
  }
}

function sealForReader(
  sodium: Sodium,
  payloads: readonly Uint8Array[],
  reader: Uint8Array,
  writer: KeyPair,
): HeaderPacket[] {
  const packetKey = packetKeyOfWriter(sodium, writer, reader)
  const packets = payloads.map((payload) => {
    const nonce = randomBytes(NONCE_SIZE)
    const sealed = sodium.crypto_aead_chacha20poly1305_ietf_encrypt(payload, null, null, nonce, packetKey)
    const body = new Uint8Array(KEY_SIZE + NONCE_SIZE + sealed.length)
    body.set(writer.publicKey)
    body.set(nonce, KEY_SIZE)
    body.set(sealed, KEY_SIZE + NONCE_SIZE)
    return headerPacket(HEADER_METHOD_X25519_CHACHA20, body)
  })
  sodium.memzero(packetKey)
  return packets
}

function checkCount(readerCount: number, packetsPerReader: number): void {
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

function distinct(keys: readonly Uint8Array[]): Uint8Array[] {
  return [...new Map(keys.map((key) => [hex(key), key])).values()]
}
