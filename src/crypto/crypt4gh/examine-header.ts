/**
 * What a header tells without opening the file, and what it tells those who have a key (crypt4gh.tex §2.2).
 * A packet names its sender and never its reader. Only two can tell whom it is for: the reader, whose identity
 * opens it, and its sender, who can compute the packet key with the recipient's public key.
 */
import { AppError } from '../../util/errors.ts'
import { hex, sameBytes } from '../../util/bytes.ts'
import type { KeyPair } from '../keys/key-pair.ts'
import { readySodium } from '../sodium.ts'
import type { Sodium } from '../sodium.ts'
import { KEY_SIZE, NONCE_SIZE, SMALLEST_PACKET } from './format.ts'
import { parsePayload } from './header-payload.ts'
import type { Header, HeaderPacket } from './header.ts'
import { decryptPacket, openPackets } from './open-header.ts'
import { packetKeyOfWriter } from './packet-key.ts'

/** What an opened packet holds. Data keys are numbered from 0 by their value; the keys themselves stay inside. */
type PacketContents = { dataKeyNumber: number } | { editList: readonly bigint[] } | { unusable: AppError }

export interface ExaminedPacket {
  /** Bytes, the length field included. */
  length: number
  /** 0 is the only method of version 1. */
  headerEncryptionMethod: number
  /** The sender's public key; undefined for an unknown method or a packet too short to hold one. */
  writerPublicKey: Uint8Array | undefined
  /** Public key of the reader, where one of the keys given shows whom the packet is for. */
  readerPublicKey: Uint8Array | undefined
  contents: PacketContents | undefined
}

/** Two packets of one sender under one nonce. */
interface PacketNonceReuse {
  /** Numbers of the packets, from 0. */
  packets: [number, number]
  /**
   * `same-reader`: both open for the same reader, so that knowing one payload gives the other, and an edit list is
   * easily guessed. `unknown-reader`: so it is unless they are for different readers.
   */
  proof: 'same-reader' | 'unknown-reader'
}

export interface ExaminedHeader {
  packets: ExaminedPacket[]
  /** Distinct data keys among the packets that opened. */
  dataKeyCount: number
  nonceReuse: PacketNonceReuse[]
}

/**
 * Looks at every packet.
 *
 * @param identities - tried as readers, and as senders of the packets that name them
 * @param recipients - public keys that a sender among `identities` may have written for
 */
export async function examineHeader(
  header: Header,
  identities: readonly KeyPair[],
  recipients: readonly Uint8Array[],
): Promise<ExaminedHeader> {
  const sodium = await readySodium()
  const dataKeys: Uint8Array[] = []
  const opened = new Map<HeaderPacket, Pick<ExaminedPacket, 'readerPublicKey' | 'contents'>>()
  const note = (packet: HeaderPacket, payload: Uint8Array, readerPublicKey: Uint8Array): void => {
    opened.set(packet, { readerPublicKey, contents: contentsOf(payload, dataKeys) })
    sodium.memzero(payload)
  }
  for (const identity of identities) {
    for (const { packet, payload } of openPackets(sodium, header.packets, identity)) {
      note(packet, payload, identity.publicKey)
    }
    for (const recipient of recipients) {
      for (const { packet, payload } of openOwnPackets(sodium, header.packets, identity, recipient)) {
        note(packet, payload, recipient)
      }
    }
  }
  for (const dataKey of dataKeys) sodium.memzero(dataKey)
  const packets = header.packets.map((packet) => ({
    length: SMALLEST_PACKET + packet.body.length,
    headerEncryptionMethod: packet.headerEncryptionMethod,
    writerPublicKey: packet.writerPublicKey,
    ...(opened.get(packet) ?? { readerPublicKey: undefined, contents: undefined }),
  }))
  return { packets, dataKeyCount: dataKeys.length, nonceReuse: reusedNonces(header.packets, packets) }
}

/** The packets that a sender wrote for a recipient: both compute the same packet key. */
function* openOwnPackets(
  sodium: Sodium,
  packets: readonly HeaderPacket[],
  sender: KeyPair,
  recipient: Uint8Array,
): Generator<{ packet: HeaderPacket; payload: Uint8Array }, void, undefined> {
  const own = packets.filter(
    ({ writerPublicKey }) => writerPublicKey !== undefined && sameBytes(writerPublicKey, sender.publicKey),
  )
  if (own.length === 0) return
  const packetKey = packetKeyOfWriter(sodium, sender, recipient)
  try {
    for (const packet of own) {
      const payload = decryptPacket(sodium, packet.body, packetKey)
      if (payload !== undefined) yield { packet, payload }
    }
  } finally {
    sodium.memzero(packetKey)
  }
}

function contentsOf(payload: Uint8Array, dataKeys: Uint8Array[]): PacketContents {
  try {
    const contents = parsePayload(payload)
    if ('editList' in contents) return contents
    const known = dataKeys.findIndex((dataKey) => sameBytes(dataKey, contents.dataKey))
    return { dataKeyNumber: known === -1 ? dataKeys.push(contents.dataKey) - 1 : known }
  } catch (error) {
    if (error instanceof AppError) return { unusable: error }
    throw error
  }
}

/** Random nonces never meet: a pair with one sender and one nonce shows a faulty writer. Copies are harmless. */
function reusedNonces(
  packets: readonly HeaderPacket[],
  examined: readonly ExaminedPacket[],
): PacketNonceReuse[] {
  const seen = new Map<string, number>()
  const reused: PacketNonceReuse[] = []
  for (const [number, { writerPublicKey, body }] of packets.entries()) {
    if (writerPublicKey === undefined) continue
    const senderAndNonce = hex(body.subarray(0, KEY_SIZE + NONCE_SIZE))
    const earlier = seen.get(senderAndNonce)
    if (earlier === undefined) seen.set(senderAndNonce, number)
    else if (!sameBytes(packets[earlier]?.body ?? new Uint8Array(), body)) {
      const proof = readerProof(examined[earlier], examined[number])
      if (proof !== 'different-readers') reused.push({ packets: [earlier, number], proof })
    }
  }
  return reused
}

function readerProof(
  first: ExaminedPacket | undefined,
  second: ExaminedPacket | undefined,
): PacketNonceReuse['proof'] | 'different-readers' {
  const one = first?.readerPublicKey
  const other = second?.readerPublicKey
  if (one === undefined || other === undefined) {
    // A packet that does not open with a key that opens the other one is for somebody else.
    return one === other ? 'unknown-reader' : 'different-readers'
  }
  return sameBytes(one, other) ? 'same-reader' : 'different-readers'
}
