import { KEY_CARD_PREFIX, keyCardName } from '../../storage/access/key-card.ts'
import type { ObjectEntry, ObjectStore } from '../../storage/object-store.ts'
import { AppError } from '../../util/errors.ts'
import { isPrefix, namedObjects } from '../named-objects.ts'
import { pathFilter } from '../path-filter.ts'
import { formatS3Url, type S3Location } from '../s3-url.ts'

/** Which of the objects that an address names are meant. */
export interface Choice {
  place: S3Location
  /** Patterns for what comes after the prefix (path-filter.ts). */
  include?: readonly string[] | undefined
  exclude?: readonly string[] | undefined
  /** Published keys (`keys/NAME.pub`) as well, though the address does not begin with `keys/`. */
  keys?: boolean | undefined
  /** A further reason to leave an object out. */
  alsoLeavesOut?: ((objectKey: string) => keyof LeftOut | undefined) | undefined
}

/** Objects below an address that are not meant, by reason. */
export interface LeftOut {
  publishedKeys: number
  byPattern: number
  /** The mark of the folder that is copied, where its copy would have no name. */
  folderItself: number
}

/** What is meant, counted. */
interface ChosenTotals {
  objects: number
  /** Bytes stored. */
  bytes: number
  leftOut: LeftOut
  /** When the newest of them was stored. */
  newest: Date | undefined
}

/**
 * Tells of an object key why it is left out; undefined when it is meant. One that is addressed itself always is.
 *
 * @throws AppError USAGE for patterns that can't be understood, or beside the address of one object
 */
export function leavesOut(choice: Choice): (objectKey: string) => keyof LeftOut | undefined {
  const { place, include = [], exclude = [], keys = false, alsoLeavesOut = () => undefined } = choice
  if (!isPrefix(place)) {
    if (include.length + exclude.length === 0) return alsoLeavesOut
    throw new AppError(
      'USAGE',
      `${formatS3Url(place.bucket, place.objectKey)} is the address of one object`,
      {
        hints: ['--include and --exclude choose among all below an address that ends in a slash'],
      },
    )
  }
  const isMeant = pathFilter(include, exclude)
  const prefix = place.objectKey
  const takesKeys = keys || prefix.startsWith(KEY_CARD_PREFIX)
  return (objectKey) => {
    if (!takesKeys && keyCardName(objectKey) !== undefined) return 'publishedKeys'
    return isMeant(objectKey.slice(prefix.length)) ? alsoLeavesOut(objectKey) : 'byPattern'
  }
}

/** The objects that are meant, in the order of their keys, as they come. Throws as namedObjects and {@link leavesOut}. */
export async function* chosenObjects(
  store: ObjectStore,
  choice: Choice,
  signal?: AbortSignal,
): AsyncGenerator<ObjectEntry, void, undefined> {
  const reason = leavesOut(choice)
  for await (const entry of namedObjects(store, choice.place, signal)) {
    if (reason(entry.objectKey) === undefined) yield entry
  }
}

/**
 * Counts what is meant, by one listing that is not kept.
 *
 * @throws AppError OBJECT_NOT_FOUND when there is nothing, or nothing that the patterns choose; USAGE, StorageError
 */
export async function countChosen(
  store: ObjectStore,
  choice: Choice,
  signal?: AbortSignal,
): Promise<ChosenTotals> {
  const reason = leavesOut(choice)
  const leftOut: LeftOut = { publishedKeys: 0, byPattern: 0, folderItself: 0 }
  const totals: ChosenTotals = { objects: 0, bytes: 0, leftOut, newest: undefined }
  for await (const { objectKey, size, lastModified } of namedObjects(store, choice.place, signal)) {
    const why = reason(objectKey)
    if (why !== undefined) {
      leftOut[why] += 1
      continue
    }
    totals.objects += 1
    totals.bytes += size
    totals.newest = later(totals.newest, lastModified)
  }
  if (totals.objects === 0 && leftOut.byPattern > 0) throw nothingChosen(choice.place)
  return totals
}

/** The failure of patterns that choose nothing. */
export function nothingChosen({ bucket, objectKey }: S3Location): AppError {
  return new AppError(
    'OBJECT_NOT_FOUND',
    `--include and --exclude leave nothing below ${formatS3Url(bucket, objectKey)}`,
    { hints: ['patterns are matched against what comes after the prefix: sealift download --help'] },
  )
}

/** The later of two times; undefined ones are unknown. */
export function later(a: Date | undefined, b: Date | undefined): Date | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a.getTime() >= b.getTime() ? a : b
}

/** Whether something was there when `newest` was the newest; of unknown times it is taken for granted. */
export function isNoLater(time: Date | undefined, newest: Date | undefined): boolean {
  return time === undefined || newest === undefined || time.getTime() <= newest.getTime()
}
