import { granteeOfCanonicalId } from '../storage/access/principal.ts'
import { loadConnection } from '../storage/s3/credentials.ts'
import { createServerProbe } from '../storage/s3/probe/server-probe.ts'
import type { Store } from '../storage/store.ts'
import { AppError, hasCode } from '../util/errors.ts'
import type { ProbeCaller } from './access-probe.ts'
import { addressFor } from './bucket-owner.ts'
import { connect, type Connection, type ConnectRequest } from './connect.ts'
import { parseBucket } from './s3-url.ts'
import type { Sharing } from './sharing.ts'

/** Somebody else than the bucket's owner, with credentials of their own, at the same server. */
export interface SecondCaller {
  /** Of the profile; `anonymous` without a signature. */
  name: string
  /** As ACLs call it; undefined for requests without a signature. */
  canonicalId: string | undefined
  store: Store
  close(): void
}

/** What anonymous callers are called. */
const ANONYMOUS = 'anonymous'

/** Where a connection goes that names no endpoint: nothing can be forced on a profile then. */
const AWS_ENDPOINT = 'https://s3.amazonaws.com'

/**
 * Connects with the credentials of a profile to the server of `first`, and asks that server whose they are.
 * Throws NO_CREDENTIALS for a profile that is none, INVALID_CREDENTIALS for one that is refused: it would prove nothing;
 * USAGE where the server does not tell whose they are.
 */
export async function connectSecond(
  request: ConnectRequest,
  first: Connection,
  profile: string,
  signal?: AbortSignal,
): Promise<SecondCaller> {
  const asked = atServerOf(first, { ...request, profile })
  const connection = await connect(asked)
  try {
    if (connection.endpoint !== first.endpoint) {
      throw new AppError(
        'USAGE',
        `profile ${profile} is for ${connection.endpoint}, the bucket is at ${first.endpoint}`,
      )
    }
    const canonicalId = await callerIdOf(asked, connection.store, profile, signal)
    return { ...callerOf(connection), name: profile, canonicalId }
  } catch (error) {
    connection.close()
    throw error
  }
}

/** The same server without a signature. */
export async function connectAnonymous(request: ConnectRequest, first: Connection): Promise<SecondCaller> {
  const connection = await connect(atServerOf(first, { ...request, anonymous: true }))
  return { ...callerOf(connection), name: ANONYMOUS, canonicalId: undefined }
}

/** How this caller knocks at a bucket: on servers with tenants not always by its bare name. */
export function probeCallerOf({ name, canonicalId, store }: SecondCaller, sharing: Sharing): ProbeCaller {
  const grantee =
    canonicalId === undefined
      ? ({ type: 'rgw', tenant: undefined, uid: ANONYMOUS } as const)
      : granteeOfCanonicalId(canonicalId, sharing.provider.dialect)
  return {
    name,
    store,
    bucket: parseBucket(addressFor(grantee, sharing)),
    anonymous: canonicalId === undefined,
    isHiddenFrom: canonicalId === undefined && !sharing.provider.capabilities.tenants,
  }
}

function atServerOf({ endpoint }: Connection, request: ConnectRequest): ConnectRequest {
  return endpoint === AWS_ENDPOINT ? request : { ...request, endpoint }
}

function callerOf(connection: Connection): Pick<SecondCaller, 'store' | 'close'> {
  return {
    store: connection.store,
    close: () => {
      connection.close()
    },
  }
}

/** By ListBuckets, which names the caller as the owner; else by the ACL of a bucket of its own. */
async function callerIdOf(
  request: ConnectRequest,
  store: Store,
  profile: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const probe = createServerProbe(await loadConnection(request))
  try {
    const { ownerId, failure, buckets } = await probe.caller({ signal })
    if (failure !== undefined) {
      throw new AppError(failure.code, `profile ${profile}: ${failure.message}`, {
        cause: failure,
        hints: failure.hints,
      })
    }
    const id = ownerId ?? (await ownerOfOne(store, buckets, signal))
    if (id !== undefined) return id
  } finally {
    probe.close()
  }
  throw new AppError('USAGE', `the server does not tell whose credentials profile ${profile} has`, {
    hints: ['leave the profile out: without knowing whose answers they are, they prove nothing'],
  })
}

async function ownerOfOne(
  store: Store,
  [bucket]: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  if (bucket === undefined) return undefined
  try {
    const { ownerId } = await store.bucketAcl(bucket, { signal })
    return ownerId === '' ? undefined : ownerId
  } catch (error) {
    if (hasCode(error, 'ACCESS_DENIED', 'UNSUPPORTED')) return undefined
    throw error
  }
}
