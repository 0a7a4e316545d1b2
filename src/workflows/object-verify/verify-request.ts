import type { KeyPair } from '../../crypto/keys/key-pair.ts'
import { AppError, type ErrorCode } from '../../util/errors.ts'
import type { S3Location } from '../s3-url.ts'
import type { TransferProgress } from '../transfer-progress.ts'
import type { FailedTransfer } from '../transfer-run.ts'
import type { Outcome, VerifiedObject } from './verdict.ts'

export interface VerifyObjectsRequest {
  /** One object, or all below a prefix. */
  place: S3Location
  /** Secret keys that may open the objects; none for what can be seen without. */
  identities: readonly KeyPair[]
  /** Public keys, one of which must have written every packet that opens for us; anybody's may when absent. */
  senders?: readonly Uint8Array[] | undefined
  /** Reads the header of each object and nothing else. */
  headersOnly?: boolean | undefined
  /** A list of digests to compare with: sha256sum, an upload's result or its log. */
  digests?: string | undefined
  /** Ends with the first object that is not whole. */
  failFast?: boolean | undefined
  /** A file that shall tell of every object. */
  report?: string | undefined
  /** Ranges of large objects on their way together, and small objects at work; 4 and up to 32 when absent. */
  concurrency?: number | undefined
  /** Bytes of the buffers for ranges. */
  memory?: number | undefined
  /** Worker threads; chosen by the bytes when absent. */
  threads?: number | undefined
  onProgress?: ((progress: TransferProgress) => void) | undefined
}

/** What `verify s3://…` found: the --json contract. */
export interface VerifyObjectsResult {
  /** As an s3:// address. */
  place: string
  /** Only headers were read, so that nothing is proven. */
  headersOnly: boolean
  /** In the order of their keys; those that are not whole, and as many of the others as {@link MOST_KEPT} leaves room for. */
  objects: VerifiedObject[]
  /** Objects that were verified and are not in `objects`. */
  omitted: number
  counts: Record<Outcome, number>
  /** Published keys and folder markers: nobody encrypts those. */
  skipped: number
  /** Objects that could not be read to their end, or are by another sender. */
  failed: FailedTransfer[]
  /** Objects that were not looked at, because an earlier one was not whole (`--fail-fast`). */
  notTried: number
  /** What the list of digests has and no object stands for. */
  unmatched?: { count: number; examples: string[] }
  /** Of the objects that were verified, as they are stored: those that were checked, with `headersOnly` the headers alone. */
  bytes: number
  /** The file that was written. */
  report?: string
  seconds: number
}

/** Objects that the result tells of. */
export const MOST_KEPT = 10_000

/** Objects named when one of them stands for all. */
const NAMED_PROBLEMS = 10

/** Thrown when an object is damaged, or when none is whole; `result` says all that was found. */
export class ObjectsNotWholeError extends AppError {
  readonly result: VerifyObjectsResult

  /** @param first - the object that stands for all */
  constructor(first: VerifiedObject | FailedTransfer, result: VerifyObjectsResult) {
    const { code = 'INTEGRITY', message = '' } = first
    super(code, message, { hints: [...hintsOf(first), ...othersOf(first, result)] })
    this.name = 'ObjectsNotWholeError'
    this.result = result
  }
}

/** Objects of a result that are not what they should be, and what can be done about it. */
export function problemsOf(result: Pick<VerifyObjectsResult, 'objects' | 'failed'>): FailedTransfer[] {
  const verified = result.objects.flatMap((object) => {
    const { objectKey, code, message } = object
    if (code === undefined || message === undefined) return []
    return [{ name: objectKey, code, message, hints: hintsOf(object) }]
  })
  return [...verified, ...result.failed]
}

/** By error code, and for damage by what it was seen from. */
const HINTS: Partial<Record<ErrorCode, readonly string[]>> = {
  AUTHENTICATION_FAILED: [
    'get a new copy from who has the data; with versions kept, an older one may be whole',
  ],
  INVALID_HEADER: ['get a new copy from who has the data; the body alone can not be opened'],
  INTEGRITY: [
    'get a new copy from who has the data',
    'a server that encrypts by itself (SSE-KMS, SSE-C) has ETags that are no MD5s: --identity checks every tag instead',
  ],
  UNSUPPORTED: ['give --identity FILE: the tags prove what the ETag does not'],
}

function hintsOf(problem: VerifiedObject | FailedTransfer): readonly string[] {
  if ('hints' in problem) return problem.hints
  if (problem.recorded === 'differs')
    return ['compare with who made the list: this is another file than the one they had']
  return problem.code === undefined ? [] : (HINTS[problem.code] ?? [])
}

/** How the run went besides, for people. */
function othersOf(first: VerifiedObject | FailedTransfer, result: VerifyObjectsResult): string[] {
  const name = 'name' in first ? first.name : first.objectKey
  const others = problemsOf(result).filter((one) => one.name !== name)
  const looked = Object.values(result.counts).reduce((sum, count) => sum + count, 0) + result.failed.length
  return [
    ...(looked > 1 ? [`${result.counts.whole} of ${looked} objects are whole`] : []),
    ...others.slice(0, NAMED_PROBLEMS).map(({ message }) => `also ${message}`),
    ...(others.length > NAMED_PROBLEMS
      ? [`and ${others.length - NAMED_PROBLEMS} more: --json and --report name them all`]
      : []),
  ]
}
