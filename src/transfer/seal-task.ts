import { createHash, type Hash } from 'node:crypto'
import { sealSegments } from '../crypto/crypt4gh/segment.ts'
import { encryptedBodySize } from '../crypto/crypt4gh/sizes.ts'
import { batchBuffers, PLAIN_BATCH, readFully, writeFully } from './batch.ts'
import type { PlaintextDigests, SegmentTaskResult } from './task-result.ts'

/** Which digests of the plaintext are wanted. */
export type WantedDigests = 'sha256' | 'sha256+md5'

/** Seals a range of a file into a shared buffer, behind what is already there, and hashes the whole. */
export interface SealToMemory {
  kind: 'seal-to-memory'
  dataKey: Uint8Array
  fd: number
  plaintextOffset: number
  plaintextLength: number
  slot: SharedArrayBuffer
  /** Bytes at the start of the slot that belong to the part already (the header). */
  slotOffset: number
  /** Digests of the plaintext of this range; only asked for when the range is the whole file. */
  digests?: WantedDigests | undefined
  /** False when nobody needs the SHA-256 of what was sealed. */
  signed?: boolean | undefined
}

/** The same for plaintext that lies in a shared buffer. */
export interface SealMemory {
  kind: 'seal-memory'
  dataKey: Uint8Array
  plain: SharedArrayBuffer
  plainLength: number
  slot: SharedArrayBuffer
  slotOffset: number
}

/** Seals a range of a file into another file. */
export interface SealToFile {
  kind: 'seal-to-file'
  dataKey: Uint8Array
  fd: number
  plaintextOffset: number
  plaintextLength: number
  outFd: number
  outOffset: number
}

export function sealToMemory(task: SealToMemory): SegmentTaskResult {
  const { plain } = batchBuffers()
  const digests = task.digests === undefined ? undefined : startDigests(task.digests)
  const sealed = sealBatches(task, task.plaintextLength, (from, to) => {
    const batch = plain.subarray(0, to - from)
    readFully(task.fd, batch, task.plaintextOffset + from)
    digests?.update(batch)
    return batch
  })
  return { ...sealed, plaintext: digests?.end() }
}

export function sealMemory(task: SealMemory): SegmentTaskResult {
  const plaintext = new Uint8Array(task.plain, 0, task.plainLength)
  return sealBatches(task, task.plainLength, (from, to) => plaintext.subarray(from, to))
}

export function sealToFile(task: SealToFile): SegmentTaskResult {
  const { plain, encrypted } = batchBuffers()
  let written = 0
  for (let done = 0; done < task.plaintextLength; done += PLAIN_BATCH) {
    const batch = plain.subarray(0, Math.min(PLAIN_BATCH, task.plaintextLength - done))
    readFully(task.fd, batch, task.plaintextOffset + done)
    const length = sealSegments(task.dataKey, batch, encrypted)
    writeFully(task.outFd, encrypted.subarray(0, length), task.outOffset + written)
    written += length
  }
  return { length: written }
}

/** SHA-256, and MD5 where asked for, of bytes that come in order. */
export function startDigests(wanted: WantedDigests): {
  update(bytes: Uint8Array): void
  end(): PlaintextDigests
} {
  const sha256 = createHash('sha256')
  const md5 = wanted === 'sha256+md5' ? createHash('md5') : undefined
  return {
    update: (bytes) => {
      sha256.update(bytes)
      md5?.update(bytes)
    },
    end: () => ({ sha256: sha256.digest('hex'), md5: md5?.digest('hex') }),
  }
}

/** `batchAt` gives the plaintext from..to of the task's range. */
function sealBatches(
  task: Pick<SealToMemory, 'dataKey' | 'slot' | 'slotOffset' | 'signed'>,
  plaintextLength: number,
  batchAt: (from: number, to: number) => Uint8Array,
): SegmentTaskResult {
  const part = new Uint8Array(task.slot, 0, task.slotOffset + encryptedBodySize(plaintextLength))
  const hash: Hash | undefined = task.signed === false ? undefined : createHash('sha256')
  hash?.update(part.subarray(0, task.slotOffset))
  let filled = task.slotOffset
  for (let done = 0; done < plaintextLength; done += PLAIN_BATCH) {
    const batch = batchAt(done, Math.min(plaintextLength, done + PLAIN_BATCH))
    const end = filled + sealSegments(task.dataKey, batch, part.subarray(filled))
    hash?.update(part.subarray(filled, end))
    filled = end
  }
  return { length: filled, sha256: hash?.digest('hex') }
}
