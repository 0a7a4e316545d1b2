import type { Store } from '../../storage/store.ts'
import { AppError, hasCode } from '../../util/errors.ts'
import type { CopyPlaces } from './copy-names.ts'

/**
 * The places with one name for one bucket. On Ceph a bucket of the caller's own tenant is `bucket` and `tenant:bucket`
 * alike, and an object that is moved onto itself unnoticed would be deleted as the source of its own copy.
 *
 * @throws AppError USAGE where the server does not tell whether they are the same
 */
export async function withOneBucketName(
  store: Store,
  { source, target }: CopyPlaces,
  signal?: AbortSignal,
): Promise<CopyPlaces> {
  const [from, to] = [namedParts(source.bucket), namedParts(target.bucket)]
  const maybeSame = from.name === to.name && source.bucket !== target.bucket
  // Two tenants that are both named are two.
  const isDoubtful = maybeSame && (from.tenant === undefined || to.tenant === undefined)
  if (!isDoubtful || !(await haveOneOwner(store, source.bucket, target.bucket, signal))) {
    return { source, target }
  }
  return { source, target: { ...target, bucket: source.bucket } }
}

/** A tenant has one bucket of a name, and on servers with tenants an owner's id names its tenant. */
async function haveOneOwner(
  store: Store,
  a: string,
  b: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    const [aclOfA, aclOfB] = [await store.bucketAcl(a, { signal }), await store.bucketAcl(b, { signal })]
    return aclOfA.ownerId === aclOfB.ownerId
  } catch (error) {
    if (!hasCode(error, 'ACCESS_DENIED', 'UNSUPPORTED')) throw error
    throw new AppError('USAGE', `the server does not tell whether ${a} and ${b} are the same bucket`, {
      cause: error,
      hints: ['write the tenant of both: s3://TENANT:BUCKET/, s3://:BUCKET/ for the default one'],
    })
  }
}

function namedParts(bucket: string): { tenant: string | undefined; name: string } {
  const colon = bucket.indexOf(':')
  return colon === -1
    ? { tenant: undefined, name: bucket }
    : { tenant: bucket.slice(0, colon), name: bucket.slice(colon + 1) }
}
