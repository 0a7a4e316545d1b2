import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '../storage/store.ts'
import { AppError, hasCode } from '../util/errors.ts'
import { bucketAttempts, groundAttempts, sampleAttempts, type SampleObject } from './access-probe-attempts.ts'
import { clearGround, makeGround, probeFolders } from './access-probe-ground.ts'
import { isLacked, probe, spelledProbe, type Probe, type ProbeCaller } from './access-probe.ts'
import type { Sharing } from './sharing.ts'
import { expectationOf, rightsOf } from './verify-expectation.ts'

/** Who tries to get in after a project was shut out. */
export interface Proving {
  /** With credentials of the project's own. */
  asProject: readonly ProbeCaller[]
  anonymous: ProbeCaller | undefined
  /** Why the answers of those may be somebody else's; nothing is called enforced then. */
  doubts: readonly string[]
  /** Canonical id of the project: objects that it owns are tried first. */
  canonicalId: string | undefined
  /** Prefixes that it had been given, besides the bucket as a whole. */
  prefixes: readonly string[]
  /** Seconds after which everything is tried once more while something is still allowed: gateways keep policies for a while. */
  waits?: readonly number[] | undefined
}

/** What trying showed: part of the --json contract. */
export interface Proof {
  /**
   * `enforced`: every request with the project's own credentials and every one without a signature was refused.
   * `stored`: the server keeps what shuts the project out; that it also enforces it was not, or not wholly, tried.
   */
  state: 'enforced' | 'stored'
  probes: Probe[]
  /** Why the state is not `enforced`, when nothing was allowed. */
  unproven: string[]
  /** What probes left behind, because the server would not let it be removed. */
  leftovers: string[]
}

/** What was never tried. */
export const UNTRIED: Proof = {
  state: 'stored',
  probes: [],
  unproven: ['nobody tried: name a profile with credentials of the project with --as'],
  leftovers: [],
}

const WAITS = [1, 3]

/** Objects of each kind that are tried, and how many entries are looked through for them. */
const SAMPLE_SIZE = 3
const SAMPLE_SEARCH = 10_000

/**
 * Tries every operation as the project itself and as nobody: reading what is there, and everything else on throw-away
 * objects, which are removed again. Never throws for what the store answers: the project is shut out already.
 */
export async function proveShutOut(
  owner: Store,
  sharing: Sharing,
  proving: Proving,
  signal?: AbortSignal,
): Promise<Proof> {
  const { samples, problem } = await trySampling(owner, sharing, proving.canonicalId, signal)
  const doubts = problem === undefined ? proving.doubts : [...proving.doubts, problem]
  const complete = { ...proving, doubts }
  let proof = await tryAll(owner, sharing, complete, samples, signal)
  for (const wait of proving.waits ?? WAITS) {
    if (!proof.probes.some(({ answer }) => answer === 'allowed')) break
    await sleep(wait * 1000, undefined, signal === undefined ? {} : { signal })
    const again = await tryAll(owner, sharing, complete, samples, signal)
    proof = { ...again, leftovers: [...new Set([...proof.leftovers, ...again.leftovers])] }
  }
  return proof
}

/**
 * Why a refusal may not come of the revocation: before it, a caller was refused already what policy and ACL give to it.
 * Only reads, and nothing for a caller who has nothing, or no longer.
 */
export async function refusedBefore(
  { caller, canonicalId }: { caller: ProbeCaller; canonicalId: string | undefined },
  sharing: Sharing,
  prefixes: readonly string[],
  signal?: AbortSignal,
): Promise<string[]> {
  const rights = rightsOf(sharing, canonicalId, new Date())
  const given = bucketAttempts(caller, prefixes, signal).find(
    (attempt) => expectationOf(rights, attempt, sharing) === 'allowed',
  )
  if (given === undefined) return []
  const [seen] = await probe(caller, [given], signal)
  if (seen?.answer !== 'denied') return []
  return [`${caller.name} was refused before the revocation as well: ${spelledProbe(seen)}`]
}

async function tryAll(
  owner: Store,
  sharing: Sharing,
  proving: Proving,
  samples: readonly SampleObject[],
  signal: AbortSignal | undefined,
): Promise<Proof> {
  const { bucket, ownerId } = sharing
  const callers = [...proving.asProject, ...(proving.anonymous === undefined ? [] : [proving.anonymous])]
  const places = [...new Set(['', ...proving.prefixes])]
  const folders = probeFolders(places)
  const probes: Probe[] = []
  const unproven: string[] = []
  let ofOwner: Probe[]
  let leftovers: string[]
  try {
    for (const [index, caller] of callers.entries()) {
      const attempts = [...bucketAttempts(caller, places, signal), ...sampleAttempts(caller, samples, signal)]
      try {
        for (const folder of folders) {
          const ground = await makeGround(owner, bucket, folder, index, signal)
          attempts.push(...groundAttempts(caller, ground, ownerId, signal))
        }
      } catch (error) {
        if (!(error instanceof AppError) || signal?.aborted === true) throw error
        unproven.push(`no throw-away objects could be made to try on: ${error.message}`)
      }
      probes.push(...(await probe(caller, attempts, signal)))
    }
    const lacks = probes.filter(({ answer }) => answer === 'unsupported')
    ofOwner = await askOwner(
      owner,
      sharing,
      { lacks, folder: folders[0], index: callers.length, samples },
      signal,
    )
  } finally {
    leftovers = await clearGround(owner, bucket, folders)
  }
  const why = [...new Set([...unproven, ...reasonsAgainst(probes, ofOwner, proving)])]
  const isEnforced = why.length === 0 && !probes.some(({ answer }) => answer === 'allowed')
  return { state: isEnforced ? 'enforced' : 'stored', probes, unproven: why, leftovers }
}

