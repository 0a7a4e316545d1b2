/**
 * New headers for bodies that stay as they are. Nobody loses access by this: whoever kept
 * the data key or the old header reads the body for ever. Only a new data key (rekey) ends that.
 */
import type { KeyPair } from '../keys/key-pair.ts'
import { serializeHeader } from './header.ts'
import type { Header } from './header.ts'
import { openHeader } from './open-header.ts'
import type { OpenedHeader } from './open-header.ts'
import { sealPackets } from './seal-header.ts'

export interface ReencryptOptions {
  /** Keep the packets that none of our identities opens: their recipients stay in the header. */
  keepUnopened: boolean
  /** Writes the new packets; an ephemeral key pair when absent. */
  sender?: KeyPair | undefined
}

/**
 * The bytes of a header for other recipients of the same body: every data key that we can open and our edit
 * list are sealed for each of them. Our own packets are not kept: to stay a reader, be among the recipients.
 *
 * @throws {@link AppError} NO_MATCHING_KEY, INVALID_HEADER as {@link openHeader}; INVALID_KEY, USAGE for the recipients
 */
export async function reencryptHeader(
  header: Header,
  identities: readonly KeyPair[],
  recipients: readonly Uint8Array[],
  options: ReencryptOptions,
): Promise<Uint8Array> {
  const opened = await openHeader(header, identities)
  try {
    return await resealHeader(opened, recipients, options)
  } finally {
    for (const dataKey of opened.dataKeys) dataKey.fill(0)
  }
}

/** {@link reencryptHeader} of a header that was opened already; leaves its data keys as they are. */
export async function resealHeader(
  opened: OpenedHeader,
  recipients: readonly Uint8Array[],
  options: ReencryptOptions,
): Promise<Uint8Array> {
  const { dataKeys, editList, unopened } = opened
  const packets = await sealPackets({ dataKeys, editList }, recipients, options.sender)
  return serializeHeader(options.keepUnopened ? [...packets, ...unopened] : packets)
}
