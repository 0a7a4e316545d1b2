/** What is made of all that was seen of an object; pure. */
import type { SegmentRun } from '../../crypto/crypt4gh/covered-segments.ts'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../../crypto/crypt4gh/format.ts'
import { AppError, type ErrorCode } from '../../util/errors.ts'
import { runs } from '../findings.ts'
import type { AnsweredEtag, EtagVerdict } from './etag-check.ts'
import { partsOf } from './part-layouts.ts'
import type { AnsweredSegments, ObjectFinding } from './segments-check.ts'

/**
 * `whole`: every tag was checked, or the bytes are those of the ETag. `unproven`: nothing is wrong with it, and nothing
 * proves it whole. `not-for-us`: none of the identities opens it; nothing else is wrong.
 */
export type Outcome = 'whole' | 'unproven' | 'damaged' | 'not-for-us' | 'not-crypt4gh'

/** The first bytes of an object that are known to be bad. */
interface BadBytes {
  /** Offsets in the object, the last one included. */
  first: number
  last: number
  /** Where they begin in the stored plaintext; absent for those of a header. */
  plaintextOffset?: number
}

/** What verify says of one object: part of the --json contract. Sizes in bytes. */
export interface VerifiedObject {
  objectKey: string
  size: number
  storedEtag: string
  outcome: Outcome
  /** The object's bytes beside its ETag. */
  etag: EtagVerdict | 'not checked'
  /** Parts it was uploaded in, where the ETag told. */
  parts?: number
  /** Header packets, those of other readers too. */
  packets?: number
  /** What its reader gets; without an identity, what is stored. */
  plaintextSize?: number
  segments?: number
  /** Segments whose tag was checked. */
  checked?: number
  /** Segments that the edit list skips whole: their tags are checked as well. */
  skipped?: SegmentRun[]
  badSegments?: number
  /** The first runs of them. */
  bad?: SegmentRun[]
  firstBad?: BadBytes
  dataKeys?: number
  /** Fingerprints of the keys that wrote the packets for us. */
  senders?: string[]
  /** Of the plaintext its reader gets, hex. */
  sha256?: string
  /** That digest beside the recorded one. */
  recorded?: 'matches' | 'differs' | 'not recorded'
  findings: ObjectFinding[]
  /** Why it is not whole. */
  code?: ErrorCode
  message?: string
}

/** All that was seen of an object. */
export interface Seen {
  name: { bucket: string; objectKey: string }
  size: number
  storedEtag: string
  /** Undefined for what has no header that can be parsed. */
  header: { length: number; packets: number } | undefined
  /** Why it has none, why it does not open, or why its size is impossible; the first of these. */
  problem: AppError | undefined
  opened: { dataKeys: number; senders: string[] } | undefined
  plaintextSize: number | undefined
  findings: readonly ObjectFinding[]
  etag: AnsweredEtag | undefined
  segments: AnsweredSegments | undefined
  /** The digest that was recorded; null when nothing was recorded of this object, undefined when nothing was asked. */
  recordedSha256: string | null | undefined
  /** Whether its bytes were looked at: there is no use in it without a key and an ETag that can be computed. */
  isReadThrough: boolean
  /** Only the header was to be read. */
  headersOnly: boolean
  /** Whether this store's ETags are MD5s for certain, unless they have parts. */
  etagsAreMd5: boolean
}

interface Judgement {
  outcome: Outcome
  code?: ErrorCode
  message?: string
  firstBad?: BadBytes
}

/** Puts together what is said of an object. */
export function verdictOf(seen: Seen): VerifiedObject {
  const { name, size, storedEtag, header, opened, plaintextSize, etag, segments } = seen
  const recorded = recordedOf(seen)
  return {
    objectKey: name.objectKey,
    size,
    storedEtag,
    etag: etag?.verdict ?? 'not checked',
    ...(etag?.layout === undefined ? {} : { parts: partsOf(etag.layout) }),
    ...(header === undefined
      ? {}
      : { packets: header.packets, segments: segmentsBehind(header.length, size) }),
    ...(plaintextSize === undefined ? {} : { plaintextSize }),
    ...opened,
    ...(segments === undefined ? {} : tagsOf(segments)),
    ...(recorded === undefined ? {} : { recorded }),
    ...judge(seen, recorded),
    findings: [...seen.findings, ...(segments?.findings ?? []), ...ownFindings(seen, recorded)],
  }
}

function tagsOf({ checked, skipped, badCount, bad, sha256 }: AnsweredSegments): Partial<VerifiedObject> {
  return {
    checked,
    skipped,
    ...(badCount === 0 ? {} : { badSegments: badCount, bad }),
    ...(sha256 === undefined ? {} : { sha256 }),
  }
}

/** The worst that is proven comes first. */
function judge(seen: Seen, recorded: VerifiedObject['recorded']): Judgement {
  const says: Says = (outcome, code, what) => ({
    outcome,
    code,
    message: `s3://${seen.name.bucket}/${seen.name.objectKey}: ${what}`,
  })
  return damageOf(seen, recorded, says) ?? refusalOf(seen, says) ?? proofOf(seen, says)
}