interface Lacks {
  /** Requests that were answered as unsupported. */
  lacks: readonly Probe[]
  folder: ReturnType<typeof probeFolders>[number] | undefined
  index: number
  samples: readonly SampleObject[]
}

/** What the owner is answered to the same operations. */
async function askOwner(
  owner: Store,
  { bucket, ownerId }: Sharing,
  { lacks, folder, index, samples }: Lacks,
  signal: AbortSignal | undefined,
): Promise<Probe[]> {
  if (lacks.length === 0) return []
  const operations = new Set(lacks.map(({ operation }) => operation))
  const caller = { name: 'owner', store: owner, bucket }
  const attempts = [...bucketAttempts(caller, [], signal), ...sampleAttempts(caller, samples, signal)]
  try {
    if (folder !== undefined) {
      const ground = await makeGround(owner, bucket, folder, index, signal)
      attempts.push(...groundAttempts(caller, ground, ownerId, signal))
    }
  } catch (error) {
    // What the owner could not try then counts as nothing that the server lacks.
    if (!(error instanceof AppError) || signal?.aborted === true) throw error
  }
  const asked = attempts.filter(({ operation }) => operations.has(operation))
  return probe(caller, asked, signal)
}

function reasonsAgainst(
  probes: readonly Probe[],
  ofOwner: readonly Probe[],
  { asProject, anonymous, doubts }: Proving,
): string[] {
  const failed = probes.filter(({ answer }) => answer === 'failed')
  return [
    ...doubts,
    ...(asProject.length === 0 ? UNTRIED.unproven : []),
    ...(anonymous === undefined ? ['nobody tried without a signature'] : []),
    ...failed.map(
      ({ caller, operation, detail }) => `${operation} as ${caller} gave no answer: ${detail ?? ''}`,
    ),
    ...probes
      .filter(({ operation, answer }) => answer === 'unsupported' && !isLacked(operation, ofOwner))
      .map(
        ({ caller, operation }) =>
          `${operation} as ${caller} was answered as unsupported, which is no refusal: the server has it`,
      ),
  ]
}

async function trySampling(
  owner: Store,
  sharing: Sharing,
  canonicalId: string | undefined,
  signal: AbortSignal | undefined,
): Promise<{ samples: SampleObject[]; problem?: string }> {
  try {
    return { samples: await sampleObjects(owner, sharing, canonicalId, signal) }
  } catch (error) {
    if (!(error instanceof AppError) || signal?.aborted === true) throw error
    return { samples: [], problem: `what is in the bucket was not tried: ${error.message}` }
  }
}

/** Some of what the project uploaded, of its older versions, and of what others uploaded. */
async function sampleObjects(
  owner: Store,
  { bucket }: Sharing,
  canonicalId: string | undefined,
  signal: AbortSignal | undefined,
): Promise<SampleObject[]> {
  const own: SampleObject[] = []
  const older: SampleObject[] = []
  const others: SampleObject[] = []
  let seen = 0
  for await (const { objectKey, size, versionId, isLatest, ownerId } of everyVersion(owner, bucket, signal)) {
    const isOwn = canonicalId !== undefined && ownerId === canonicalId
    const kind = !isLatest ? (isOwn ? older : undefined) : isOwn ? own : others
    if (kind !== undefined && kind.length < SAMPLE_SIZE) {
      kind.push({ objectKey, size, ...(isLatest ? {} : { versionId }) })
    }
    seen += 1
    if (seen >= SAMPLE_SEARCH || (own.length === SAMPLE_SIZE && others.length === SAMPLE_SIZE)) break
  }
  return [...own, ...older, ...others]
}

interface SeenVersion extends SampleObject {
  versionId: string | undefined
  isLatest: boolean
  ownerId: string | undefined
}

async function* everyVersion(
  owner: Store,
  bucket: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<SeenVersion> {
  try {
    for await (const entry of owner.listVersions(bucket, { signal })) {
      if (entry.kind === 'object') yield entry
    }
  } catch (error) {
    if (!hasCode(error, 'UNSUPPORTED')) throw error
    for await (const entry of owner.listObjects(bucket, { signal })) {
      yield { ...entry, versionId: undefined, isLatest: true }
    }
  }
}
