import { KEY_CARD_PREFIX } from '../storage/access/key-card.ts'
import { serializeGrantee } from '../storage/access/grantee.ts'
import { granteeOfCanonicalId } from '../storage/access/principal.ts'
import { policyEntries } from '../storage/access/access-entries.ts'
import type { ProviderName } from '../storage/provider/provider.ts'
import type { Store } from '../storage/store.ts'
import { AppError } from '../util/errors.ts'
import { bucketAttempts, groundAttempts } from './access-probe-attempts.ts'
import { clearGround, makeGround, probeFolders } from './access-probe-ground.ts'
import {
  isLacked,
  probe,
  type ProbeAnswer,
  type ProbeAttempt,
  type ProbeCaller,
  type ProbeOperation,
} from './access-probe.ts'
import { probeCallerOf, type SecondCaller } from './second-caller.ts'
import { readSharing, type Sharing } from './sharing.ts'
import {
  expectationOf,
  hasNothing,
  rightsOf,
  type CallerRights,
  type Expectation,
} from './verify-expectation.ts'

export interface VerifyAccessRequest {
  bucket: string
  /** With credentials of projects that were let in. */
  grantees: readonly SecondCaller[]
  /** With credentials of projects that were not. */
  outsiders: readonly SecondCaller[]
  anonymous: SecondCaller | undefined
}

/** Who was asked as: part of the --json contract. */
interface VerifiedCaller {
  name: string
  as: 'owner' | 'grantee' | 'outsider' | 'anonymous'
  /** A typed identity; absent without a signature. */
  identity?: string
  /** What it has: `depositor`, `reader below run_12/`, `blocked`, `nothing`, … */
  has: string
}

/** One operation by one caller: part of the --json contract. */
interface VerifiedAnswer {
  caller: string
  operation: ProbeOperation
  /** The beginning of the keys that it was tried below; empty for the bucket as a whole. */
  place: string
  expected: Expectation
  seen: ProbeAnswer
  /** Seen is not what the grants say, or nothing was seen. */
  deviates: boolean
  detail?: string
}

/** What `access verify` saw: the --json contract. */
export interface VerifyAccessResult {
  bucket: string
  provider: ProviderName
  callers: VerifiedCaller[]
  answers: VerifiedAnswer[]
  deviations: number
  /** Requests for which no expectation could be told. */
  unclear: number
  /** Prefixes of grants at which nothing was tried, because there are so many. */
  untried: string[]
  /** What probes left behind, because the server would not let it be removed. */
  leftovers: string[]
}

/** Thrown when a server does not answer as was granted; `result` has every answer. */
export class AccessDeviatesError extends AppError {
  readonly result: VerifyAccessResult

  constructor(result: VerifyAccessResult) {
    const deviating = result.answers.filter(({ deviates }) => deviates)
    super(
      'ACCESS_DEVIATES',
      `${String(deviating.length)} of ${String(result.answers.length)} answers of bucket ${result.bucket} are not what was granted`,
      { hints: deviating.slice(0, HINTED).map(spelledDeviation) },
    )
    this.name = 'AccessDeviatesError'
    this.result = result
  }
}

/** How many deviations are shown as hints. */
const HINTED = 10

/** Prefixes of grants at which everything is tried, besides the bucket as a whole and the key card. */
const PREFIX_LIMIT = 10

/**
 * Tries every operation as the owner, as each of the others and without a signature, on throw-away objects, and compares
 * the answers with what the bucket's policy and ACL grant. Throws ACCESS_DEVIATES ({@link AccessDeviatesError}); USAGE,
 * before anything is tried, for a grantee that is the owner and an outsider that is none.
 */
export async function verifyAccess(
  store: Store,
  request: VerifyAccessRequest,
  signal?: AbortSignal,
): Promise<VerifyAccessResult> {
  const sharing = await readSharing(store, request.bucket, signal)
  const people = peopleOf(store, sharing, request)
  const prefixes = prefixesOf(sharing)
  const places = ['', KEY_CARD_PREFIX, ...prefixes.slice(0, PREFIX_LIMIT)]
  const folders = probeFolders(places)
  const { answers, leftovers } = await askAll(store, sharing, { people, folders }, signal)
  const result: VerifyAccessResult = {
    bucket: request.bucket,
    provider: sharing.provider.name,
    callers: people.map(({ shown }) => shown),
    answers,
    deviations: answers.filter(({ deviates }) => deviates).length,
    unclear: answers.filter(({ expected }) => expected === 'unclear').length,
    untried: prefixes.slice(PREFIX_LIMIT),
    leftovers,
  }
  if (result.deviations > 0) throw new AccessDeviatesError(result)
  return result
}

type ProbeFolders = ReturnType<typeof probeFolders>

interface Person {
  caller: ProbeCaller
  rights: CallerRights
  shown: VerifiedCaller
}

