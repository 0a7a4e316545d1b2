/** What an object of a listing is, as far as its name, its size and its beginning tell; pure. */
import { SEGMENT_OVERHEAD } from '../../crypto/crypt4gh/format.ts'
import { plaintextBodySize, sealedHeaderSize } from '../../crypto/crypt4gh/sizes.ts'
import { keyCardName, PUBLIC_KEY_FILE_LIMIT } from '../../storage/access/key-card.ts'
import type { ObjectEntry } from '../../storage/object-store.ts'
import { hasCode } from '../../util/errors.ts'

/**
 * - `crypt4gh`: begins with a header, and its size is one that segments can have;
 * - `headerless?`: a guess: no header, such a size, and its name or one beside it speaks for a header kept apart;
 * - `other`: anything else; - `folder`: an empty object that web consoles make; - `key`: a public key of the key card;
 * - `broken`: begins as Crypt4GH does and goes on wrong;
 * - `unreadable`: its beginning could not be fetched.
 */
export type ObjectFormat = 'crypt4gh' | 'headerless?' | 'other' | 'folder' | 'key' | 'broken' | 'unreadable'

/** Bytes below which nobody can open an object: a header with one packet. */
const SMALLEST_HEADER = sealedHeaderSize(1)

/** Endings of bodies and headers that are kept apart (`encrypt --header`). */
const BODY_SUFFIX = '.body'
export const HEADER_SUFFIX = '.header'

type Named = Pick<ObjectEntry, 'objectKey' | 'size'>

/** What name and size tell alone; undefined where the beginning has to be looked at. */
export function formatByName(object: Named, headerNearby: boolean): ObjectFormat | undefined {
  const { objectKey, size } = object
  if (size === 0 && objectKey.endsWith('/')) return 'folder'
  if (size <= PUBLIC_KEY_FILE_LIMIT && keyCardName(objectKey) !== undefined) return 'key'
  return size < SMALLEST_HEADER ? formatWithoutHeader(object, headerNearby) : undefined
}

/** What an object is that does not begin with a header. */
export function formatWithoutHeader(
  { objectKey, size }: Named,
  headerNearby: boolean,
): 'headerless?' | 'other' {
  const told = headerNearby || objectKey.endsWith(BODY_SUFFIX)
  return told && size >= SEGMENT_OVERHEAD && plaintextSizeOf(size) !== undefined ? 'headerless?' : 'other'
}

/** Bytes of plaintext in a body; undefined when no plaintext has such a body. */
export function plaintextSizeOf(bodySize: number): number | undefined {
  try {
    return plaintextBodySize(bodySize)
  } catch (error) {
    if (hasCode(error, 'AUTHENTICATION_FAILED')) return undefined
    throw error
  }
}

/** The object keys that a header kept apart from this body would have: `KEY.header`, and with the last ending replaced. */
export function headerKeysOf(objectKey: string): string[] {
  const name = objectKey.slice(objectKey.lastIndexOf('/') + 1)
  const dot = name.lastIndexOf('.')
  if (dot <= 0) return [`${objectKey}${HEADER_SUFFIX}`]
  const stem = objectKey.slice(0, objectKey.length - name.length + dot)
  return [`${objectKey}${HEADER_SUFFIX}`, `${stem}${HEADER_SUFFIX}`].filter((key) => key !== objectKey)
}
