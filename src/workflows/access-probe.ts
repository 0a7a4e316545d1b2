import { StorageError } from '../storage/errors.ts'
import type { Store } from '../storage/store.ts'
import { AppError, hasCode } from '../util/errors.ts'

/** What a caller tries, as the S3 API calls it, and on what where the name alone does not say. */
export const PROBE_OPERATIONS = [
  'ListObjectsV2',
  'ListObjectVersions',
  'ListMultipartUploads',
  'GetBucketPolicy',
  'GetBucketAcl',
  'HeadObject',
  'GetObject',
  'GetObjectAcl',
  'GetObjectTagging',
  'PutObject',
  'GetObject of its own upload',
  'PutObject over another',
  'PutObjectAcl',
  'CreateMultipartUpload',
  'UploadPart',
  'ListParts',
  'CompleteMultipartUpload',
  'AbortMultipartUpload',
  'CopyObject',
  'DeleteObject',
  'DeleteObject of a version',
] as const
export type ProbeOperation = (typeof PROBE_OPERATIONS)[number]

/**
 * - `allowed`: the server did it;
 * - `denied`: it refused for want of a right (403, or 401 to a request without a signature);
 * - `unsupported`: it says that it has no such operation, which counts for something only where {@link isLacked};
 * - `failed`: anything else, which proves nothing; also a success that cannot be read: the caller was let in.
 */
export const PROBE_ANSWERS = ['allowed', 'denied', 'unsupported', 'failed'] as const
export type ProbeAnswer = (typeof PROBE_ANSWERS)[number]

/** Somebody who knocks at a bucket. */
export interface ProbeCaller {
  /** For people: `owner`, `anonymous`, or the name of a profile. */
  name: string
  store: Store
  /** The bucket as this caller addresses it: where the server has tenants, not by its bare name. */
  bucket: string
  /** Requests without a signature. */
  anonymous?: boolean | undefined
  /**
   * True when `not found` can only be a refusal: some servers hide from whoever signs nothing what is there. Where there
   * are tenants it may be the wrong bucket, which proves nothing.
   */
  isHiddenFrom?: boolean | undefined
}

/** One request to try. */
export interface ProbeAttempt {
  operation: ProbeOperation
  objectKey?: string | undefined
  versionId?: string | undefined
  /** The beginning of the keys that it is about, such as `keys/`; empty for all of the bucket, absent for an object that was there. */
  place?: string | undefined
  /** Not tried unless this one was allowed at the same place. */
  after?: ProbeOperation | undefined
  send: () => Promise<unknown>
  /**
   * Whether the owner sees the effect, where a store takes `not found` for done: only then was it allowed.
   */
  isDone?: (() => Promise<boolean>) | undefined
}

/** What came of one: part of the --json contract. */
export interface Probe {
  caller: string
  operation: ProbeOperation
  place?: string
  objectKey?: string
  versionId?: string
  answer: ProbeAnswer
  /** Why it failed. */
  detail?: string
  /** ISO 8601. */
  at: string
}

/** Tries one request after the other. Throws only what is no answer of the store's, such as an interrupt. */
export async function probe(
  caller: ProbeCaller,
  attempts: readonly ProbeAttempt[],
  signal?: AbortSignal,
): Promise<Probe[]> {
  const probes: Probe[] = []
  const allowed = new Set<string>()
  for (const attempt of attempts) {
    const { operation, place, objectKey, versionId, after } = attempt
    signal?.throwIfAborted()
    if (after !== undefined && !allowed.has(`${after} ${place ?? ''}`)) continue
    const at = new Date().toISOString()
    const seen = await answerOf(attempt, caller)
    signal?.throwIfAborted()
    if (seen.answer === 'allowed') allowed.add(`${operation} ${place ?? ''}`)
    probes.push({
      caller: caller.name,
      operation,
      ...(place === undefined ? {} : { place }),
      ...(objectKey === undefined ? {} : { objectKey }),
      ...(versionId === undefined ? {} : { versionId }),
      ...seen,
      at,
    })
  }
  return probes
}

async function answerOf(
  { send, isDone }: ProbeAttempt,
  caller: ProbeCaller,
): Promise<{ answer: ProbeAnswer; detail?: string }> {
  try {
    await send()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    if (isRefusal(error, caller)) return { answer: 'denied' }
    return isLack(error) ? { answer: 'unsupported' } : { answer: 'failed', detail: error.message }
  }
  if (isDone === undefined || (await isDone())) return { answer: 'allowed' }
  return { answer: 'denied', detail: 'accepted, without any effect' }
}

function isRefusal(error: AppError, { anonymous = false, isHiddenFrom = false }: ProbeCaller): boolean {
  if (error.code === 'ACCESS_DENIED') return true
  if (isHiddenFrom && hasCode(error, 'BUCKET_NOT_FOUND', 'OBJECT_NOT_FOUND', 'UPLOAD_NOT_FOUND')) return true
  const status = error instanceof StorageError ? error.status : undefined
  // Servers differ in what they call it: a missing token, a key that is none, no signature. What else comes with 403,
  // such as a full quota or an archived object, is told to those who have the right.
  return anonymous && error.code === 'INVALID_CREDENTIALS' && (status === 401 || status === 403)
}

/** Only what the server itself says: UNSUPPORTED is also what we make of a 200 that we cannot read. */
function isLack(error: AppError): boolean {
  if (!(error instanceof StorageError)) return false
  // AWS answers so where the bucket's owner owns all objects.
  if (error.serverCode === 'AccessControlListNotSupported') return true
  return error.code === 'UNSUPPORTED' && (error.status === 405 || error.status === 501)
}

/** What every server has. */
const ALWAYS_THERE: ReadonlySet<ProbeOperation> = new Set([
  'ListObjectsV2',
  'HeadObject',
  'GetObject',
  'GetObject of its own upload',
  'PutObject',
  'PutObject over another',
  'DeleteObject',
])

/** True for an operation that the server may well not have, and that the bucket's owner was not given in any request either. */
export function isLacked(
  operation: ProbeOperation,
  ofOwner: readonly Pick<Probe, 'operation' | 'answer'>[],
): boolean {
  const same = ofOwner.filter((one) => one.operation === operation)
  return (
    !ALWAYS_THERE.has(operation) && same.length > 0 && same.every(({ answer }) => answer === 'unsupported')
  )
}

/** A probe in words: `GetObject of run_12/a.c4gh`. */
export function spelledProbe({ operation, objectKey, versionId, place }: Probe): string {
  const version = versionId === undefined ? '' : ` (version ${versionId})`
  if (objectKey !== undefined) return `${operation} of ${objectKey}${version}`
  return place === undefined || place === '' ? operation : `${operation} of ${place}`
}