function peopleOf(
  store: Store,
  sharing: Sharing,
  { grantees, outsiders, anonymous }: VerifyAccessRequest,
): Person[] {
  const { ownerId, bucket } = sharing
  const owner = { name: 'owner', store, bucket }
  const people = [
    person(owner, 'owner', ownerId, sharing),
    ...grantees.map((one) => person(probeCallerOf(one, sharing), 'grantee', one.canonicalId, sharing)),
    ...outsiders.map((one) => person(probeCallerOf(one, sharing), 'outsider', one.canonicalId, sharing)),
    ...(anonymous === undefined
      ? []
      : [person(probeCallerOf(anonymous, sharing), 'anonymous', undefined, sharing)]),
  ]
  for (const { rights, shown } of people.slice(1)) {
    if (rights.isOwner) {
      throw new AppError('USAGE', `profile ${shown.name} is the bucket's owner itself`, {
        hints: ['name profiles of other projects; the owner is asked anyhow'],
      })
    }
    if (shown.as === 'outsider' && !hasNothing(rights)) {
      throw new AppError('USAGE', `profile ${shown.name} is no outsider: it has ${shown.has}`, {
        hints: ['name it with --as'],
      })
    }
  }
  return people
}

function person(
  caller: ProbeCaller,
  as: VerifiedCaller['as'],
  canonicalId: string | undefined,
  sharing: Sharing,
): Person {
  const told = rightsOf(sharing, canonicalId, new Date())
  // Whose ARN it is that has a grant, the server does not say; that it is not the outsider's, the user does.
  const rights = as === 'outsider' ? { ...told, isUntold: false } : told
  const identity =
    canonicalId === undefined
      ? {}
      : { identity: serializeGrantee(granteeOfCanonicalId(canonicalId, sharing.provider.dialect)) }
  return { caller, rights, shown: { name: caller.name, as, ...identity, has: spelledRights(rights) } }
}

function spelledRights({ isOwner, isBlocked, roles, maybeMore, isUntold }: CallerRights): string {
  if (isOwner) return 'everything'
  if (isBlocked) return 'blocked'
  const named = roles.map(({ role, prefix }) => (prefix === '' ? role : `${role} below ${prefix}`))
  const all = [...named, ...(maybeMore ? ['something that is no role of ours'] : [])]
  if (all.length > 0) return all.join(', ')
  return isUntold ? 'what the server does not tell' : 'nothing'
}

async function askAll(
  owner: Store,
  sharing: Sharing,
  { people, folders }: { people: readonly Person[]; folders: ProbeFolders },
  signal: AbortSignal | undefined,
): Promise<{ answers: VerifiedAnswer[]; leftovers: string[] }> {
  // Each to its end: what is cleared must not be written to again.
  const each = await Promise.allSettled(
    people.map(async (person, index) => answersOf(owner, sharing, { person, index, folders }, signal)),
  )
  const leftovers = await clearGround(owner, sharing.bucket, folders)
  const [ofOwner = [], ...ofOthers] = each.map((one) => {
    if (one.status === 'rejected') throw one.reason
    return one.value
  })
  const asked = ofOwner.map(({ operation, seen }) => ({ operation, answer: seen }))
  const answers = [ofOwner, ...ofOthers].flat().map((one) => ({ ...one, deviates: deviates(one, asked) }))
  return { answers, leftovers }
}

type Answer = Omit<VerifiedAnswer, 'deviates'>

async function answersOf(
  owner: Store,
  sharing: Sharing,
  { person, index, folders }: { person: Person; index: number; folders: ProbeFolders },
  signal: AbortSignal | undefined,
): Promise<Answer[]> {
  const { bucket, ownerId } = sharing
  const { caller, rights } = person
  const places = folders.map(({ place }) => place)
  const attempts: ProbeAttempt[] = bucketAttempts(caller, places, signal)
  for (const folder of folders) {
    const ground = await makeGround(owner, bucket, folder, index, signal)
    attempts.push(...groundAttempts(caller, ground, ownerId, signal))
  }
  const probes = await probe(caller, attempts, signal)
  return probes.map(({ operation, place = '', answer, detail }) => {
    const expected = expectationOf(rights, { operation, place }, sharing)
    return {
      caller: caller.name,
      operation,
      place,
      expected,
      seen: answer,
      ...(detail === undefined ? {} : { detail }),
    }
  })
}

/** An operation that the server does not have, for its owner either, is no right that anybody has too much of, or lacks. */
function deviates({ operation, expected, seen }: Answer, ofOwner: Parameters<typeof isLacked>[1]): boolean {
  if (seen === 'failed') return true
  if (seen === 'unsupported') return !isLacked(operation, ofOwner)
  return expected !== 'unclear' && seen !== expected
}

function spelledDeviation({ caller, operation, place, expected, seen, detail }: VerifiedAnswer): string {
  const where = place === '' ? '' : ` below ${place}`
  const why = detail === undefined ? '' : `: ${detail}`
  return `${operation}${where} by ${caller} should be ${expected}, is ${seen}${why}`
}

function prefixesOf({ policy, bucket, provider }: Sharing): string[] {
  const entries = policyEntries(policy, bucket, new Date(), provider.dialect)
  return [...new Set(entries.map(({ prefix }) => prefix).filter((prefix) => prefix !== undefined))]
}
