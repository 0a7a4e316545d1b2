import { editedSize } from '../../crypto/crypt4gh/edit-list.ts'
import { parseHeader, serializeHeader } from '../../crypto/crypt4gh/header.ts'
import { openHeader } from '../../crypto/crypt4gh/open-header.ts'
import type { KeyPair } from '../../crypto/keys/key-pair.ts'
import { StorageError } from '../../storage/errors.ts'
import type { ObjectName, ObjectStore } from '../../storage/object-store.ts'
import type { ObjectVersion } from '../../transfer/download-options.ts'
import { fetchHeader } from '../../transfer/object-header.ts'
import { hasCode, type AppError, type ErrorCode } from '../../util/errors.ts'

/** Bytes fetched at first: the header of some thirty-seven recipients. */
const FIRST_READ = 4096

/** What the first bytes of one version of an object are: as good for ever as its ETag. Nothing in it was opened. */
export type Beginning =
  | {
      kind: 'crypt4gh'
      packets: number
      /** Bytes of the header. */
      headerLength: number
      /** The header as it is stored; undefined where it was too long to be kept. */
      header: Uint8Array | undefined
    }
  /** Begins as Crypt4GH does, and goes on wrong. */
  | { kind: 'broken'; problem: string }
  | { kind: 'other' }

/**
 * Fetches the beginning of an object: one request but for long headers.
 *
 * @throws StorageError
 */
export async function fetchBeginning(
  store: ObjectStore,
  name: ObjectName,
  version: ObjectVersion,
  signal: AbortSignal | undefined,
): Promise<Beginning> {
  try {
    const header = await fetchHeader(name, version, { store, signal, firstRead: FIRST_READ })
    const { packets, length } = header
    return {
      kind: 'crypt4gh',
      packets: packets.length,
      headerLength: length,
      header: serializeHeader(packets),
    }
  } catch (error) {
    if (hasCode(error, 'NOT_CRYPT4GH')) return { kind: 'other' }
    if (hasCode(error, 'INVALID_HEADER')) return { kind: 'broken', problem: error.message }
    throw error
  }
}

/** What identities can do with a header. */
interface Readable {
  canOpen: boolean
  /** Bytes that the reader gets of this much plaintext; the same without an edit list. */
  readableSize: (plaintextSize: number) => number
}

/**
 * Tries identities on the bytes of a header. What opens is wiped again at once.
 *
 * @throws AppError INVALID_HEADER for contradictions in what is for us
 */
export async function tryIdentities(bytes: Uint8Array, identities: readonly KeyPair[]): Promise<Readable> {
  const header = parseHeader(bytes)
  const nothing: Readable = { canOpen: false, readableSize: (plaintextSize) => plaintextSize }
  if (!('packets' in header)) return nothing
  try {
    const { dataKeys, editList } = await openHeader(header, identities)
    for (const dataKey of dataKeys) dataKey.fill(0)
    return { canOpen: true, readableSize: (plaintextSize) => editedSize(plaintextSize, editList) }
  } catch (error) {
    if (hasCode(error, 'NO_MATCHING_KEY')) return nothing
    throw error
  }
}

/** Failures that are about one object, or one version of it. */
const OF_ONE_OBJECT: readonly ErrorCode[] = ['ACCESS_DENIED', 'OBJECT_NOT_FOUND', 'OBJECT_CHANGED']

/** Whether only this object could not be read (another's, archived, replaced meanwhile), so that the listing goes on. */
export function isOfOneObject(error: unknown): error is AppError {
  if (hasCode(error, ...OF_ONE_OBJECT)) return true
  if (!(error instanceof StorageError) || error.retryable || error.code !== 'STORE_FAILURE') return false
  return error.status !== undefined && error.status >= 400 && error.status < 500
}
