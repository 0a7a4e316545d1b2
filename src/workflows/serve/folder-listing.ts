import { compareKeys } from '../../storage/key-order.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { isServed, pathOf, type ServedPlace } from './served-names.ts'

/** Entries that a listing shows. */
const MOST_ENTRIES = 10_000

/** Object keys that are looked at for one listing: folders are found among the keys below them. */
const MOST_KEYS = 100_000

/** Keys of one folder that are read before the rest of it is passed over with a new request; a page of a listing has so many. */
const WORTH_A_REQUEST = 1000

/** Comes after everything in a folder: the last code point there is. */
const LAST = '\u{10FFFF}'

interface FolderEntry {
  /** As in the address, not encoded; a folder's ends in a slash. */
  name: string
  folder: boolean
  /** Bytes of the object as it is stored; not of folders. */
  storedSize?: number | undefined
  lastModified?: Date | undefined
}

export interface FolderListing {
  /** In the order of the object keys. */
  entries: FolderEntry[]
  /** There is more than a listing shows. */
  truncated: boolean
}

/**
 * What lies directly below a path that is empty or ends in a slash. Objects that only their sealed twin hides are left out.
 *
 * @throws StorageError
 */
export async function listFolder(
  store: ObjectStore,
  served: ServedPlace,
  path: string,
  signal: AbortSignal,
): Promise<FolderListing> {
  const { bucket, prefix, only } = served
  if (only !== undefined && path !== '') return { entries: [], truncated: false }
  const folder = prefix + path
  const listed = folder + (only?.stem ?? '')
  const found = new FoundEntries(served, path)
  let startAfter: string | undefined
  do {
    const from = startAfter
    startAfter = undefined
    for await (const entry of store.listObjects(bucket, { prefix: listed, startAfter: from, signal })) {
      // A store that does not pass over what it was told to would be asked again and again.
      if (from !== undefined && compareKeys(entry.objectKey, from) <= 0) return found.listing(true)
      const below = found.add(entry.objectKey.slice(folder.length), entry)
      if (found.isFull()) return found.listing(true)
      if (below === undefined) continue
      const end = `${folder}${below}${LAST}`
      // What comes even behind that is read one by one.
      if (end === from) continue
      startAfter = end
      break
    }
  } while (startAfter !== undefined)
  return found.listing(false)
}

class FoundEntries {
  readonly #served: ServedPlace
  readonly #path: string
  readonly #entries = new Map<string, FolderEntry>()
  #keys = 0
  #lastFolder = ''
  #keysInFolder = 0

  constructor(served: ServedPlace, path: string) {
    this.#served = served
    this.#path = path
  }

  isFull(): boolean {
    return this.#entries.size >= MOST_ENTRIES || this.#keys >= MOST_KEYS
  }

  listing(truncated: boolean): FolderListing {
    return { entries: [...this.#entries.values()], truncated }
  }

  /** Takes the rest of an object key behind the folder's; gives a folder whose other keys are not worth reading one by one. */
  add(rest: string, object: { size: number; lastModified: Date | undefined }): string | undefined {
    this.#keys += 1
    const slash = rest.indexOf('/')
    if (slash >= 0) return this.#addFolder(rest.slice(0, slash + 1))
    const name = pathOf(rest)
    if (name === '' || !isServed(this.#served, this.#path + name)) return undefined
    // Of two objects with one path the sealed one is served.
    if (name === rest && this.#entries.has(name)) return undefined
    const { size: storedSize, lastModified } = object
    this.#entries.set(name, { name, folder: false, storedSize, lastModified })
    return undefined
  }

  #addFolder(name: string): string | undefined {
    if (this.#served.only !== undefined) return undefined
    if (name !== this.#lastFolder) this.#keysInFolder = 0
    this.#lastFolder = name
    this.#keysInFolder += 1
    this.#entries.set(name, { name, folder: true })
    return this.#keysInFolder > WORTH_A_REQUEST ? name : undefined
  }
}
