import { createHash } from 'node:crypto'
import { readSync, writeSync } from 'node:fs'
import { ENCRYPTED_SEGMENT_SIZE, MAC_SIZE, NONCE_SIZE, SEGMENT_SIZE } from '../crypto/crypt4gh/format.ts'
import { MARK_SIZE } from '../crypto/crypt4gh/nonce-record.ts'
import { openSegments, sealSegments, segmentOpener } from '../crypto/crypt4gh/segment.ts'
import type { OpenSegment } from '../crypto/crypt4gh/segment.ts'
import { encryptedBodySize, plaintextBodySize } from '../crypto/crypt4gh/sizes.ts'
import { AppError, hasCode } from '../util/errors.ts'

/**
 * The work on segments that may run in a worker thread: read a range, seal or open it, hash or write it.
 * Synchronous on purpose: a thread does one task at a time. File descriptors are valid in all threads of the process.
 * All sizes and offsets are bytes; offsets into segments are always on segment boundaries.
 */
export type SegmentTask = SealToMemory | SealToFile | OpenFromMemory | OpenFromFile | CheckFile

/** Seals a range of a file into a shared buffer, behind what is already there, and hashes the whole. */
interface SealToMemory {
  kind: 'seal-to-memory'
  dataKey: Uint8Array
  fd: number
  plaintextOffset: number
  plaintextLength: number
  slot: SharedArrayBuffer
  /** Bytes at the start of the slot that belong to the part already (the header). */
  slotOffset: number
}

/** Seals a range of a file into another file. */
interface SealToFile {
  kind: 'seal-to-file'
  dataKey: Uint8Array
  fd: number
  plaintextOffset: number
  plaintextLength: number
  outFd: number
  outOffset: number
}

/** Opens segments that lie in a shared buffer and writes the plaintext into a file. */
interface OpenFromMemory {
  kind: 'open-from-memory'
  dataKeys: readonly Uint8Array[]
  slot: SharedArrayBuffer
  length: number
  firstSegment: number
  outFd: number
  outOffset: number
}

/** Opens a run of segments of a file into another file. */
interface OpenFromFile {
  kind: 'open-from-file'
  dataKeys: readonly Uint8Array[]
  fd: number
  offset: number
  length: number
  firstSegment: number
  outFd: number
  outOffset: number
}

/** Opens a run of segments of a file and throws the plaintext away. */
interface CheckFile {
  kind: 'check-file'
  dataKeys: readonly Uint8Array[]
  fd: number
  offset: number
  length: number
  firstSegment: number
}

/** What a check found; one segment that is not genuine does not end it. */
export interface CheckedSegments {
  firstSegment: number
  /** Nonce and start of the MAC of each segment, one after the other (crypto/crypt4gh/nonce-record.ts). */
  marks: Uint8Array
  /** Index of the data key that opens each segment; NO_KEY where none does. */
  dataKeyNumbers: Uint16Array
}

/** Stands for a segment that no data key opens: it is damaged or forged. */
export const NO_KEY = 0xffff

export interface SegmentTaskResult {
  /** Bytes produced: encrypted with what was in front of them, or plaintext. None of a check. */
  length: number
  /** SHA-256 of the produced part, hex; only of a part sealed to memory, where it signs the request. */
  sha256: string | undefined
  /** Only of a check. */
  checked?: CheckedSegments | undefined
}

/** Segments handled between two system calls: 1 MiB keeps the working set in the processor's cache. */
const BATCH_SEGMENTS = 16
const PLAIN_BATCH = BATCH_SEGMENTS * SEGMENT_SIZE
const ENCRYPTED_BATCH = BATCH_SEGMENTS * ENCRYPTED_SEGMENT_SIZE

let scratch: { plain: Uint8Array; encrypted: Uint8Array } | undefined

/**
 * Runs one task to its end.
 *
 * @throws AppError FILE_CHANGED when the source ends early, AUTHENTICATION_FAILED when a segment is not genuine;
 * and what node:fs throws
 */
export function runSegmentTask(task: SegmentTask): SegmentTaskResult {
  switch (task.kind) {
    case 'seal-to-memory':
      return sealToMemory(task)
    case 'seal-to-file':
      return sealToFile(task)
    case 'open-from-memory':
      return openFromMemory(task)
    case 'open-from-file':
      return openFromFile(task)
    case 'check-file':
      return checkFile(task)
  }
}

function sealToMemory(task: SealToMemory): SegmentTaskResult {
  const { plain } = buffers()
  const total = task.slotOffset + encryptedBodySize(task.plaintextLength)
  const part = new Uint8Array(task.slot, 0, total)
  const hash = createHash('sha256').update(part.subarray(0, task.slotOffset))
  let filled = task.slotOffset
  for (let done = 0; done < task.plaintextLength; done += PLAIN_BATCH) {
    const batch = plain.subarray(0, Math.min(PLAIN_BATCH, task.plaintextLength - done))
    readFully(task.fd, batch, task.plaintextOffset + done)
    const end = filled + sealSegments(task.dataKey, batch, part.subarray(filled))
    hash.update(part.subarray(filled, end))
    filled = end
  }
  return { length: filled, sha256: hash.digest('hex') }
}

