import { HEADER_LIMITS } from '../crypto/crypt4gh/format.ts'
import { parseDetachedHeader, serializeHeader } from '../crypto/crypt4gh/header.ts'
import { openHeader } from '../crypto/crypt4gh/open-header.ts'
import { sealHeader, sealPackets } from '../crypto/crypt4gh/seal-header.ts'
import { newDataKey } from '../crypto/crypt4gh/segment.ts'
import type { KeyPair } from '../crypto/keys/key-pair.ts'
import { hasCode } from '../util/errors.ts'

/** The header of an object that is being uploaded, and what its body is sealed with from now on. */
export interface UploadHeader {
  bytes: Uint8Array
  /** The newest data key. Wipe it when done. */
  dataKey: Uint8Array
  /** All data keys of the header, where they are known; undefined when parts exist that only their readers can open. */
  dataKeys: readonly Uint8Array[] | undefined
  /** True when the header became longer: part 1 must be sent with it. */
  extended: boolean
}

/** Seals a header with a fresh data key. */
export async function freshHeader(
  recipients: readonly Uint8Array[],
  sender?: KeyPair,
): Promise<UploadHeader> {
  const dataKey = newDataKey()
  const bytes = await sealHeader({ dataKeys: [dataKey] }, recipients, sender)
  return { bytes, dataKey, dataKeys: [dataKey], extended: false }
}

/**
 * The header of an upload whose process is gone, and its data key with it. When an own identity is among the recipients
 * the header tells the key again; otherwise a second data key is made for what is still missing, and its packets are put
 * behind the others: a reader tries every data key on every segment (crypt4gh.tex §3.2).
 *
 * @param earlier - the whole sealed header that part 1 was, or was to be, sent with
 * @throws AppError INVALID_HEADER for a damaged header, or one that can't take more packets
 */
export async function continuedHeader(
  earlier: Uint8Array,
  identities: readonly KeyPair[],
  recipients: readonly Uint8Array[],
  sender?: KeyPair,
): Promise<UploadHeader> {
  const header = parseDetachedHeader(earlier)
  try {
    const { dataKeys } = await openHeader(header, identities)
    const dataKey = dataKeys.at(-1)
    if (dataKey !== undefined) return { bytes: earlier, dataKey, dataKeys, extended: false }
  } catch (error) {
    if (!hasCode(error, 'NO_MATCHING_KEY')) throw error
  }
  const dataKey = newDataKey()
  const added = await sealPackets({ dataKeys: [dataKey] }, recipients, sender)
  const bytes = serializeHeader([...header.packets, ...added])
  return { bytes, dataKey, dataKeys: undefined, extended: true }
}

/** Whether one more data key would still be accepted by readers. The recipients are those of the header. */
export function hasRoomFor(earlier: Uint8Array, recipientCount: number): boolean {
  const { packets } = parseDetachedHeader(earlier)
  const packetCount = packets.length + recipientCount
  // Each recipient has one packet for each data key.
  return packetCount <= HEADER_LIMITS.packetCount && packetCount <= HEADER_LIMITS.dataKeys * recipientCount
}
