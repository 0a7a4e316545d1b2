import { examineHeader } from '../../crypto/crypt4gh/examine-header.ts'
import { editedSize } from '../../crypto/crypt4gh/edit-list.ts'
import { ENCRYPTED_SEGMENT_SIZE } from '../../crypto/crypt4gh/format.ts'
import { endsEarly, parseHeader, type Header } from '../../crypto/crypt4gh/header.ts'
import { openHeader, type OpenedHeader } from '../../crypto/crypt4gh/open-header.ts'
import { requireSender } from '../../crypto/crypt4gh/sender.ts'
import { plaintextBodySize } from '../../crypto/crypt4gh/sizes.ts'
import { fingerprint } from '../../crypto/keys/fingerprint.ts'
import type { KeyPair } from '../../crypto/keys/key-pair.ts'
import type { ObjectName } from '../../storage/object-store.ts'
import { SMALL_OBJECT } from '../../transfer/download-small.ts'
import type { ObjectVersion } from '../../transfer/download-options.ts'
import { fetchRange } from '../../transfer/fetch-range.ts'
import { fetchHeader } from '../../transfer/object-header.ts'
import type { SlotPool } from '../../transfer/slot-pool.ts'
import { AppError, hasCode } from '../../util/errors.ts'
import { headerFindings } from '../findings.ts'
import type { Answer, Question } from './check.ts'
import type { CheckThreads } from './check-threads.ts'
import { etagQuestion, type EtagVerdict } from './etag-check.ts'
import { handOver, readThrough, type ObjectChecks, type ReadOptions } from './read-object.ts'
import type { ObjectFinding } from './segments-check.ts'
import { verdictOf, type Seen, type VerifiedObject } from './verdict.ts'

export interface VerifyObjectOptions extends ReadOptions {
  /** Buffers of SMALL_OBJECT bytes, for objects that are fetched whole. */
  smallSlots: SlotPool
  threads: CheckThreads
  /** None: only what can be seen without a key. */
  identities: readonly KeyPair[]
  senders: readonly Uint8Array[] | undefined
  /** Reads no more than the header. */
  headersOnly: boolean
  etagsAreMd5: boolean
  /** What was recorded of an object; undefined where nothing is to be compared. */
  recordedOf: ((objectKey: string) => string | undefined) | undefined
}

/**
 * Checks one version of an object. Whatever is wrong with its bytes is in the result.
 *
 * @throws StorageError, OBJECT_CHANGED when it is replaced meanwhile; AppError UNEXPECTED_SENDER
 */
export async function verifyObject(
  name: ObjectName,
  version: ObjectVersion,
  options: VerifyObjectOptions,
): Promise<VerifiedObject> {
  const isFetchedWhole = version.size <= SMALL_OBJECT && !options.headersOnly
  return isFetchedWhole ? verifySmall(name, version, options) : verifyLarge(name, version, options)
}

async function verifySmall(
  name: ObjectName,
  version: ObjectVersion,
  options: VerifyObjectOptions,
): Promise<VerifiedObject> {
  const { store, signal, smallSlots } = options
  const { size, etag } = version
  const slot = await smallSlots.take()
  try {
    const bytes = slot.bytes.subarray(0, size)
    // A range of nothing is refused by S3 (416).
    if (size > 0) await fetchRange(store, name, { offset: 0, length: size }, etag, signal, bytes, size)
    const looked = await look(name, version, wholeHeader(bytes), options)
    return await withChecks(looked, options, async (checks) => {
      await handOver(checks, slot.shared, size, looked.headerLength)
      options.onBytes(size)
    })
  } finally {
    smallSlots.giveBack(slot)
  }
}

async function verifyLarge(
  name: ObjectName,
  version: ObjectVersion,
  options: VerifyObjectOptions,
): Promise<VerifiedObject> {
  const { store, signal, headersOnly } = options
  const header = await fetchHeader(name, version, { store, signal }).catch((error: unknown) =>
    wrongBytes(error, name),
  )
  const looked = await look(name, version, header, options)
  if (headersOnly) {
    wipe(looked.opened)
    options.onBytes(looked.headerLength)
    return verdictOf(looked.seen)
  }
  return withChecks(looked, options, (checks) =>
    readThrough(name, version, looked.headerLength, checks, options),
  )
}

/** What the header tells, before anything behind it is read. */
interface Looked {
  seen: Seen
  opened: OpenedHeader | undefined
  /** 0 where there is no header. */
  headerLength: number
}

async function look(
  name: ObjectName,
  { size, etag: storedEtag }: ObjectVersion,
  found: Header | AppError,
  options: VerifyObjectOptions,
): Promise<Looked> {
  const { headersOnly, etagsAreMd5, recordedOf } = options
  const { header, findings, plaintextSize, opened, problem } = await openedOf(found, name, size, options)
  const seen: Seen = {
    name,
    size,
    storedEtag,
    header: header && { length: header.length, packets: header.packets.length },
    problem,
    opened: opened && { dataKeys: opened.dataKeys.length, senders: opened.senders.map(fingerprint) },
    plaintextSize,
    findings,
    etag: undefined,
    segments: undefined,
    recordedSha256: recordedOf && (recordedOf(name.objectKey) ?? null),
    isReadThrough: false,
    headersOnly,
    etagsAreMd5,
  }
  return { seen, opened, headerLength: header?.length ?? 0 }
}

