import type { ObjectName } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import { AppError } from '../../util/errors.ts'
import { withOneBucketName } from '../many-objects/same-bucket.ts'
import { isPrefix } from '../named-objects.ts'
import { formatS3Url, type S3Location } from '../s3-url.ts'
import type { RekeyObjectsRequest } from './rekey-request.ts'

/**
 * What can be known to be wrong before anything is asked of the store.
 *
 * @throws AppError USAGE
 */
export function checkRekeyRequest(request: RekeyObjectsRequest): void {
  const { place, into, change, deep, deleteReplaced } = request
  const { added, removed, exactly } = change
  if (exactly !== undefined && added.length + removed.length > 0) {
    throw new AppError('USAGE', 'readers are named either all (--to) or by what changes (--add, --remove)')
  }
  if (exactly === undefined && added.length + removed.length === 0 && !deep) {
    throw new AppError('USAGE', 'no change of readers was named', {
      hints: ['name who gets access with --add, who loses it with --remove, or everybody with --to'],
    })
  }
  if (into === undefined) return
  if (deleteReplaced) {
    throw new AppError('USAGE', 'what goes elsewhere replaces nothing that could be deleted', {
      hints: ['leave out --delete-replaced or --into'],
    })
  }
  checkTarget(place, into)
}

function checkTarget(place: S3Location, into: S3Location): void {
  if (isPrefix(place) && !isPrefix(into)) {
    throw new AppError('USAGE', `many objects can't become ${formatS3Url(into.bucket, into.objectKey)}`, {
      hints: [`end it in a slash: --into ${formatS3Url(into.bucket, into.objectKey)}/`],
    })
  }
  if (place.bucket === into.bucket && haveOverlappingKeys(place, into)) throw notApart(into)
}

/**
 * What is known of the places once the store tells whether two names are the same bucket (see {@link withOneBucketName}).
 * Asks nothing of it unless the keys would stand in each other's way.
 *
 * @throws AppError USAGE for a target among the objects it is for, or where the server does not tell; StorageError
 */
export async function refuseOwnTarget(
  store: Store,
  { place, into }: Pick<RekeyObjectsRequest, 'place' | 'into'>,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (into === undefined || !haveOverlappingKeys(place, into)) return
  const { target } = await withOneBucketName(store, { source: place, target: into }, signal)
  if (place.bucket === target.bucket) throw notApart(into)
}

function haveOverlappingKeys(place: S3Location, into: S3Location): boolean {
  const [from, to] = [
    place.objectKey,
    isPrefix(place) ? into.objectKey : rekeyTarget(place, into, place).objectKey,
  ]
  // A listing that goes on would come to what was just written.
  return isPrefix(place) ? from.startsWith(to) || to.startsWith(from) : from === to
}

function notApart(into: S3Location): AppError {
  return new AppError(
    'USAGE',
    `${formatS3Url(into.bucket, into.objectKey)} is not apart from the objects it is for`,
    {
      hints: ['leave out --into to give them new headers in place, or name another prefix'],
    },
  )
}

/** Where the new object of a source goes: below `into` as it lies below `place`, or under the one key that `into` is. */
export function rekeyTarget(
  place: S3Location,
  into: S3Location | undefined,
  { objectKey }: Pick<ObjectName, 'objectKey'>,
): ObjectName {
  if (into === undefined) return { bucket: place.bucket, objectKey }
  if (!isPrefix(into)) return { bucket: into.bucket, objectKey: into.objectKey }
  const below = isPrefix(place)
    ? objectKey.slice(place.objectKey.length)
    : objectKey.slice(objectKey.lastIndexOf('/') + 1)
  return { bucket: into.bucket, objectKey: into.objectKey + below }
}
