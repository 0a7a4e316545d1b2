import type { KeyPair } from '../../crypto/keys/key-pair.ts'
import type { ObjectEntry } from '../../storage/object-store.ts'
import { hasCode } from '../../util/errors.ts'
import { listObjects, type ListRequest } from '../list-objects.ts'
import type { HeaderCache } from './header-cache.ts'
import { withNeighbours, type EntryWithNeighbours } from './header-nearby.ts'
import { mapInOrder } from './map-in-order.ts'
import { fetchBeginning, isOfOneObject, tryIdentities, type Beginning } from './object-beginning.ts'
import { formatByName, formatWithoutHeader, plaintextSizeOf, type ObjectFormat } from './object-format.ts'

/** Headers fetched at the same time. */
const AT_ONCE = 32
/** Objects between the listing and the reader, while one of them keeps the reader waiting. */
const WINDOW = 4 * AT_ONCE

/** An object of a listing: part of the --json contract. What is not known is absent. */
export interface ListedObject extends ObjectEntry {
  format?: ObjectFormat
  /** Header packets: one for each reader and data key, some more with edit lists. */
  packets?: number
  /** Bytes of plaintext stored, or what our identity's edit list leaves of them; a guess where the format is one. */
  plaintextSize?: number
  /** Whether one of the identities opens it; absent when none was given. */
  canOpen?: boolean
  /** Why it is `broken` or `unreadable`. */
  problem?: string
}

interface LongListRequest extends ListRequest {
  /** Tried on every header; may be none. */
  identities: readonly KeyPair[]
  /** Headers that were fetched before; closed at the end. */
  cache?: HeaderCache | undefined
}

/**
 * The objects of a bucket or prefix with what their headers say, in the order of their keys. Headers are fetched ahead of
 * the reader, some at a time; one that can't be fetched is said so of its object and does not end the listing.
 *
 * @throws AppError as listObjects; StorageError when the store itself fails
 */
export async function* listLong(request: LongListRequest): AsyncGenerator<ListedObject, void, undefined> {
  const { cache } = request
  let complete = false
  try {
    const found = withKnown(withNeighbours(listObjects(request)), cache)
    const looks = mapInOrder(found, (object) => look(object, request), { atOnce: AT_ONCE, window: WINDOW })
    for await (const { listed, entry, beginning, learned } of looks) {
      if (beginning !== undefined) await cache?.keep(entry, beginning, learned)
      yield listed
    }
    complete = true
  } finally {
    await cache?.close(complete)
  }
}

interface Found extends EntryWithNeighbours {
  known: Beginning | undefined
}

/** Asks the cache as the listing goes by; only those whose beginning matters. */
async function* withKnown(
  entries: AsyncIterable<EntryWithNeighbours>,
  cache: HeaderCache | undefined,
): AsyncGenerator<Found, void, undefined> {
  for await (const { entry, headerNearby } of entries) {
    const matters = formatByName(entry, headerNearby) === undefined
    yield { entry, headerNearby, known: matters ? await cache?.find(entry) : undefined }
  }
}

interface Look {
  entry: ObjectEntry
  listed: ListedObject
  /** What the cache shall keep. */
  beginning?: Beginning
  /** Whether it was fetched just now. */
  learned: boolean
}

async function look({ entry, headerNearby, known }: Found, request: LongListRequest): Promise<Look> {
  const { store, bucket, signal, identities } = request
  const named = formatByName(entry, headerNearby)
  if (named !== undefined) return { entry, listed: withGuess(entry, named), learned: false }
  const enough = known !== undefined && isEnough(known, identities)
  try {
    const name = { bucket, objectKey: entry.objectKey }
    const beginning = enough ? known : await fetchBeginning(store, name, entry, signal)
    const listed = await describe(entry, headerNearby, beginning, identities)
    return { entry, listed, beginning, learned: !enough }
  } catch (error) {
    if (!isOfOneObject(error)) throw error
    const listed: ListedObject = { ...entry, format: 'unreadable', problem: error.message }
    // What was known of this version is as true as before.
    return { entry, listed, ...(known === undefined ? {} : { beginning: known }), learned: false }
  }
}

/** A long header is not kept whole: only its bytes tell whether an identity opens it. */
function isEnough(known: Beginning, identities: readonly KeyPair[]): boolean {
  return known.kind !== 'crypt4gh' || known.header !== undefined || identities.length === 0
}

async function describe(
  entry: ObjectEntry,
  headerNearby: boolean,
  beginning: Beginning,
  identities: readonly KeyPair[],
): Promise<ListedObject> {
  if (beginning.kind === 'broken') return { ...entry, format: 'broken', problem: beginning.problem }
  if (beginning.kind === 'other') return withGuess(entry, formatWithoutHeader(entry, headerNearby))
  const { packets, headerLength, header } = beginning
  const storedSize = plaintextSizeOf(entry.size - headerLength)
  if (storedSize === undefined)
    return { ...entry, format: 'broken', packets, problem: 'it ends within a segment' }
  const listed: ListedObject = { ...entry, format: 'crypt4gh', packets, plaintextSize: storedSize }
  if (identities.length === 0 || header === undefined) return listed
  try {
    const { canOpen, readableSize } = await tryIdentities(header, identities)
    return { ...listed, canOpen, plaintextSize: readableSize(storedSize) }
  } catch (error) {
    if (!hasCode(error, 'INVALID_HEADER')) throw error
    return { ...listed, canOpen: false, problem: error.message }
  }
}

function withGuess(entry: ObjectEntry, format: ObjectFormat): ListedObject {
  const plaintextSize = format === 'headerless?' ? plaintextSizeOf(entry.size) : undefined
  return { ...entry, format, ...(plaintextSize === undefined ? {} : { plaintextSize }) }
}