function sealToFile(task: SealToFile): SegmentTaskResult {
  const { plain, encrypted } = buffers()
  let written = 0
  for (let done = 0; done < task.plaintextLength; done += PLAIN_BATCH) {
    const batch = plain.subarray(0, Math.min(PLAIN_BATCH, task.plaintextLength - done))
    readFully(task.fd, batch, task.plaintextOffset + done)
    const length = sealSegments(task.dataKey, batch, encrypted)
    writeFully(task.outFd, encrypted.subarray(0, length), task.outOffset + written)
    written += length
  }
  return { length: written, sha256: undefined }
}

function openFromMemory(task: OpenFromMemory): SegmentTaskResult {
  const segments = new Uint8Array(task.slot, 0, task.length)
  return openBatches(task, (from, to) => segments.subarray(from, to))
}

function openFromFile(task: OpenFromFile): SegmentTaskResult {
  const { encrypted } = buffers()
  return openBatches(task, (from, to) => {
    const batch = encrypted.subarray(0, to - from)
    readFully(task.fd, batch, task.offset + from)
    return batch
  })
}

function checkFile(task: CheckFile): SegmentTaskResult {
  const { plain, encrypted } = buffers()
  const count = Math.ceil(task.length / ENCRYPTED_SEGMENT_SIZE)
  const checked = {
    firstSegment: task.firstSegment,
    marks: new Uint8Array(count * MARK_SIZE),
    dataKeyNumbers: new Uint16Array(count),
  }
  const openers = task.dataKeys.map((dataKey) => segmentOpener([dataKey]))
  const keyNumbers = [...openers.keys()]
  let lastKey = 0
  for (let number = 0; number < count; number += 1) {
    const at = number * ENCRYPTED_SEGMENT_SIZE
    const segment = encrypted.subarray(0, Math.min(ENCRYPTED_SEGMENT_SIZE, task.length - at))
    readFully(task.fd, segment, task.offset + at)
    checked.marks.set(segment.subarray(0, NONCE_SIZE), number * MARK_SIZE)
    const macAt = segment.length - MAC_SIZE
    checked.marks.set(
      segment.subarray(macAt, macAt + MARK_SIZE - NONCE_SIZE),
      number * MARK_SIZE + NONCE_SIZE,
    )
    const candidates = [lastKey, ...keyNumbers.filter((key) => key !== lastKey)]
    const key = candidates.find((candidate) =>
      opens(openers[candidate], segment, plain, task.firstSegment + number),
    )
    checked.dataKeyNumbers[number] = key ?? NO_KEY
    lastKey = key ?? lastKey
  }
  plain.fill(0)
  return { length: 0, sha256: undefined, checked }
}

function opens(
  openSegment: OpenSegment | undefined,
  segment: Uint8Array,
  plain: Uint8Array,
  segmentNumber: number,
): boolean {
  try {
    openSegment?.(segment, plain, 0, segmentNumber)
    return openSegment !== undefined
  } catch (error) {
    if (hasCode(error, 'AUTHENTICATION_FAILED')) return false
    throw error
  }
}

/** `batchAt` gives the encrypted bytes from..to of the task's range. */
function openBatches(
  task: OpenFromMemory | OpenFromFile,
  batchAt: (from: number, to: number) => Uint8Array,
): SegmentTaskResult {
  const { plain } = buffers()
  let written = 0
  for (let from = 0; from < task.length; from += ENCRYPTED_BATCH) {
    const batch = batchAt(from, Math.min(task.length, from + ENCRYPTED_BATCH))
    const length = openSegments(
      task.dataKeys,
      batch,
      plain,
      task.firstSegment + Math.floor(from / ENCRYPTED_SEGMENT_SIZE),
    )
    writeFully(task.outFd, plain.subarray(0, length), task.outOffset + written)
    written += length
  }
  if (written !== plaintextBodySize(task.length)) {
    throw new AppError('AUTHENTICATION_FAILED', `segment ${task.firstSegment} and on: wrong length`)
  }
  return { length: written, sha256: undefined }
}

function buffers(): { plain: Uint8Array; encrypted: Uint8Array } {
  scratch ??= { plain: new Uint8Array(PLAIN_BATCH), encrypted: new Uint8Array(ENCRYPTED_BATCH) }
  return scratch
}

/** A read may return less than asked for (read(2)); a short segment before the end would be an invalid file. */
function readFully(fd: number, into: Uint8Array, position: number): void {
  let filled = 0
  while (filled < into.length) {
    const count = readSync(fd, into, filled, into.length - filled, position + filled)
    if (count === 0) {
      throw new AppError(
        'FILE_CHANGED',
        `the source ended at byte ${position + filled}, earlier than planned`,
        {
          hints: ['something shortened the file while it was being read: try again when it is complete'],
        },
      )
    }
    filled += count
  }
}

function writeFully(fd: number, bytes: Uint8Array, position: number): void {
  let written = 0
  while (written < bytes.length) {
    written += writeSync(fd, bytes, written, bytes.length - written, position + written)
  }
}
