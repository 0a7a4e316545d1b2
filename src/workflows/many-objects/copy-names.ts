import { posix } from 'node:path'
import { keyCardName, KEY_CARD_PREFIX } from '../../storage/access/key-card.ts'
import type { ObjectName } from '../../storage/object-store.ts'
import { AppError } from '../../util/errors.ts'
import { isPrefix } from '../named-objects.ts'
import { formatS3Url, parseS3Url, type S3Location } from '../s3-url.ts'

/** Bytes of UTF-8 that S3 allows in an object key. */
const MAX_OBJECT_KEY_BYTES = 1024

/** From where to where objects are copied. */
export interface CopyPlaces {
  source: S3Location
  target: S3Location
}

/** From where to where one object is copied. */
export interface CopyNames {
  source: ObjectName
  target: ObjectName
}

/**
 * The two addresses of a copy.
 *
 * @throws AppError USAGE for a local path, with the command that is meant; INVALID_S3_URL, INVALID_BUCKET_NAME
 */
export function parseCopyPlaces(source: string, target: string): CopyPlaces {
  const [fromStore, toStore] = [isS3Url(source), isS3Url(target)]
  if (fromStore && toStore) return { source: parseS3Url(source), target: parseS3Url(target) }
  const local = fromStore ? target : source
  throw new AppError('USAGE', `${local} is no s3 address, and only what is in the store is copied in it`, {
    hints: [
      fromStore
        ? 'to fetch and decrypt it: sealift download s3://BUCKET/KEY FILE'
        : 'to encrypt and send files: sealift upload FILE… s3://BUCKET/PREFIX/',
    ],
  })
}

/**
 * What the copy of each object is called. One object takes the target's name, or keeps its own below a target that ends in
 * a slash; of all below a prefix, what comes after the prefix is kept as it stands.
 *
 * @returns gives the name for an object key, which throws USAGE for a name no copy can have
 * @throws AppError USAGE for a copy onto or into itself, or of many objects to one name
 */
export function copyNames({ source, target }: CopyPlaces): (objectKey: string) => ObjectName {
  const isSameBucket = source.bucket === target.bucket
  const refuseItself = (objectKey: string, targetKey: string): void => {
    if (!isSameBucket || !isSameName(objectKey, targetKey)) return
    throw new AppError('USAGE', `${formatS3Url(source.bucket, objectKey)} can't be copied onto itself`, {
      hints: ['give another name or another bucket'],
    })
  }
  if (!isPrefix(source)) {
    const { objectKey } = source
    const name = objectKey.slice(objectKey.lastIndexOf('/') + 1)
    const targetKey = isPrefix(target) ? target.objectKey + name : target.objectKey
    refuseItself(objectKey, targetKey)
    checkLength(objectKey, targetKey)
    return () => ({ bucket: target.bucket, objectKey: targetKey })
  }
  refusePrefixes({ source, target }, isSameBucket)
  return (objectKey) => {
    const targetKey = target.objectKey + objectKey.slice(source.objectKey.length)
    checkLength(objectKey, targetKey)
    refuseItself(objectKey, targetKey)
    // It would be met again in the same run, under its new name.
    if (isSameBucket && targetKey.startsWith(source.objectKey)) {
      throw new AppError(
        'USAGE',
        `the copy of ${formatS3Url(source.bucket, objectKey)} would lie among what is copied, as ${targetKey}`,
        { hints: ['copy this one by itself'] },
      )
    }
    return { bucket: target.bucket, objectKey: targetKey }
  }
}

/**
 * Why an object below the source is not copied: its copy would become a published key of the target's bucket, though
 * neither address names those; or it marks the folder that is copied, and its copy would have no name.
 */
export function uncopied(
  { source, target }: CopyPlaces,
  keys: boolean,
): (objectKey: string) => 'publishedKeys' | 'folderItself' | undefined {
  if (!isPrefix(source)) return () => undefined
  const takesKeys = keys || target.objectKey.startsWith(KEY_CARD_PREFIX)
  return (objectKey) => {
    const targetKey = target.objectKey + objectKey.slice(source.objectKey.length)
    if (targetKey === '') return 'folderItself'
    return !takesKeys && keyCardName(targetKey) !== undefined ? 'publishedKeys' : undefined
  }
}

function isS3Url(place: string): boolean {
  return place.startsWith('s3://')
}

function refusePrefixes({ source, target }: CopyPlaces, isSameBucket: boolean): void {
  const from = formatS3Url(source.bucket, source.objectKey)
  const to = formatS3Url(target.bucket, target.objectKey)
  if (!isPrefix(target)) {
    throw new AppError('USAGE', `all below ${from} can't get the one name ${to}`, {
      hints: [`for a target below which everything goes, end it with a slash: ${to}/`],
    })
  }
  if (!isSameBucket) return
  if (source.objectKey === target.objectKey) {
    throw new AppError('USAGE', `${from} can't be copied onto itself`, {
      hints: ['give another prefix or another bucket'],
    })
  }
  if (target.objectKey.startsWith(source.objectKey)) {
    throw new AppError('USAGE', `${to} lies below ${from}, and would be copied into itself without end`, {
      hints: ['copy to a prefix beside it, or to another bucket'],
    })
  }
}

/** Some servers keep objects as files, where `a//b` and `a/./b` are `a/b`. */
function isSameName(a: string, b: string): boolean {
  return a === b || posix.normalize(a) === posix.normalize(b)
}

function checkLength(objectKey: string, targetKey: string): void {
  const length = Buffer.byteLength(targetKey)
  if (length <= MAX_OBJECT_KEY_BYTES) return
  throw new AppError(
    'USAGE',
    `the copy of ${objectKey} would have a name of ${length} bytes, and S3 takes ${MAX_OBJECT_KEY_BYTES}`,
    { hints: ['copy it by itself, to a shorter name'] },
  )
}
