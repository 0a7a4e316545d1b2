import { coveredSegments, type SegmentRun } from '../crypto/crypt4gh/covered-segments.ts'
import { editedSize } from '../crypto/crypt4gh/edit-list.ts'
import { examineHeader } from '../crypto/crypt4gh/examine-header.ts'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../crypto/crypt4gh/format.ts'
import { parseDetachedHeader } from '../crypto/crypt4gh/header.ts'
import { MARK_SIZE, NonceRecord } from '../crypto/crypt4gh/nonce-record.ts'
import { openHeader, type OpenedHeader } from '../crypto/crypt4gh/open-header.ts'
import { requireSender } from '../crypto/crypt4gh/sender.ts'
import { plaintextBodySize } from '../crypto/crypt4gh/sizes.ts'
import { fingerprint } from '../crypto/keys/fingerprint.ts'
import type { KeyPair } from '../crypto/keys/key-pair.ts'
import { readFileHeader } from '../transfer/local-file.ts'
import { DEFAULT_RANGE_SIZE } from '../transfer/range-plan.ts'
import { startSegmentEngine, threadsFor } from '../transfer/segment-engine.ts'
import { NO_KEY } from '../transfer/open-task.ts'
import type { CheckedSegments } from '../transfer/task-result.ts'
import { openSourceFile, type SourceFile } from '../transfer/source-file.ts'
import { AppError } from '../util/errors.ts'
import { forEachPulled } from '../util/pull-pool.ts'
import { readDetachedHeader } from './detached-header.ts'
import { headerFindings, hiddenFinding, nonceFindings, runs, type Finding } from './findings.ts'
import { inFile } from './in-file.ts'

export interface VerifyRequest {
  path: string
  identities: readonly KeyPair[]
  /** A file that has the header, where the first one is a body alone. */
  headerFile?: string | undefined
  /** Public keys, one of which must have written every packet that opens for us; anybody's may when absent. */
  senders?: readonly Uint8Array[] | undefined
  onBytes?: ((count: number, total: number) => void) | undefined
  signal?: AbortSignal | undefined
}

/** What `verify` found: the --json contract. */
export interface VerifyResult {
  file: string
  /** Bytes of the file. */
  size: number
  /** Bytes that its reader gets. */
  plaintextSize: number
  /** Fingerprints of the keys that wrote the packets for us. */
  senders: string[]
  dataKeys: number
  segments: number
  /** Segments whose tag was checked. */
  checked: number
  /** Segments that the edit list skips whole: not checked, no part of what is decrypted. */
  skipped: SegmentRun[]
  /** Segments that are damaged or forged; none in a success. */
  bad: SegmentRun[]
  findings: Finding[]
  seconds: number
}

/** Thrown when segments are not genuine; `result` says all that was found. */
class DamagedFileError extends AppError {
  readonly result: VerifyResult

  constructor(message: string, result: VerifyResult) {
    super('AUTHENTICATION_FAILED', message, {
      hints: ['fetch the file again, or ask its sender for a new copy'],
    })
    this.result = result
  }
}

/**
 * Checks a local file as decryption would, and more: every tag of what its reader gets, all senders, all nonces.
 * Nothing is written, and it goes on after the first bad segment.
 *
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, FILE_CHANGED, NOT_CRYPT4GH, INVALID_HEADER, NO_MATCHING_KEY,
 * UNEXPECTED_SENDER, AUTHENTICATION_FAILED
 */
export async function verifyFile(request: VerifyRequest): Promise<VerifyResult> {
  const { result, bodyStart } = await sweep(request).catch((error: unknown) => {
    throw inFile(error, request.path)
  })
  if (result.bad.length > 0) throw damaged(result, bodyStart)
  return result
}

async function sweep(request: VerifyRequest): Promise<{ result: VerifyResult; bodyStart: number }> {
  const started = performance.now()
  const { path, identities, senders, headerFile } = request
  const detached = headerFile === undefined ? undefined : await readDetachedHeader(headerFile)
  const source = await openSourceFile(path)
  let opened: OpenedHeader | undefined
  try {
    const header = detached === undefined ? await readFileHeader(source) : parseDetachedHeader(detached)
    const bodyStart = detached === undefined ? header.length : 0
    opened = await openHeader(header, identities)
    if (senders !== undefined) requireSender(opened, senders)
    const storedSize = plaintextBodySize(source.size - bodyStart)
    const segments = Math.ceil((source.size - bodyStart) / ENCRYPTED_SEGMENT_SIZE)
    const { covered, hidden } = coveredSegments(segments, opened.editList)
    const { bad, records } = await checkBody(source, bodyStart, opened, covered, request)
    const result: VerifyResult = {
      file: path,
      size: source.size,
      plaintextSize: editedSize(storedSize, opened.editList),
      senders: opened.senders.map(fingerprint),
      dataKeys: opened.dataKeys.length,
      segments,
      checked: countOf(covered),
      skipped: hidden,
      bad,
      findings: [
        ...headerFindings(await examineHeader(header, identities, [])),
        ...hiddenFinding(hidden),
        ...nonceFindings(records, countOf(covered) - countOf(bad)),
      ],
      seconds: (performance.now() - started) / 1000,
    }
    return { result, bodyStart }
  } finally {
    for (const dataKey of opened?.dataKeys ?? []) dataKey.fill(0)
    await source.close()
  }
}

