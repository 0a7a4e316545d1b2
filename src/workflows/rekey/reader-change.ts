import { serializeHeader, type Header } from '../../crypto/crypt4gh/header.ts'
import type { OpenedHeader } from '../../crypto/crypt4gh/open-header.ts'
import { sealPackets } from '../../crypto/crypt4gh/seal-header.ts'
import type { KeyPair } from '../../crypto/keys/key-pair.ts'
import { hex } from '../../util/bytes.ts'
import { AppError } from '../../util/errors.ts'

/** Who shall read an object from now on. Keys are public keys of 32 bytes. */
export interface ReaderChange {
  identities: readonly KeyPair[]
  added: readonly Uint8Array[]
  removed: readonly Uint8Array[]
  /** Everybody who shall read it; instead of `added` and `removed`, which then only explain packets that go. */
  exactly?: readonly Uint8Array[] | undefined
  /** Drop packets that we can't open, whoever they are for. */
  dropOthers: boolean
  /** Writes the new packets; an ephemeral key pair when absent. */
  sender?: KeyPair | undefined
}

/** A header in which the readers are as asked. */
export interface ChangedHeader {
  bytes: Uint8Array
  packets: number
  /** Packets of others, that could not be opened and are gone. */
  dropped: number
  /** Whether one of our identities opens it. */
  stillReadable: boolean
}

/**
 * The header of an object after a change of its readers. Packets do not say whose they are: one that we can't open is
 * kept as it is, or dropped with all others of that kind as soon as somebody who is not us is to lose access.
 *
 * @throws AppError USAGE when nobody would be left, or somebody is added and removed; UNNAMED_READERS when more packets
 * would be dropped than the keys that were named account for; INVALID_KEY for a reader that is no usable public key
 */
export async function changedHeader(
  header: Header,
  opened: OpenedHeader,
  change: ReaderChange,
): Promise<ChangedHeader> {
  const { readers, keepsOthers } = readersAfter(opened, change)
  const { dataKeys, editList, unopened } = opened
  if (!keepsOthers && !change.dropOthers) refuseUnnamed(header, opened, change)
  const kept = keepsOthers ? unopened : []
  if (readers.length === 0 && kept.length === 0) {
    throw new AppError('USAGE', 'nobody would be left to open the object', {
      hints: ['name who shall read it with --add or --to'],
    })
  }
  const sealed = readers.length === 0 ? [] : await sealPackets({ dataKeys, editList }, readers, change.sender)
  const packets = [...sealed, ...kept]
  const own = new Set(change.identities.map(({ publicKey }) => hex(publicKey)))
  return {
    bytes: serializeHeader(packets),
    packets: packets.length,
    dropped: unopened.length - kept.length,
    stillReadable: readers.some((reader) => own.has(hex(reader))),
  }
}

interface ReadersAfter {
  /** For whom packets are sealed, each once. */
  readers: Uint8Array[]
  /** Whether packets that we can't open stay. */
  keepsOthers: boolean
}

function readersAfter({ readers: own }: OpenedHeader, change: ReaderChange): ReadersAfter {
  const { identities, added, removed, exactly, dropOthers } = change
  if (exactly !== undefined) return { readers: distinct(exactly), keepsOthers: false }
  const gone = new Set(removed.map(hex))
  if (added.some((key) => gone.has(hex(key)))) {
    throw new AppError('USAGE', 'a key is named to be added and to be removed')
  }
  const ours = new Set(identities.map(({ publicKey }) => hex(publicKey)))
  // A packet for one of our own keys would have opened: none of the others is meant.
  const areOnlyOursRemoved = removed.every((key) => ours.has(hex(key)))
  return {
    readers: distinct([...own.filter((key) => !gone.has(hex(key))), ...added]),
    keepsOthers: areOnlyOursRemoved && !dropOthers,
  }
}

/** Each reader is taken to have as many packets as we have: one for each data key, and one for an edit list. */
function refuseUnnamed(header: Header, opened: OpenedHeader, change: ReaderChange): void {
  const { readers, dataKeys, editList = [], unopened } = opened
  const ours = new Set([...readers, ...change.identities.map(({ publicKey }) => publicKey)].map(hex))
  const { added, removed, exactly = [] } = change
  const named = distinct([...exactly, ...added, ...removed]).filter((key) => !ours.has(hex(key)))
  const packetsEach = dataKeys.length + (editList.length > 0 ? 1 : 0)
  if (unopened.length <= named.length * packetsEach) return
  const others = Math.ceil(unopened.length / packetsEach) - named.length
  throw new AppError(
    'UNNAMED_READERS',
    `${unopened.length} of its ${header.packets.length} header packets are of readers that can't be told apart: ` +
      `${others} who ${others === 1 ? 'was' : 'were'} not named would lose access`,
    { hints: ['name who stays with --add, or drop them with --drop-others'] },
  )
}

function distinct(keys: readonly Uint8Array[]): Uint8Array[] {
  return [...new Map(keys.map((key) => [hex(key), key])).values()]
}
