import { withoutGrantee } from '../storage/access/bucket-policy.ts'
import { serializeGrantee } from '../storage/access/grantee.ts'
import { canonicalIdOf } from '../storage/access/principal.ts'
import type { Store } from '../storage/store.ts'
import { AppError } from '../util/errors.ts'
import type { Outcast } from './open-paths.ts'
import {
  ownedBucket,
  policyPrincipal,
  readSharing,
  type KnownProject,
  type Mechanism,
  type Sharing,
} from './sharing.ts'
import { shutOut, type ShutOutResult } from './shut-out.ts'

export interface RevokeRequest {
  bucket: string
  project: KnownProject
}

/** What `access revoke` did and found: the --json contract. */
export interface RevokeResult extends ShutOutResult {
  bucket: string
  project: string
  identity: string
  mechanism: Mechanism
}

/** Thrown when a project, or anyone, can still get in after everything was tried; `result` says how. */
export class StillAccessibleError<Result extends ShutOutResult = ShutOutResult> extends AppError {
  readonly result: Result

  constructor(message: string, result: Result) {
    super('STILL_ACCESSIBLE', message, {
      hints: [
        ...result.remaining.slice(0, HINTED_PATHS).map(({ detail }) => detail),
        'run the command again; what the server refuses to change, its operator has to end',
      ],
    })
    this.name = 'StillAccessibleError'
    this.result = result
  }
}

/**
 * Ends every access of a project to a bucket and proves it: takes its statements, bucket grants and object grants away,
 * denies it by name where the server has policies, aborts its unfinished uploads, reads everything again.
 * Throws STILL_ACCESSIBLE ({@link StillAccessibleError}) when anything remains, USAGE for the bucket's own owner,
 * UNSUPPORTED where the server enforces no grants at all.
 */
export async function revokeAccess(
  store: Store,
  { bucket, project }: RevokeRequest,
  signal?: AbortSignal,
): Promise<RevokeResult> {
  const sharing = await readSharing(store, bucket, signal)
  const outcast = outcastOf(project, sharing)
  if (outcast.canonicalId === sharing.ownerId) {
    throw new AppError('USAGE', `${project.name} owns bucket ${bucket}`, {
      hints: ['the owner cannot be shut out of its own bucket'],
    })
  }
  const { principal } = outcast
  const done = await shutOut(
    store,
    bucket,
    {
      outcasts: [outcast],
      everyone: false,
      withdraw: (read) =>
        principal === undefined
          ? { policy: read.policy ?? { Statement: [] }, removed: [] }
          : withoutGrantee(read.policy, ownedBucket(read), principal),
    },
    signal,
  )
  const result: RevokeResult = {
    bucket,
    project: project.name,
    identity: serializeGrantee(project.grantee),
    mechanism: sharing.mechanism,
    ...done,
  }
  if (result.remaining.length > 0) {
    throw new StillAccessibleError(`${project.name} can still reach bucket ${bucket}`, result)
  }
  return result
}

/** How many of the open ways in are shown as hints. */
const HINTED_PATHS = 10

function outcastOf(project: KnownProject, sharing: Sharing): Outcast {
  const canonicalId = canonicalIdOf(project.grantee)
  const principal = sharing.mechanism === 'policy' ? policyPrincipal(project, sharing) : undefined
  if (principal === undefined && canonicalId === undefined) {
    throw new AppError(
      'UNSUPPORTED',
      `the ACLs of bucket ${sharing.bucket} do not tell who ${project.name} is`,
      {
        hints: ['name the project as the ACLs do: canonical:<id>'],
      },
    )
  }
  return { name: project.name, principal, canonicalId }
}
