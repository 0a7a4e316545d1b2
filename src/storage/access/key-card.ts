import { AppError } from '../../util/errors.ts'

/** Where a bucket keeps the public keys of its project (docs/sharing.md, "The key card"). */
export const KEY_CARD_PREFIX = 'keys/'

/** How many keys a key card may hold; each is a request to the store and a recipient of every upload. */
export const KEY_CARD_LIMIT = 100

/** The largest public key file that is read, in bytes: room for hundreds of keys. */
export const PUBLIC_KEY_FILE_LIMIT = 64 * 1024

/** The object key under which a key is published. Throws USAGE for a name that is no plain file name. */
export function keyCardObjectKey(name: string): string {
  if (!/^[A-Za-z0-9][\w.-]{0,99}$/.test(name)) {
    throw new AppError('USAGE', `not a name for a published key: ${JSON.stringify(name)}`, {
      hints: ['use letters, digits, dots, dashes and underscores, or give another name with --name'],
    })
  }
  return `${KEY_CARD_PREFIX}${name}.pub`
}

/** The name under which a key was published; undefined for objects that are no keys of a key card. */
export function keyCardName(objectKey: string): string | undefined {
  return /^keys\/([A-Za-z0-9][\w.-]{0,99})\.pub$/.exec(objectKey)?.[1]
}