interface OpenedObject {
  header: Header | undefined
  findings: ObjectFinding[]
  plaintextSize: number | undefined
  opened: OpenedHeader | undefined
  /** What is wrong with the header or the size. */
  problem: AppError | undefined
}

async function openedOf(
  header: Header | AppError,
  name: ObjectName,
  size: number,
  options: VerifyObjectOptions,
): Promise<OpenedObject> {
  const none = { plaintextSize: undefined, opened: undefined }
  if (header instanceof AppError) return { header: undefined, findings: [], ...none, problem: header }
  const { identities } = options
  const findings = headerFindings(await examineHeader(header, identities, []))
  const stored = attempt(() => plaintextBodySize(size - header.length))
  if (stored instanceof AppError) return { header, findings, ...none, problem: stored }
  const opened = identities.length === 0 ? undefined : await openFor(header, name, options)
  if (opened instanceof AppError) {
    return { header, findings, plaintextSize: stored, opened: undefined, problem: opened }
  }
  return { header, findings, plaintextSize: editedSize(stored, opened?.editList), opened, problem: undefined }
}

/** Begins the checks there are questions for, lets them have the bytes, and judges by their answers. */
async function withChecks(
  { seen, opened, headerLength }: Looked,
  { threads }: VerifyObjectOptions,
  read: (checks: ObjectChecks) => Promise<void>,
): Promise<VerifiedObject> {
  const { size } = seen
  const question = etagQuestion(seen.storedEtag, size, seen.header?.length)
  const checks: ObjectChecks = { whole: undefined, body: undefined }
  try {
    if (question !== undefined && question.layouts?.length !== 0) {
      checks.whole = threads.begin({ about: 'etag', question }, size)
    }
    if (opened !== undefined) {
      checks.body = threads.begin(segmentsQuestion(opened, size - headerLength), size)
    }
    // Nothing would be learned from bytes that nothing is asked about.
    const isReadThrough = checks.whole !== undefined || checks.body !== undefined
    if (isReadThrough) await read(checks)
    const answers = await Promise.all([checks.whole?.end(), checks.body?.end()])
    const unasked: EtagVerdict = question === undefined ? 'no md5' : 'unknown layout'
    return verdictOf({ ...seen, isReadThrough, etag: { verdict: unasked }, ...answersIn(answers) })
  } finally {
    checks.whole?.drop()
    checks.body?.drop()
    wipe(opened)
  }
}

function segmentsQuestion({ dataKeys, editList }: OpenedHeader, bodySize: number): Question {
  const segments = Math.ceil(bodySize / ENCRYPTED_SEGMENT_SIZE)
  return { about: 'segments', question: { dataKeys, editList, segments } }
}

function answersIn(answers: readonly (Answer | undefined)[]): Partial<Pick<Seen, 'etag' | 'segments'>> {
  const found: Partial<Pick<Seen, 'etag' | 'segments'>> = {}
  for (const one of answers) {
    if (one?.about === 'etag') found.etag = one.answer
    if (one?.about === 'segments') found.segments = one.answer
  }
  return found
}

/** Gives what keeps the header from being opened, too. Throws UNEXPECTED_SENDER. */
async function openFor(
  header: Header,
  { bucket, objectKey }: ObjectName,
  { identities, senders }: VerifyObjectOptions,
): Promise<OpenedHeader | AppError> {
  let opened: OpenedHeader
  try {
    opened = await openHeader(header, identities)
  } catch (error) {
    return wrongBytes(error)
  }
  try {
    if (senders !== undefined) requireSender(opened, senders)
    return opened
  } catch (error) {
    if (!hasCode(error, 'UNEXPECTED_SENDER')) throw error
    const message = `s3://${bucket}/${objectKey}: ${error.message}`
    throw new AppError(error.code, message, { hints: error.hints, cause: error })
  }
}

/** The header of an object that is in memory, or why it has none. */
function wholeHeader(object: Uint8Array): Header | AppError {
  const header = attempt(() => parseHeader(object))
  return 'needed' in header ? endsEarly(object.length) : header
}

function attempt<Result>(work: () => Result): Result | AppError {
  try {
    return work()
  } catch (error) {
    return wrongBytes(error)
  }
}

/** What is wrong with bytes is an answer; anything else is thrown. */
function wrongBytes(error: unknown, name?: ObjectName): AppError {
  if (!hasCode(error, 'NOT_CRYPT4GH', 'INVALID_HEADER', 'NO_MATCHING_KEY', 'AUTHENTICATION_FAILED'))
    throw error
  // The layer below says which object it was; so does the verdict.
  const prefix = name === undefined ? '' : `s3://${name.bucket}/${name.objectKey}: `
  return error.message.startsWith(prefix)
    ? new AppError(error.code, error.message.slice(prefix.length), { cause: error })
    : error
}

function wipe(opened: OpenedHeader | undefined): void {
  for (const dataKey of opened?.dataKeys ?? []) dataKey.fill(0)
}
