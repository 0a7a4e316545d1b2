import { editedSize } from '../../crypto/crypt4gh/edit-list.ts'
import { encryptedBodySize, plaintextBodySize, sealedHeaderSize } from '../../crypto/crypt4gh/sizes.ts'
import type { ObjectName, ObjectStore } from '../../storage/object-store.ts'
import type { KeyPair } from '../../crypto/keys/key-pair.ts'
import type { ObjectVersion } from '../../transfer/download-options.ts'
import { fetchObjectHeader, inObject, type ObjectHeader } from '../../transfer/object-header.ts'
import { deepReaders } from './deep-readers.ts'
import { isSameName } from './finish-rekey.ts'
import { fetchBeginning } from './object-beginning.ts'
import { openBeginning } from './open-beginning.ts'
import { changedHeader, type ReaderChange } from './reader-change.ts'
import { splicePlan } from './splice-plan.ts'

/** What would become of an object: part of the --json contract of a dry run. Sizes in bytes. */
export interface PlannedRekey {
  objectKey: string
  /** Only when it is another object than the source. */
  target?: ObjectName
  /** As it is stored now. */
  size: number
  packetsBefore: number
  packetsAfter: number
  /** Of others, that can't be opened and would go. */
  packetsDropped: number
  /** Whether one of the identities would open it. */
  stillReadable: boolean
  /** As in the result of a run: where the server does not copy, `copied` becomes `streamed`. */
  way: 'copied' | 'rewritten' | 'encrypted anew'
  sentBytes: number
  /** Besides some segments that are read back where parts meet. */
  receivedBytes: number
  copiedBytes: number
}

/**
 * Tells what would be done with an object, and writes nothing. Only its header is fetched; where that holds several data
 * keys, also what tells whether they belong to the body.
 *
 * @throws AppError NOT_CRYPT4GH, INVALID_HEADER, NO_MATCHING_KEY, AUTHENTICATION_FAILED for a body of impossible size;
 * what the change itself throws; StorageError
 */
export async function planRekey(
  store: ObjectStore,
  object: ObjectVersion & { source: ObjectName; target: ObjectName },
  change: ReaderChange,
  { deep, signal }: { deep: boolean; signal?: AbortSignal | undefined },
): Promise<PlannedRekey> {
  const { source, target, size } = object
  const found = await fetchedHeader(store, object, change.identities, { deep, signal })
  try {
    const plan = deep ? await deepPlan(found, size, change) : await headerPlan(found, size, change)
    return {
      objectKey: source.objectKey,
      ...(isSameName(source, target) ? {} : { target }),
      size,
      packetsBefore: found.header.packets.length,
      ...plan,
    }
  } catch (error) {
    throw inObject(error, source)
  } finally {
    for (const dataKey of found.opened.dataKeys) dataKey.fill(0)
  }
}

async function fetchedHeader(
  store: ObjectStore,
  object: ObjectVersion & { source: ObjectName },
  identities: readonly KeyPair[],
  { deep, signal }: { deep: boolean; signal: AbortSignal | undefined },
): Promise<ObjectHeader> {
  const { source: name } = object
  const found = await fetchObjectHeader(name, object, identities, { store, signal })
  if (deep || found.opened.dataKeys.length === 1) return found
  for (const dataKey of found.opened.dataKeys) dataKey.fill(0)
  const beginning = await fetchBeginning(store, name, signal)
  const traffic = { sent: 0, received: 0 }
  const opened = await openBeginning({ store, name, beginning, traffic, signal }, identities)
  return { header: beginning.header, opened }
}

type Plan = Omit<PlannedRekey, 'objectKey' | 'target' | 'size' | 'packetsBefore'>

async function headerPlan(
  { header, opened }: ObjectHeader,
  size: number,
  change: ReaderChange,
): Promise<Plan> {
  const changed = await changedHeader(header, opened, change)
  const { packets, dropped, stillReadable } = changed
  const after = { packetsAfter: packets, packetsDropped: dropped, stillReadable }
  const headerAfter = changed.bytes.length
  const plan = splicePlan({ headerBefore: header.length, headerAfter, size })
  if (plan === undefined) {
    const sentBytes = size - header.length + headerAfter
    return { ...after, way: 'rewritten', sentBytes, receivedBytes: size, copiedBytes: 0 }
  }
  const { bodyLength, replaces } = plan
  const sentBytes = headerAfter + bodyLength
  return { ...after, way: 'copied', sentBytes, receivedBytes: replaces, copiedBytes: size - replaces }
}

async function deepPlan({ header, opened }: ObjectHeader, size: number, change: ReaderChange): Promise<Plan> {
  const { readers, dropped, stillReadable } = await deepReaders(header, opened, change)
  const plaintextSize = editedSize(plaintextBodySize(size - header.length), opened.editList)
  return {
    packetsAfter: readers.length,
    packetsDropped: dropped,
    stillReadable,
    way: 'encrypted anew',
    sentBytes: sealedHeaderSize(readers.length) + encryptedBodySize(plaintextSize),
    receivedBytes: size,
    copiedBytes: 0,
  }
}
