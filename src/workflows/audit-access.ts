import type { Store } from '../storage/store.ts'
import { AppError, type ErrorCode, hasCode } from '../util/errors.ts'
import { bucketFindings, type BucketFindings } from './bucket-findings.ts'
import type { FindingKind } from './bucket-findings-list.ts'
import type { KnownHere } from './bucket-findings-known.ts'
import { listBuckets } from './list-buckets.ts'
import { failedTransfer, type FailedTransfer } from './transfer-run.ts'

export interface AuditRequest {
  /** All buckets of the caller when empty. */
  buckets: readonly string[]
  /** The server, as it was configured. */
  endpoint: string
  /** Looks at each object's ACL as well: one request per object. */
  withObjects: boolean
  known: KnownHere
  /** Kinds of findings for which the audit fails. */
  failOn: readonly FindingKind[]
  /** Told how far it is. */
  onLooked?: ((state: AuditState) => void) | undefined
}

/** How far an audit is. */
export interface AuditState {
  buckets: number
  doneBuckets: number
  /** The one that is looked at. */
  bucket: string
  /** Objects looked at, in all of them. */
  doneObjects: number
}

/** Who can do what in several buckets: the --json contract of `access audit`. */
export interface AuditResult {
  endpoint: string
  auditedAt: Date
  buckets: BucketFindings[]
  /** Buckets that could not be looked at. */
  failed: FailedTransfer[]
  /** How many findings there are of each kind that was found. */
  found: Partial<Record<FindingKind, number>>
  /** Lines of this machine's history that could not be read: "since" may be missing. */
  damagedHistoryLines?: number
}

/** Thrown when the audit found something of a kind it was told to fail on; `result` has all of it. */
export class AuditFailedError extends AppError {
  readonly result: AuditResult

  constructor(kinds: readonly FindingKind[], result: AuditResult) {
    const found = kinds.map((kind) => `${result.found[kind] ?? 0} ${kind}`).join(', ')
    const details = result.buckets.flatMap(({ bucket, findings }) =>
      findings.filter(({ kind }) => kinds.includes(kind)).map(({ detail }) => `${bucket}: ${detail}`),
    )
    super('AUDIT_FAILED', `the audit found ${found}`, { hints: details.slice(0, HINTED_FINDINGS) })
    this.name = 'AuditFailedError'
    this.result = result
  }
}

/** How many of the findings are shown as hints. */
const HINTED_FINDINGS = 10

/** Failures that every other bucket would meet as well. */
const HOPELESS: readonly ErrorCode[] = [
  'INVALID_CREDENTIALS',
  'NO_CREDENTIALS',
  'CLOCK_SKEW',
  'ENDPOINT_UNREACHABLE',
]

/**
 * Looks at several buckets in turn; one that fails does not keep the others from it. Nothing is changed.
 *
 * @throws AuditFailedError (AUDIT_FAILED) for a finding of a kind in `failOn`; the first failure when no bucket could be
 * looked at
 */
export async function auditAccess(
  store: Store,
  request: AuditRequest,
  signal?: AbortSignal,
): Promise<AuditResult> {
  const names = request.buckets.length > 0 ? [...new Set(request.buckets)] : await ownBuckets(store, signal)
  const auditedAt = new Date()
  const { withObjects, known, endpoint, failOn } = request
  const buckets: BucketFindings[] = []
  const failures: { name: string; error: AppError }[] = []
  let doneObjects = 0
  const tell = (bucket: string): void => {
    const doneBuckets = buckets.length + failures.length
    request.onLooked?.({ buckets: names.length, doneBuckets, bucket, doneObjects })
  }
  for (const bucket of names) {
    signal?.throwIfAborted()
    tell(bucket)
    const onLooked = (): void => {
      doneObjects += 1
      tell(bucket)
    }
    try {
      buckets.push(await bucketFindings(store, { bucket, withObjects, known, onLooked }, signal))
    } catch (error) {
      if (!(error instanceof AppError) || signal?.aborted === true) throw error
      failures.push({ name: `s3://${bucket}`, error })
      if (hasCode(error, ...HOPELESS)) break
    }
  }
  const [first] = failures
  if (first !== undefined && buckets.length === 0) throw first.error
  const result: AuditResult = {
    endpoint,
    auditedAt,
    buckets,
    failed: failures.map(failedTransfer),
    found: countByKind(buckets),
    ...(known.damagedLines === 0 ? {} : { damagedHistoryLines: known.damagedLines }),
  }
  const kinds = [...new Set(failOn)].filter((kind) => (result.found[kind] ?? 0) > 0)
  if (kinds.length > 0) throw new AuditFailedError(kinds, result)
  return result
}

async function ownBuckets(store: Store, signal: AbortSignal | undefined): Promise<string[]> {
  return (await listBuckets(store, signal)).map(({ bucket }) => bucket)
}

function countByKind(buckets: readonly BucketFindings[]): AuditResult['found'] {
  const found: AuditResult['found'] = {}
  for (const { kind } of buckets.flatMap(({ findings }) => findings)) found[kind] = (found[kind] ?? 0) + 1
  return found
}
