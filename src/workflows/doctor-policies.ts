import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PolicyDocument, PolicyStatement } from '../storage/access/access-store.ts'
import { samePolicy } from '../storage/access/policy-comparison.ts'
import { ownerPrincipal, type Principal } from '../storage/access/principal.ts'
import { ownerStatement } from '../storage/access/roles.ts'
import type { IdentityDialect } from '../storage/provider/provider.ts'
import type { Store } from '../storage/store.ts'
import { hasCode } from '../util/errors.ts'
import { check, examined, finding, isUnsupported, together, type Examined } from './doctor-finding.ts'
import type { Traces } from './doctor-traces.ts'

/** Where the checks of policies, ACLs and versions work: a bucket that is made for them and removed with them. */
export interface ScratchPlace {
  store: Store
  traces: Traces
  dialect: IdentityDialect
  /** Canonical id of the caller; empty where the server does not tell. */
  ownerId: string
  signal: AbortSignal | undefined
}

/** A time that has passed everywhere: conditions on it hold, or don't, for good. */
const PAST = '2020-01-01T00:00:00Z'

/** How often a refusal is waited for: on some servers a policy counts only a moment after it was written. */
const ATTEMPTS = 5
/** Milliseconds between two attempts. */
const WAIT = 400

/**
 * Writes bucket policies, reads them back and tries them. What is tried is a Deny of single keys for the caller itself:
 * it shows whether the server obeys policies, without letting anybody in.
 */
export async function checkPolicies(place: ScratchPlace): Promise<Examined> {
  const { store, traces, dialect, ownerId, signal } = place
  const { bucket, prefix } = traces
  const owner = ownerPrincipal(ownerId, dialect)
  for (const name of ['denied', 'open', 'later', 'earlier']) {
    await store.putObject(bucket, `${prefix}${name}`, randomBytes(16), { signal })
  }
  const stored = await putPolicy(place, owner, [deny(place, owner, 'denied')])
  if (stored === 'absent') {
    return examined(finding('policy', 'warning', 'the server has no bucket policies'), {
      policy: 'absent',
      policyConditions: 'absent',
      prefixCondition: 'absent',
    })
  }
  if (stored === 'ignored') {
    return examined(finding('policy', 'warning', 'a bucket policy is accepted and not kept'), {
      policy: 'ignored',
      policyConditions: 'ignored',
      prefixCondition: 'ignored',
    })
  }
  if (!(await isRefused(place, 'denied')) || !(await isAllowed(place, 'open'))) {
    const message =
      "a bucket policy is kept, and does not bind the bucket's owner: that it binds others only their requests show"
    const hint = 'try it with `sealift access verify` and the credentials of another project'
    return examined(finding('policy', 'warning', message, hint))
  }
  return together(
    examined(finding('policy', 'ok', 'a bucket policy is kept and obeyed'), { policy: 'enforced' }),
    await check('policy-conditions', 'warning', () => conditions(place, owner)),
    await check('prefix-condition', 'warning', () => prefixCondition(place, owner)),
  )
}

async function conditions(place: ScratchPlace, owner: Principal): Promise<Examined> {
  const stored = await putPolicy(place, owner, [
    deny(place, owner, 'denied'),
    { ...deny(place, owner, 'later'), Condition: { DateGreaterThan: { 'aws:CurrentTime': PAST } } },
    { ...deny(place, owner, 'earlier'), Condition: { DateLessThan: { 'aws:CurrentTime': PAST } } },
  ])
  const works =
    stored === 'stored' && (await isRefused(place, 'later')) && (await isAllowed(place, 'earlier'))
  if (works) {
    const message = 'conditions on the time are obeyed: --until ends an access by itself'
    return examined(finding('policy-conditions', 'ok', message), { policyConditions: 'enforced' })
  }
  const message = `conditions on the time are ${stored === 'stored' ? 'kept and not obeyed' : 'refused'}: no --until, no --from-ip`
  return examined(finding('policy-conditions', 'warning', message), {
    policyConditions: stored === 'absent' ? 'absent' : 'ignored',
  })
}

async function prefixCondition(place: ScratchPlace, owner: Principal): Promise<Examined> {
  const { store, traces, signal } = place
  const { bucket } = traces
  const hidden = `${traces.prefix}denied`
  const stored = await putPolicy(place, owner, [
    deny(place, owner, 'denied'),
    {
      ...deny(place, owner, 'denied'),
      Sid: 'SealiftDoctorListing',
      Action: 's3:ListBucket',
      Resource: `arn:aws:s3:::${bucket}`,
      Condition: { StringEquals: { 's3:prefix': hidden } },
    },
  ])
  const list = async (prefix: string): Promise<void> => {
    for await (const _object of store.listObjects(bucket, { prefix, limit: 1, signal })) return
  }
  const works =
    stored === 'stored' &&
    (await refusedInTime(() => list(hidden), signal)) &&
    (await succeeds(() => list(traces.prefix)))
  if (works) {
    const message = 'conditions on the prefix of a listing are obeyed'
    return examined(finding('prefix-condition', 'ok', message), { prefixCondition: 'enforced' })
  }
  const message = `conditions on the prefix of a listing are ${stored === 'stored' ? 'kept and not obeyed' : 'refused'}`
  return examined(finding('prefix-condition', 'warning', message), {
    prefixCondition: stored === 'absent' ? 'absent' : 'ignored',
  })
}

/** Writes the owner's own statement and these, and reads them back. */
async function putPolicy(
  { store, traces, signal }: ScratchPlace,
  owner: Principal,
  statements: readonly PolicyStatement[],
): Promise<'stored' | 'ignored' | 'absent'> {
  const { bucket } = traces
  const wanted: PolicyDocument = {
    Version: '2012-10-17',
    Statement: [ownerStatement(bucket, owner), ...statements],
  }
  try {
    await store.putBucketPolicy(bucket, wanted, { signal })
    return samePolicy(wanted, await store.bucketPolicy(bucket, { signal })) ? 'stored' : 'ignored'
  } catch (error) {
    if (!isUnsupported(error)) throw error
    return 'absent'
  }
}

function deny({ traces }: ScratchPlace, owner: Principal, name: string): PolicyStatement {
  return {
    Sid: `SealiftDoctor${name}`,
    Effect: 'Deny',
    Principal: { [owner.kind]: owner.value },
    Action: 's3:GetObject',
    Resource: `arn:aws:s3:::${traces.bucket}/${traces.prefix}${name}`,
  }
}

function isRefused(place: ScratchPlace, name: string): Promise<boolean> {
  return refusedInTime(() => read(place, name), place.signal)
}

function isAllowed(place: ScratchPlace, name: string): Promise<boolean> {
  return succeeds(() => read(place, name))
}

async function read({ store, traces, signal }: ScratchPlace, name: string): Promise<void> {
  const { body } = await store.getObject(traces.bucket, `${traces.prefix}${name}`, { signal })
  for await (const chunk of body) if (chunk.length === 0) return
}

async function refusedInTime(
  request: () => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    if (!(await succeeds(request))) return true
    await sleep(WAIT, undefined, signal === undefined ? {} : { signal })
  }
  return false
}

async function succeeds(request: () => Promise<void>): Promise<boolean> {
  try {
    await request()
    return true
  } catch (error) {
    if (!hasCode(error, 'ACCESS_DENIED')) throw error
    return false
  }
}
