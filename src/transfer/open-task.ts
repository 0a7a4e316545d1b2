import { ENCRYPTED_SEGMENT_SIZE, MAC_SIZE, NONCE_SIZE } from '../crypto/crypt4gh/format.ts'
import { MARK_SIZE } from '../crypto/crypt4gh/nonce-record.ts'
import { openSegments, segmentOpener } from '../crypto/crypt4gh/segment.ts'
import type { OpenSegment } from '../crypto/crypt4gh/segment.ts'
import { plaintextBodySize } from '../crypto/crypt4gh/sizes.ts'
import { AppError, hasCode } from '../util/errors.ts'
import { batchBuffers, ENCRYPTED_BATCH, readFully, writeFully } from './batch.ts'
import type { SegmentTaskResult } from './task-result.ts'

/** Opens segments that lie in a shared buffer and writes the plaintext into a file. */
export interface OpenFromMemory {
  kind: 'open-from-memory'
  dataKeys: readonly Uint8Array[]
  slot: SharedArrayBuffer
  length: number
  firstSegment: number
  outFd: number
  outOffset: number
}

/** Opens a run of segments of a file into another file. */
export interface OpenFromFile {
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
export interface CheckFile {
  kind: 'check-file'
  dataKeys: readonly Uint8Array[]
  fd: number
  offset: number
  length: number
  firstSegment: number
}

/** Opens segments that lie in a shared buffer and throws the plaintext away; one that is not genuine is an error. */
export interface CheckMemory {
  kind: 'check-memory'
  dataKeys: readonly Uint8Array[]
  slot: SharedArrayBuffer
  /** Where the segments begin and end in the buffer. */
  start: number
  end: number
  firstSegment: number
}

/** Stands for a segment that no data key opens: it is damaged or forged. */
export const NO_KEY = 0xffff

export function openFromMemory(task: OpenFromMemory): SegmentTaskResult {
  const segments = new Uint8Array(task.slot, 0, task.length)
  return openBatches(task, (from, to) => segments.subarray(from, to))
}

export function openFromFile(task: OpenFromFile): SegmentTaskResult {
  const { encrypted } = batchBuffers()
  return openBatches(task, (from, to) => {
    const batch = encrypted.subarray(0, to - from)
    readFully(task.fd, batch, task.offset + from)
    return batch
  })
}

export function checkFile(task: CheckFile): SegmentTaskResult {
  const { plain, encrypted } = batchBuffers()
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
  return { length: 0, checked }
}

export function checkMemory(task: CheckMemory): SegmentTaskResult {
  const { plain } = batchBuffers()
  const segments = new Uint8Array(task.slot, task.start, task.end - task.start)
  for (let from = 0; from < segments.length; from += ENCRYPTED_BATCH) {
    const batch = segments.subarray(from, from + ENCRYPTED_BATCH)
    openSegments(task.dataKeys, batch, plain, task.firstSegment + Math.floor(from / ENCRYPTED_SEGMENT_SIZE))
  }
  plain.fill(0)
  return { length: 0 }
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
  const { plain } = batchBuffers()
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
  return { length: written }
}
