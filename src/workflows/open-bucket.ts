import { checkedTerms, type GrantTerms } from '../storage/access/roles.ts'
import type { Versioning } from '../storage/object-store.ts'
import type { Store } from '../storage/store.ts'
import { AppError, hasCode } from '../util/errors.ts'
import { checkNewBucketName } from './bucket-name.ts'
import { checkGrant, grantAccess, type GrantResult } from './grant-access.ts'
import { putKeyCard, readKeyCard, type KeyCard, type PublishKeyResult } from './publish-key.ts'
import { checkEnforced, mechanismOf } from './sharing-mechanism.ts'
import type { KnownProject } from './sharing.ts'

export interface OpenBucketRequest {
  bucket: string
  project: KnownProject
  terms: GrantTerms
  /** Public key files for the key card. */
  keyFiles: readonly string[]
  /** Go on with a bucket that is the caller's own already. */
  reuse?: boolean | undefined
}

/** What `bucket open` made: the --json contract. */
export interface OpenBucketResult {
  bucket: string
  /** False when the bucket was there already. */
  created: boolean
  /** `enabled` where overwritten objects are kept as versions. */
  versioning: Versioning
  keys: PublishKeyResult[]
  grant: GrantResult
}

/**
 * Makes a bucket into which another project can deliver: create, keep versions, publish the keys, and only then let
 * the project in, so that it never finds a bucket without its keys. All that can be wrong with the request is found
 * before anything is made. Throws INVALID_BUCKET_NAME, BUCKET_EXISTS, INVALID_KEY, UNSUPPORTED and what
 * grantAccess throws; after a failure half-way `reuse` goes on where it stopped.
 */
export async function openBucket(
  store: Store,
  request: OpenBucketRequest,
  signal?: AbortSignal,
): Promise<OpenBucketResult> {
  const { bucket, project } = request
  checkNewBucketName(bucket)
  const terms = checkedTerms(request.terms)
  const cards = await readKeyCards(request.keyFiles)
  const provider = await store.provider({ signal })
  checkEnforced(provider, mechanismOf(provider), terms)
  const created = await createOrReuse(store, bucket, request.reuse === true, signal)
  await checkGrantOrUndo(store, { bucket, project, terms }, created, signal)
  try {
    const versioning = await keepVersions(store, bucket, signal)
    const keys: PublishKeyResult[] = []
    for (const card of cards) keys.push(await putKeyCard(store, bucket, card, signal))
    const grant = await grantAccess(store, { bucket, project, terms }, signal)
    return { bucket, created, versioning, keys, grant }
  } catch (error) {
    throw created ? withReuseHint(error, bucket) : error
  }
}

async function readKeyCards(files: readonly string[]): Promise<KeyCard[]> {
  const byObjectKey = new Map<string, KeyCard>()
  for (const file of files) {
    const card = await readKeyCard(file)
    if (byObjectKey.has(card.objectKey)) {
      throw new AppError('USAGE', `two of the key files would be published as ${card.objectKey}`, {
        hints: ['rename one of the files'],
      })
    }
    byObjectKey.set(card.objectKey, card)
  }
  return [...byObjectKey.values()]
}

/** True when the bucket is new. */
async function createOrReuse(
  store: Store,
  bucket: string,
  reuse: boolean,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    await store.createBucket(bucket, { signal })
    return true
  } catch (error) {
    if (!hasCode(error, 'BUCKET_EXISTS')) throw error
    const own = await store.listBuckets({ signal })
    const isOwn = own.some((entry) => entry.bucket === bucket)
    if (isOwn && reuse) return false
    throw new AppError(
      'BUCKET_EXISTS',
      isOwn ? `you have a bucket ${bucket} already` : `the name ${bucket} is taken`,
      {
        cause: error,
        hints: [
          isOwn
            ? 'add --reuse to open that one, or choose another name'
            : 'bucket names are shared by all projects of a store: choose another',
        ],
      },
    )
  }
}

/** A grant that the server can't express or keep leaves no bucket behind: it was made a moment ago and is empty. */
async function checkGrantOrUndo(
  store: Store,
  grant: { bucket: string; project: KnownProject; terms: GrantTerms },
  created: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await checkGrant(store, grant, signal)
  } catch (error) {
    if (!created || !hasCode(error, 'UNSUPPORTED', 'USAGE')) throw error
    await store.deleteBucket(grant.bucket).catch((cause: unknown) => {
      throw new AppError(error.code, error.message, {
        cause,
        hints: [...error.hints, `the new bucket ${grant.bucket} is empty and could not be deleted again`],
      })
    })
    throw error
  }
}

/** A depositor may put an object over another's: with versions nothing that arrived is lost. */
async function keepVersions(
  store: Store,
  bucket: string,
  signal: AbortSignal | undefined,
): Promise<Versioning> {
  const before = await store.bucketVersioning(bucket, { signal })
  if (before === 'enabled' || before === 'unsupported') return before
  try {
    await store.enableVersioning(bucket, { signal })
  } catch (error) {
    if (hasCode(error, 'UNSUPPORTED')) return 'unsupported'
    throw error
  }
  const after = await store.bucketVersioning(bucket, { signal })
  if (after === 'enabled') return after
  throw new AppError(
    'STORE_FAILURE',
    `the server accepted versioning for bucket ${bucket} and does not keep versions`,
  )
}

function withReuseHint(error: unknown, bucket: string): unknown {
  if (!(error instanceof AppError)) return error
  return new AppError(error.code, error.message, {
    cause: error,
    hints: [...error.hints, `bucket ${bucket} was created; the same command with --reuse goes on from there`],
  })
}
