import { policyEntries } from '../storage/access/access-entries.ts'
import type { PolicyStatement } from '../storage/access/access-store.ts'
import { principalsOf, withoutGrantee } from '../storage/access/bucket-policy.ts'
import { serializeGrantee } from '../storage/access/grantee.ts'
import { KEY_CARD_PREFIX } from '../storage/access/key-card.ts'
import {
  canonicalIdOf,
  granteeOfCanonicalId,
  principalCovers,
  principalOf,
} from '../storage/access/principal.ts'
import type { ProviderName } from '../storage/provider/provider.ts'
import type { Store } from '../storage/store.ts'
import { AppError } from '../util/errors.ts'
import { spelledProbe, type Probe } from './access-probe.ts'
import { REMAINING_LIMIT, type Outcast, type RemainingPath } from './open-paths.ts'
import { proveShutOut, refusedBefore, UNTRIED, type Proof } from './revoke-proof.ts'
import { probeCallerOf, type SecondCaller } from './second-caller.ts'
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
  /** Who tries afterwards whether it holds; nobody when absent. */
  provers?: RevokeProvers | undefined
}

export interface RevokeProvers {
  /** With credentials of the project's own. */
  asProject: readonly SecondCaller[]
  anonymous: SecondCaller | undefined
  /** Seconds to wait before trying once more while something is still allowed; a few when absent. */
  waits?: readonly number[] | undefined
}

/** What `access revoke` did and found: the --json contract. */
export interface RevokeResult extends ShutOutResult, Omit<Proof, 'state'> {
  bucket: string
  project: string
  identity: string
  mechanism: Mechanism
  /** Canonical id of the bucket's owner. */
  ownerId: string
  /** What the server is taken for. */
  provider: ProviderName
  /** As of {@link Proof}; `still-accessible` when anything remains. */
  state: Proof['state'] | 'still-accessible'
  /** What no revocation reaches; sentences. */
  cannotBeRecalled: string[]
}

/** Thrown when a project, or anyone, can still get in after everything was tried; `result` says how. */
export class StillAccessibleError<Result extends ShutOutResult = ShutOutResult> extends AppError {
  readonly result: Result

  /** @param more - hints besides the ways in */
  constructor(message: string, result: Result, more: readonly string[] = []) {
    super('STILL_ACCESSIBLE', message, {
      hints: [
        ...result.remaining.slice(0, HINTED_PATHS).map(({ detail }) => detail),
        'run the command again; what the server refuses to change, its operator has to end',
        ...more,
      ],
    })
    this.name = 'StillAccessibleError'
    this.result = result
  }
}

/**
 * Ends every access of a project to a bucket and proves it: takes its statements, bucket grants and object grants away,
 * denies it by name where the server has policies, aborts its unfinished uploads, reads everything again, and has
 * `provers` try what is left.
 * Throws STILL_ACCESSIBLE ({@link StillAccessibleError}) when anything remains; before anything is changed, USAGE for
 * the bucket's own owner and for a prover that is not the project, UNSUPPORTED where the server enforces no grants at all.
 */
export async function revokeAccess(
  store: Store,
  { bucket, project, provers }: RevokeRequest,
  signal?: AbortSignal,
): Promise<RevokeResult> {
  const sharing = await readSharing(store, bucket, signal)
  const outcast = outcastOf(project, sharing)
  if (outcast.canonicalId === sharing.ownerId) {
    throw new AppError('USAGE', `${project.name} owns bucket ${bucket}`, {
      hints: ['the owner cannot be shut out of its own bucket'],
    })
  }
  const places = formerPrefixes(sharing, outcast)
  const doubts = await doubtsBefore(provers, { outcast, sharing, places }, signal)
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
  const proof =
    provers === undefined
      ? UNTRIED
      : await proveShutOut(
          store,
          sharing,
          {
            asProject: provers.asProject.map((prover) => probeCallerOf(prover, sharing)),
            anonymous:
              provers.anonymous === undefined ? undefined : probeCallerOf(provers.anonymous, sharing),
            doubts,
            canonicalId: outcast.canonicalId,
            prefixes: places.tried,
            waits: provers.waits,
          },
          signal,
        )
  const remaining = [...done.remaining, ...answered(proof.probes)].slice(0, REMAINING_LIMIT)
  const result: RevokeResult = {
    bucket,
    project: project.name,
    identity: serializeGrantee(project.grantee),
    mechanism: sharing.mechanism,
    ownerId: sharing.ownerId,
    provider: sharing.provider.name,
    ...done,
    ...proof,
    state: remaining.length > 0 ? 'still-accessible' : proof.state,
    remaining,
    cannotBeRecalled: CANNOT_BE_RECALLED,
  }
  if (remaining.length > 0) {
    throw new StillAccessibleError(`${project.name} can still reach bucket ${bucket}`, result)
  }
  return result
}

