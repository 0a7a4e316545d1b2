import type { ListedObject } from './list-long.ts'

/** What a listing adds up to: part of the --json contract. */
export interface Totals {
  /** Objects. */
  count: number
  /** Bytes stored. */
  totalSize: number
  /** The rest only where headers were looked at. Bytes of plaintext, of those objects of which it is known. */
  totalPlaintextSize?: number
  /** Crypt4GH objects that an identity opens; absent when none was given. */
  openable?: number
  /** Crypt4GH objects that no identity opens; absent when none was given. */
  notOpenable?: number
  /** Objects whose beginning could not be fetched. */
  unreadable?: number
}

/** No objects yet. */
export function noTotals(looks: { headers: boolean; identities: boolean }): Totals {
  return {
    count: 0,
    totalSize: 0,
    ...(looks.headers && { totalPlaintextSize: 0, unreadable: 0 }),
    ...(looks.identities && { openable: 0, notOpenable: 0 }),
  }
}

/** Gives the objects as they come, and adds each to `totals`. */
export async function* addedUp(
  objects: AsyncIterable<ListedObject>,
  totals: Totals,
): AsyncGenerator<ListedObject, void, undefined> {
  for await (const object of objects) {
    const { size, plaintextSize = 0, format, canOpen } = object
    totals.count += 1
    totals.totalSize += size
    if (totals.totalPlaintextSize !== undefined) totals.totalPlaintextSize += plaintextSize
    if (totals.unreadable !== undefined && format === 'unreadable') totals.unreadable += 1
    if (totals.openable !== undefined && canOpen === true) totals.openable += 1
    if (totals.notOpenable !== undefined && canOpen === false) totals.notOpenable += 1
    yield object
  }
}

/** What a folder holds, at any depth: part of the --json contract. */
export interface FolderTotals {
  /** The whole prefix, with its slash; empty for objects that are in none. */
  folder: string
  objects: number
  /** Bytes stored. */
  size: number
  /** Bytes of plaintext, where headers were looked at. */
  plaintextSize?: number
}

/**
 * Totals of each first folder below a prefix, then of the objects that are in none of them. A listing has all keys of a
 * folder together, so that one folder after the other is counted and nothing else is held.
 */
export async function* folderTotals(
  objects: AsyncIterable<ListedObject>,
  prefix: string,
): AsyncGenerator<FolderTotals, void, undefined> {
  let current: FolderTotals | undefined
  let inNone: FolderTotals | undefined
  for await (const object of objects) {
    const folder = firstFolder(object.objectKey, prefix)
    if (folder === '') {
      inNone = plus(inNone ?? emptyFolder(''), object)
    } else {
      if (current !== undefined && current.folder !== folder) {
        yield current
        current = undefined
      }
      current = plus(current ?? emptyFolder(folder), object)
    }
  }
  if (current !== undefined) yield current
  if (inNone !== undefined) yield inNone
}

function firstFolder(objectKey: string, prefix: string): string {
  return objectKey.slice(0, objectKey.indexOf('/', prefix.length) + 1)
}

function emptyFolder(folder: string): FolderTotals {
  return { folder, objects: 0, size: 0 }
}

function plus(totals: FolderTotals, { size, format, plaintextSize = 0 }: ListedObject): FolderTotals {
  return {
    folder: totals.folder,
    objects: totals.objects + 1,
    size: totals.size + size,
    // Without a format nobody looked.
    ...(format === undefined ? {} : { plaintextSize: (totals.plaintextSize ?? 0) + plaintextSize }),
  }
}
