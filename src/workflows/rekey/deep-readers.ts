import type { Header } from '../../crypto/crypt4gh/header.ts'
import type { OpenedHeader } from '../../crypto/crypt4gh/open-header.ts'
import { sameBytes } from '../../util/bytes.ts'
import { changedHeader, type ReaderChange } from './reader-change.ts'

/** Who reads an object with a new body. */
export interface DeepReaders {
  /** Public keys, each once. */
  readers: Uint8Array[]
  /** Packets of the old header that could not be opened. */
  dropped: number
  /** Whether one of our identities is among the readers. */
  stillReadable: boolean
}

/**
 * Who shall read an object whose body is encrypted anew: those who were named, or our own identities that read it now,
 * without `removed` and with `added`. No packet of the old header can be kept, because it holds the old data key: who is
 * to stay and is not ours has to be named.
 *
 * @throws AppError what {@link changedHeader} throws for a header that loses readers who were not named
 */
export async function deepReaders(
  header: Header,
  opened: OpenedHeader,
  change: ReaderChange,
): Promise<DeepReaders> {
  const readers = readersAfter(opened, change)
  // The very rule of a new header for everybody who is left; its bytes are of no use here.
  const { dropped, stillReadable } = await changedHeader(header, opened, { ...change, exactly: readers })
  return { readers, dropped, stillReadable }
}

/** The keys that are named, and own ones that stay. */
function readersAfter(
  { readers }: Pick<OpenedHeader, 'readers'>,
  { added, removed, exactly }: Pick<ReaderChange, 'added' | 'removed' | 'exactly'>,
): Uint8Array[] {
  if (exactly !== undefined) return distinct(exactly)
  const stay = readers.filter((own) => !removed.some((gone) => sameBytes(gone, own)))
  return distinct([...stay, ...added])
}

function distinct(keys: readonly Uint8Array[]): Uint8Array[] {
  return keys.filter((key, index) => keys.findIndex((other) => sameBytes(other, key)) === index)
}