const CANNOT_BE_RECALLED = [
  'copies that were made while the access lasted',
  'a download that was running when it ended: a server decides when a request begins',
  'addresses that others with access have signed for it (presigned URLs), until they expire',
]

/** How many of the open ways in are shown as hints. */
const HINTED_PATHS = 10

/**
 * Credentials of somebody else would be refused as well, and prove nothing: throws USAGE. A tenant's users all speak for
 * it. Where the project's identity does not tell how the server calls it (an ARN on AWS), that is said.
 */
function doubtsAbout({ name, canonicalId }: SecondCaller, outcast: Outcast, sharing: Sharing): string[] {
  const { dialect } = sharing.provider
  const caller =
    canonicalId === undefined ? undefined : principalOf(granteeOfCanonicalId(canonicalId, dialect), dialect)
  const { principal } = outcast
  const isWithin = caller !== undefined && principal !== undefined && principalCovers(principal, caller)
  const id = canonicalId ?? 'nobody'
  if (isWithin || (canonicalId !== undefined && canonicalId === outcast.canonicalId)) return []
  if (outcast.canonicalId === undefined && canonicalId !== sharing.ownerId) {
    return [`the server does not tell whether profile ${name} (${id}) is ${outcast.name}`]
  }
  throw new AppError('USAGE', `profile ${name} is ${id} at the server, and not ${outcast.name}`, {
    hints: [`${outcast.name} is ${outcast.canonicalId ?? 'another'} there; nothing was changed`],
  })
}

interface Places {
  /** Prefixes below which everything is tried. */
  tried: readonly string[]
  untried: readonly string[]
}

/** Looks at the provers while the project still has what it has. Throws USAGE as {@link doubtsAbout}. */
async function doubtsBefore(
  provers: RevokeProvers | undefined,
  { outcast, sharing, places }: { outcast: Outcast; sharing: Sharing; places: Places },
  signal: AbortSignal | undefined,
): Promise<string[]> {
  if (provers === undefined) return []
  const doubts = provers.asProject.flatMap((prover) => doubtsAbout(prover, outcast, sharing))
  for (const prover of provers.asProject) {
    const one = { caller: probeCallerOf(prover, sharing), canonicalId: prover.canonicalId }
    doubts.push(...(await refusedBefore(one, sharing, places.tried, signal)))
  }
  const { untried } = places
  if (untried.length > 0) {
    doubts.push(
      `nothing was tried below other prefixes of grants, of which there are many: ${untried.join(', ')}`,
    )
  }
  return doubts
}

/** Prefixes that grants were for, the project's own first: what is allowed there alone would not be found elsewhere. */
function formerPrefixes({ policy, bucket, provider }: Sharing, { principal }: Outcast): Places {
  const prefixesOf = (statements: readonly PolicyStatement[]): string[] =>
    policyEntries({ ...policy, Statement: [...statements] }, bucket, new Date(), provider.dialect)
      .map(({ prefix }) => prefix)
      .filter((prefix) => prefix !== undefined)
  const all = policy?.Statement ?? []
  // Of a grant of ours every statement names the same project: none is torn apart here.
  const own = all.filter((statement) =>
    principalsOf(statement).some(
      (named) =>
        principal !== undefined && (principalCovers(principal, named) || principalCovers(named, principal)),
    ),
  )
  const prefixes = [...new Set([...prefixesOf(own), ...prefixesOf(all)])]
  return {
    tried: [...prefixes.slice(0, PREFIX_LIMIT), KEY_CARD_PREFIX],
    untried: prefixes.slice(PREFIX_LIMIT),
  }
}

/** How many prefixes are tried besides the bucket as a whole. */
const PREFIX_LIMIT = 5

/** Requests that should have been refused. */
function answered(probes: readonly Probe[]): RemainingPath[] {
  return probes
    .filter(({ answer }) => answer === 'allowed')
    .map((one) => ({
      kind: 'request',
      detail: `the server lets ${one.caller} do ${spelledProbe(one)}`,
      ...(one.objectKey === undefined ? {} : { objectKey: one.objectKey }),
      ...(one.versionId === undefined ? {} : { versionId: one.versionId }),
    }))
}

function outcastOf(project: KnownProject, sharing: Sharing): Outcast {
  const canonicalId = canonicalIdOf(project.grantee, sharing.provider.dialect)
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
