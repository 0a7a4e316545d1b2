/**
 * Opens header packets with our identities (crypt4gh.tex §3.2). Every identity is tried on every packet;
 * a packet that none opens, of an unknown header encryption method or with a low-order writer key, is
 * somebody else's and skipped. One X25519 is done per identity and distinct writer key, so that a header
 * of thousands of foreign packets costs no more than its ciphers.
 */
import { hex, sameBytes } from '../../util/bytes.ts'
import { AppError } from '../../util/errors.ts'
import { fingerprint } from '../keys/fingerprint.ts'
import type { KeyPair } from '../keys/key-pair.ts'
import { readySodium } from '../sodium.ts'
import type { Sodium } from '../sodium.ts'
import { HEADER_LIMITS, KEY_SIZE, NONCE_SIZE } from './format.ts'
import { parsePayload } from './header-payload.ts'
import type { Header, HeaderPacket } from './header.ts'
import { packetKeyOfReader } from './packet-key.ts'

export interface OpenedHeader {
  /** Distinct data keys in the order of their packets, at least one. Wipe them when done. */
  dataKeys: Uint8Array[]
  /** Discard, keep, discard … in bytes; undefined when no packet of ours has one. */
  editList: readonly bigint[] | undefined
  /** Distinct writer public keys of the packets that opened. */
  senders: Uint8Array[]
  /** Public keys of those of our identities that opened a packet. */
  readers: Uint8Array[]
  /** The packets that none of our identities opened: those of other recipients, or of a kind we don't know. */
  unopened: HeaderPacket[]
}

/**
 * Tries every identity on every packet.
 *
 * @throws {@link AppError} NO_MATCHING_KEY when no data key opens; INVALID_HEADER when a packet of ours has an
 * unknown type or data encryption method, when our edit lists contradict each other, or when there are more data keys for
 * us than {@link HEADER_LIMITS} allows
 */
export async function openHeader(header: Header, identities: readonly KeyPair[]): Promise<OpenedHeader> {
  const sodium = await readySodium()
  const dataKeys: Uint8Array[] = []
  const senders = new Map<string, Uint8Array>()
  const readers: Uint8Array[] = []
  const openedPackets = new Set<HeaderPacket>()
  const editLists: (readonly bigint[])[] = []
  for (const identity of identities) {
    let own = 0
    for (const { packet, payload, writerPublicKey } of openPackets(sodium, header.packets, identity)) {
      senders.set(hex(writerPublicKey), writerPublicKey)
      openedPackets.add(packet)
      if (readers.at(-1) !== identity.publicKey) readers.push(identity.publicKey)
      const contents = parsePayload(payload)
      sodium.memzero(payload)
      if ('dataKey' in contents) {
        addDistinct(dataKeys, contents.dataKey)
      } else {
        own += 1
        // The standard: a reader that can decrypt several edit lists should reject the file (§3.2).
        if (own > 1) throw severalEditLists()
        editLists.push(contents.editList)
      }
    }
  }
  if (dataKeys.length === 0) {
    throw senders.size > 0 ? noDataKey() : noMatchingKey(header, identities)
  }
  return {
    dataKeys,
    editList: theOneEditList(editLists),
    senders: [...senders.values()],
    readers,
    unopened: header.packets.filter((packet) => !openedPackets.has(packet)),
  }
}

/** A packet that an identity opened. Wipe its payload when done. */
export interface OpenedPacket {
  packet: HeaderPacket
  payload: Uint8Array
  writerPublicKey: Uint8Array
}

/** The packets that one identity opens, in their order. */
export function* openPackets(
  sodium: Sodium,
  packets: readonly HeaderPacket[],
  identity: KeyPair,
): Generator<OpenedPacket, void, undefined> {
  const packetKeys = new Map<string, Uint8Array | undefined>()
  try {
    for (const packet of packets) {
      const { writerPublicKey, body } = packet
      if (writerPublicKey === undefined) continue
      const writer = hex(writerPublicKey)
      if (!packetKeys.has(writer)) {
        packetKeys.set(writer, packetKeyOfReader(sodium, identity, writerPublicKey))
      }
      const packetKey = packetKeys.get(writer)
      const payload = packetKey === undefined ? undefined : decryptPacket(sodium, body, packetKey)
      if (payload !== undefined) yield { packet, payload, writerPublicKey }
    }
  } finally {
    for (const packetKey of packetKeys.values()) if (packetKey !== undefined) sodium.memzero(packetKey)
  }
}

/** The payload of a packet's body under a packet key; undefined when its MAC says that it is another's. */
export function decryptPacket(
  sodium: Sodium,
  body: Uint8Array,
  packetKey: Uint8Array,
): Uint8Array | undefined {
  const nonce = body.subarray(KEY_SIZE, KEY_SIZE + NONCE_SIZE)
  const sealed = body.subarray(KEY_SIZE + NONCE_SIZE)
  try {
    return sodium.crypto_aead_chacha20poly1305_ietf_decrypt(null, sealed, null, nonce, packetKey)
  } catch {
    return undefined
  }
}

/** Two identities may each have been given the same list; different lists mean different files. */
function theOneEditList(editLists: readonly (readonly bigint[])[]): readonly bigint[] | undefined {
  const [first] = editLists
  if (editLists.some((list) => list.join() !== first?.join())) throw severalEditLists()
  return first
}

function severalEditLists(): AppError {
  return new AppError('INVALID_HEADER', 'the header has several edit lists for us, at most one is allowed', {
    hints: ['when the file was made for several of your identities, give only one of them'],
  })
}

function noMatchingKey(header: Header, identities: readonly KeyPair[]): AppError {
  const packets = `${header.packets.length} header ${header.packets.length === 1 ? 'packet' : 'packets'}`
  const tried = identities.map(({ publicKey }) => fingerprint(publicKey)).join(', ')
  return new AppError('NO_MATCHING_KEY', `no identity opens this file (${packets})`, {
    hints: [
      tried === '' ? 'give an identity, a secret key that opens files' : `tried ${tried}`,
      'give another identity, or ask the sender to encrypt the file for yours as well',
    ],
  })
}

function noDataKey(): AppError {
  return new AppError('NO_MATCHING_KEY', 'the header has packets for us, but none with a data key', {
    hints: ['ask the sender to encrypt the file again'],
  })
}

/** By comparing, not by a string as map key: strings can't be wiped. */
function addDistinct(dataKeys: Uint8Array[], dataKey: Uint8Array): void {
  if (dataKeys.some((known) => sameBytes(known, dataKey))) return
  dataKeys.push(dataKey)
  if (dataKeys.length <= HEADER_LIMITS.dataKeys) return
  for (const refused of dataKeys) refused.fill(0)
  throw new AppError(
    'INVALID_HEADER',
    `the header has more than ${HEADER_LIMITS.dataKeys} data keys for us, no more are read`,
  )
}