interface CheckedBody {
  bad: SegmentRun[]
  /** One for each data key. */
  records: NonceRecord[]
}

async function checkBody(
  source: SourceFile,
  bodyStart: number,
  { dataKeys }: OpenedHeader,
  covered: readonly SegmentRun[],
  { onBytes, signal }: VerifyRequest,
): Promise<CheckedBody> {
  const threads = threadsFor(source.size)
  const engine = startSegmentEngine(source.size, threads)
  const records = dataKeys.map(() => new NonceRecord())
  const bad: number[] = []
  // Tasks end in any order; what is reported as first must not depend on it.
  const ended = new Map<number, CheckedSegments>()
  let inOrder = 0
  const checkRun = async ({ first, count, order }: CheckTask): Promise<void> => {
    const offset = bodyStart + first * ENCRYPTED_SEGMENT_SIZE
    const length = Math.min(count * ENCRYPTED_SEGMENT_SIZE, source.size - offset)
    const { checked } = await engine.run({
      kind: 'check-file',
      dataKeys,
      fd: source.fd,
      offset,
      length,
      firstSegment: first,
    })
    if (checked !== undefined) ended.set(order, checked)
    for (let next = ended.get(inOrder); next !== undefined; next = ended.get(inOrder)) {
      bad.push(...addMarks(next, records))
      ended.delete(inOrder)
      inOrder += 1
    }
    onBytes?.(length, source.size)
  }
  try {
    await forEachPulled(tasksOf(covered), Math.max(1, threads), checkRun, signal)
  } finally {
    await engine.close()
  }
  await source.refuseIfChanged()
  return { bad: runsOf(bad), records }
}

/** Gives the numbers of the segments that no data key opened; the nonces of the others are recorded. */
function addMarks(
  { firstSegment, marks, dataKeyNumbers }: CheckedSegments,
  records: readonly NonceRecord[],
): number[] {
  const bad: number[] = []
  for (const [index, dataKeyNumber] of dataKeyNumbers.entries()) {
    const segment = firstSegment + index
    if (dataKeyNumber === NO_KEY) bad.push(segment)
    else records[dataKeyNumber]?.add(marks.subarray(index * MARK_SIZE, (index + 1) * MARK_SIZE), segment)
  }
  return bad
}

interface CheckTask extends SegmentRun {
  /** Number of the task, from 0, in the order of its segments. */
  order: number
}

/** Runs of at most so many segments as are worth a task. */
function* tasksOf(covered: readonly SegmentRun[]): Generator<CheckTask, void, undefined> {
  const most = Math.floor(DEFAULT_RANGE_SIZE / ENCRYPTED_SEGMENT_SIZE)
  let order = 0
  for (const { first, count } of covered) {
    for (let done = 0; done < count; done += most) {
      yield { first: first + done, count: Math.min(most, count - done), order }
      order += 1
    }
  }
}

function runsOf(sorted: readonly number[]): SegmentRun[] {
  const found: SegmentRun[] = []
  for (const number of sorted) {
    const last = found.at(-1)
    if (last !== undefined && last.first + last.count === number) last.count += 1
    else found.push({ first: number, count: 1 })
  }
  return found
}

function damaged(result: VerifyResult, bodyStart: number): DamagedFileError {
  const [{ first, count } = { first: 0, count: 0 }] = result.bad
  const start = bodyStart + first * ENCRYPTED_SEGMENT_SIZE
  const end = Math.min(result.size, start + count * ENCRYPTED_SEGMENT_SIZE)
  return new DamagedFileError(
    `${result.file}: ${countOf(result.bad)} of ${result.checked} segments are damaged or forged (${runs(result.bad)}); the first bad bytes are ${start} to ${end - 1} of the file, plaintext from ${first * SEGMENT_SIZE} on`,
    result,
  )
}

function countOf(list: readonly SegmentRun[]): number {
  return list.reduce((sum, { count }) => sum + count, 0)
}
