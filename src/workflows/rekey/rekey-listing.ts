import { keyCardName } from '../../storage/access/key-card.ts'
import type { ObjectEntry, ObjectStore } from '../../storage/object-store.ts'
import { isPrefix, namedObjects } from '../named-objects.ts'
import type { S3Location } from '../s3-url.ts'
import type { RekeySkipped } from './rekey-request.ts'

/** Bytes of the shortest Crypt4GH object: the beginning of a header, and no packet. */
const SHORTEST = 16

/** The objects of a place, and how many there are. */
export interface RekeyListing {
  entries: AsyncIterable<ObjectEntry> | Iterable<ObjectEntry>
  count: number
  /** Of all of them. */
  bytes: number
}

/**
 * Looks through a place before anything is done in it. The objects below a prefix are counted now and listed again as they
 * are worked on: a page of a listing costs little beside its thousand objects, and all of them in memory would cost much.
 *
 * @throws AppError OBJECT_NOT_FOUND when there is nothing; StorageError
 */
export async function listForRekey(
  store: ObjectStore,
  place: S3Location,
  signal: AbortSignal | undefined,
): Promise<RekeyListing> {
  const listing = { count: 0, bytes: 0 }
  const first: ObjectEntry[] = []
  for await (const entry of namedObjects(store, place, signal)) {
    listing.count += 1
    listing.bytes += entry.size
    if (first.length === 0) first.push(entry)
  }
  return { ...listing, entries: isPrefix(place) ? namedObjects(store, place, signal) : first }
}

/** Why an object below a prefix is left as it is, where its name and size tell; one that was named itself never is. */
export function skippedUnseen(
  { objectKey, size }: ObjectEntry,
  place: S3Location,
): keyof RekeySkipped | undefined {
  if (!isPrefix(place)) return undefined
  if (objectKey.endsWith('/') && size === 0) return 'folders'
  if (keyCardName(objectKey) !== undefined) return 'publishedKeys'
  return size < SHORTEST ? 'notCrypt4gh' : undefined
}