function damageOf(seen: Seen, recorded: VerifiedObject['recorded'], says: Says): Judgement | undefined {
  const { problem, segments, storedEtag } = seen
  if (segments !== undefined && segments.badCount > 0) return badSegments(seen, segments, says)
  if (problem?.code === 'INVALID_HEADER') return says('damaged', problem.code, problem.message)
  if (problem?.code === 'AUTHENTICATION_FAILED') return impossibleSize(seen, problem, says)
  if (etagDiffers(seen)) {
    return says('damaged', 'INTEGRITY', `its bytes are not those its ETag ${storedEtag} was made of`)
  }
  if (recorded !== 'differs') return undefined
  const [found, wanted] = [segments?.sha256 ?? 'none', seen.recordedSha256 ?? 'none']
  return says('damaged', 'INTEGRITY', `its plaintext has the SHA-256 ${found}, recorded is ${wanted}`)
}

function refusalOf({ problem, isReadThrough, headersOnly }: Seen, says: Says): Judgement | undefined {
  if (problem === undefined) return undefined
  if (problem.code === 'NOT_CRYPT4GH') return says('not-crypt4gh', problem.code, problem.message)
  const unread = isReadThrough || headersOnly ? '' : `; ${UNREAD}`
  return says('not-for-us', problem.code, `${problem.message}${unread}`)
}

function proofOf({ segments, etag, isReadThrough, headersOnly }: Seen, says: Says): Judgement {
  if (segments !== undefined || etag?.verdict === 'matches') return { outcome: 'whole' }
  if (headersOnly) return { outcome: 'unproven' }
  const why =
    etag?.verdict === 'unknown layout'
      ? 'nobody knows how it was cut into parts, so that its ETag can not be computed'
      : 'its ETag is no MD5'
  return says(
    'unproven',
    'UNSUPPORTED',
    `nothing is wrong with it that can be seen without a key, and nothing proves it whole: ${why}${isReadThrough ? '' : `; ${UNREAD}`}`,
  )
}

const UNREAD = 'nothing behind its header was looked at'

type Says = (outcome: Outcome, code: ErrorCode, what: string) => Judgement

function badSegments(
  { size, header }: Seen,
  { badCount, bad, checked }: AnsweredSegments,
  says: Says,
): Judgement {
  const [{ first, count } = { first: 0, count: 0 }] = bad
  const start = (header?.length ?? 0) + first * ENCRYPTED_SEGMENT_SIZE
  const last = Math.min(size, start + count * ENCRYPTED_SEGMENT_SIZE) - 1
  const plaintextOffset = first * SEGMENT_SIZE
  const what = `${badCount} of ${checked} segments are damaged or forged (${runs(bad)}); the first bad bytes are ${start} to ${last} of the object, plaintext from ${plaintextOffset} on`
  return {
    ...says('damaged', 'AUTHENTICATION_FAILED', what),
    firstBad: { first: start, last, plaintextOffset },
  }
}

/** A tail that is too short for a segment. */
function impossibleSize({ size, header }: Seen, problem: AppError, says: Says): Judgement {
  const body = size - (header?.length ?? 0)
  const whole = Math.floor(body / ENCRYPTED_SEGMENT_SIZE)
  const first = size - (body - whole * ENCRYPTED_SEGMENT_SIZE)
  const what = `${problem.message}; the first bad bytes are ${first} to ${size - 1} of the object, plaintext from ${whole * SEGMENT_SIZE} on`
  return {
    ...says('damaged', problem.code, what),
    firstBad: { first, last: size - 1, plaintextOffset: whole * SEGMENT_SIZE },
  }
}

/** Servers that encrypt by themselves may have ETags that look like MD5s and are none: every tag being right outweighs that. */
function etagDiffers({ etag, segments, etagsAreMd5 }: Seen): boolean {
  return etag?.verdict === 'differs' && (etagsAreMd5 || segments === undefined)
}

function recordedOf({ recordedSha256, segments }: Seen): VerifiedObject['recorded'] {
  if (recordedSha256 === undefined || segments?.sha256 === undefined) return undefined
  if (recordedSha256 === null) return 'not recorded'
  return recordedSha256 === segments.sha256 ? 'matches' : 'differs'
}

function ownFindings(seen: Seen, recorded: VerifiedObject['recorded']): ObjectFinding[] {
  const findings: ObjectFinding[] = []
  if (seen.etag?.verdict === 'differs' && !etagDiffers(seen)) {
    const message = `every tag is right, but the bytes are not those of the ETag ${seen.storedEtag}: the server may encrypt by itself, or packets of other readers were changed`
    findings.push({ finding: 'etag-differs', message })
  }
  if (recorded === 'not recorded') {
    findings.push({
      finding: 'not-recorded',
      message: 'no digest was recorded for it: its tags are right, its content was not compared',
    })
  }
  return findings
}

function segmentsBehind(headerLength: number, size: number): number {
  return Math.ceil((size - headerLength) / ENCRYPTED_SEGMENT_SIZE)
}
