import type { ObjectEntry } from '../../storage/object-store.ts'
import { HEADER_SUFFIX, headerKeysOf } from './object-format.ts'

/** Entries of a listing that are read ahead: a header kept apart stands soon after its body, as it begins like it. */
const AHEAD = 32

/** An entry, and whether one of the next is its header by its name. */
export interface EntryWithNeighbours {
  entry: ObjectEntry
  headerNearby: boolean
}

/** Looks some entries ahead for the headers of bodies; gives all entries in their order. */
export async function* withNeighbours(
  entries: AsyncIterable<ObjectEntry>,
): AsyncGenerator<EntryWithNeighbours, void, undefined> {
  const ahead: ObjectEntry[] = []
  const headers = new Set<string>()
  const first = (entry: ObjectEntry): EntryWithNeighbours => {
    headers.delete(entry.objectKey)
    const headerNearby = headers.size > 0 && headerKeysOf(entry.objectKey).some((key) => headers.has(key))
    return { entry, headerNearby }
  }
  for await (const entry of entries) {
    ahead.push(entry)
    if (entry.objectKey.endsWith(HEADER_SUFFIX)) headers.add(entry.objectKey)
    const oldest = ahead.length > AHEAD ? ahead.shift() : undefined
    if (oldest !== undefined) yield first(oldest)
  }
  for (const entry of ahead) yield first(entry)
}
