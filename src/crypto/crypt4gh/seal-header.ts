import { hex } from '../../util/bytes.ts'
import { generateKeyPair } from '../keys/key-pair.ts'
import type { KeyPair } from '../keys/key-pair.ts'
import { readySodium } from '../sodium.ts'
import { checkPacketCount, HeaderSealer } from './header-sealer.ts'
import type { HeaderContents } from './header-sealer.ts'
import { serializeHeader } from './header.ts'
import type { HeaderPacket } from './header.ts'
import { packetKeyOfWriter, wipePacketKeys } from './packet-key.ts'
import type { PacketKeys } from './packet-key.ts'

export type { HeaderContents } from './header-sealer.ts'

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
  const keys = await packetKeysFor(recipients, sender)
  try {
    return new HeaderSealer(keys).sealPackets(contents)
  } finally {
    wipePacketKeys(keys)
  }
}

/**
 * The packet keys of each recipient, in the order given and once each: for whoever seals many headers for the same ones.
 * Agreeing on a key takes several times as long as sealing a packet with it. Wipe them ({@link wipePacketKeys}) when done.
 *
 * @throws {@link AppError} as {@link sealHeader}
 */
export async function packetKeysFor(
  recipients: readonly Uint8Array[],
  sender?: KeyPair,
): Promise<PacketKeys> {
  const readers = distinct(recipients)
  checkPacketCount(readers.length, 1)
  const sodium = await readySodium()
  const writer = sender ?? (await generateKeyPair())
  const ofReaders: Uint8Array[] = []
  const keys = { writerPublicKey: writer.publicKey, ofReaders }
  try {
    for (const reader of readers) ofReaders.push(packetKeyOfWriter(sodium, writer, reader))
    return keys
  } catch (error) {
    wipePacketKeys(keys)
    throw error
  } finally {
    if (sender === undefined) sodium.memzero(writer.secretKey)
  }
}

function distinct(keys: readonly Uint8Array[]): Uint8Array[] {
  return [...new Map(keys.map((key) => [hex(key), key])).values()]
}
