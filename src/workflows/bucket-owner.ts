import type { Grantee } from '../storage/access/grantee.ts'
import { canonicalIdOf, granteeOfCanonicalId } from '../storage/access/principal.ts'
import { AppError, hasCode } from '../util/errors.ts'
import type { Connection } from './connect.ts'
import { pinnedBuckets } from './known-keys.ts'
import { formatS3Url } from './s3-url.ts'
import type { KnownProject, Sharing } from './sharing.ts'

/**
 * How another project addresses a bucket. On servers with tenants that is not its bare name, under which the other
 * project would find (or make) a bucket of its own.
 */
export function addressFor(grantee: Grantee, { bucket, ownerId, provider }: Sharing): string {
  const name = bucket.slice(bucket.indexOf(':') + 1)
  if (!provider.capabilities.tenants) return formatS3Url(bucket)
  const owner = tenantOf(granteeOfCanonicalId(ownerId, provider.dialect))
  const grantees = tenantOf(grantee)
  return formatS3Url(owner === grantees ? name : `${owner}:${name}`)
}

export interface BucketOwnerRequest {
  bucket: string
  /** Who must own it. */
  owner?: KnownProject | undefined
  /** Where the bucket keys seen before are kept. */
  knownKeysFile: string
}

/**
 * Throws WRONG_BUCKET when a bucket is not the one that is meant: its owner is another than the one named, or it is the
 * caller's own while the bucket of that name whose keys were seen before is another tenant's. A server with tenants
 * takes a bare name for one's own bucket, and would take the upload with a 200 to the wrong place.
 */
export async function checkBucketOwner(
  connection: Connection,
  { bucket, owner, knownKeysFile }: BucketOwnerRequest,
  signal?: AbortSignal,
): Promise<void> {
  if (owner !== undefined) await checkNamedOwner(connection, bucket, owner, signal)
  else if (!bucket.includes(':')) await refuseNamesake(connection, bucket, knownKeysFile, signal)
}

async function checkNamedOwner(
  { store }: Connection,
  bucket: string,
  { name, grantee }: KnownProject,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { dialect } = await store.provider({ signal })
  const wanted = canonicalIdOf(grantee, dialect)
  if (wanted === undefined) {
    throw new AppError('UNSUPPORTED', `this server does not show whether a bucket belongs to ${name}`, {
      hints: ['name the owner as ACLs do: canonical:<id>'],
    })
  }
  const { ownerId } = await ownerOf(bucket, () => store.bucketAcl(bucket, { signal }))
  if (ownerId === wanted) return
  throw new AppError('WRONG_BUCKET', `bucket ${bucket} belongs to ${ownerId}, not to ${name} (${wanted})`, {
    hints: ['a bucket of another tenant is s3://TENANT:BUCKET/; `access grant` tells the address to use'],
  })
}

/** Who may deliver may see who owns the bucket, where sealift let it in. */
async function ownerOf<Acl>(bucket: string, read: () => Promise<Acl>): Promise<Acl> {
  try {
    return await read()
  } catch (error) {
    if (!hasCode(error, 'ACCESS_DENIED', 'UNSUPPORTED')) throw error
    throw new AppError(error.code, `the server does not tell who owns bucket ${bucket}`, {
      hints: ['without --bucket-owner it is not asked'],
      cause: error,
    })
  }
}

async function refuseNamesake(
  { store, endpoint }: Connection,
  bucket: string,
  knownKeysFile: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const meant = (await pinnedBuckets(knownKeysFile, endpoint)).filter((pinned) =>
    pinned.endsWith(`:${bucket}`),
  )
  if (meant.length === 0) return
  const own = await store.listBuckets({ signal })
  if (!own.some((entry) => entry.bucket === bucket)) return
  throw new AppError(
    'WRONG_BUCKET',
    `${bucket} is a bucket of your own, and you know one of that name of another project`,
    {
      hints: [
        ...meant.map((pinned) => `the other one is ${formatS3Url(pinned)}`),
        'if your own is meant, write its tenant as well (s3://TENANT:BUCKET/, s3://:BUCKET/ for the default one); `upload` also takes --bucket-owner',
      ],
    },
  )
}

/** The tenant whose buckets have bare names for a project; empty for the default one. */
function tenantOf(grantee: Grantee): string {
  if (grantee.type === 'keystone') return grantee.projectId
  if (grantee.type === 'rgw') return grantee.tenant ?? ''
  return /^arn:aws:iam::(\w*):/.exec(grantee.type === 'arn' ? grantee.arn : '')?.[1] ?? ''
}
