import { SEGMENT_OVERHEAD, SEGMENT_SIZE } from '../crypto/crypt4gh/format.ts'
import { sealedHeaderSize } from '../crypto/crypt4gh/sizes.ts'
import { planUpload } from '../transfer/seal-and-upload.ts'
import { threadsFor } from '../transfer/segment-engine.ts'
import { planSlots } from '../transfer/slot-plan.ts'
import { downloadSizes } from './download-sizes.ts'
import type { KnownRate } from './transfer-rate.ts'

/** A file and the object it becomes, or the other way round. */
export interface TransferPair {
  /** A path, or `s3://BUCKET/KEY`. */
  source: string
  target: string
  /** Bytes of the source. */
  size: number
}

export interface TransferPlanRequest {
  direction: 'upload' | 'download'
  pairs: readonly TransferPair[]
  /** Of an upload. */
  recipientCount?: number | undefined
  /** Bytes aimed at per part of an upload. */
  partSize?: number | undefined
  /** Bytes of a range of a download. */
  rangeSize?: number | undefined
  /** Parts or ranges in flight over all files together. */
  concurrency: number
  /** Bytes of all buffers for them. */
  memory?: number | undefined
  /** Worker threads for the cipher; chosen by size when absent. */
  threads?: number | undefined
  /** False for a download that leaves objects as they are. */
  decrypt?: boolean | undefined
  rate?: KnownRate | undefined
  /** When the credentials end; absent when they don't, or don't say so. */
  credentialsExpire?: Date | undefined
  now: Date
}

/** What a transfer will take. */
export interface TransferPlan {
  direction: 'upload' | 'download'
  files: number
  /** Bytes of the files; of a download that decrypts, as they would be with one reader in each header. */
  plaintextBytes: number
  /** Bytes sent or fetched: the objects. */
  wireBytes: number
  /** Parts sent, or ranges fetched. */
  parts: number
  /** Bytes of the largest of them. */
  largestPart: number
  /** Bytes of memory of the whole process, about. */
  memoryBytes: number
  /** Bytes per second, and where that is known from. */
  rate: KnownRate | undefined
  /** Until the last byte; undefined while no rate is known. */
  seconds: number | undefined
  /** True when it may well take longer: the rate is only the cipher's, or small files make up most of the work. */
  secondsAreAtLeast: boolean
  /** When it would end, started now. */
  ends: Date | undefined
  credentialsExpire: Date | undefined
  /** Whether the credentials last until then; undefined when either time is not known. */
  credentialsLast: boolean | undefined
  /** Every file and its object; only when they were asked for. */
  pairs?: readonly TransferPair[] | undefined
}

/** A process that moves nothing yet, and what a worker thread holds; estimates for Node.js 24. Bytes. */
const PROCESS_MEMORY = 100 * 1024 ** 2
const THREAD_MEMORY = 8 * 1024 ** 2

/** Files smaller than this on average, bytes: requests take longer than what they carry. */
const SMALL_FILE = 1024 ** 2

/**
 * Adds up what a transfer will take. Pure: rate, expiry and clock are the caller's.
 *
 * @throws AppError USAGE for a part size outside S3's limits or too little memory, UNSUPPORTED for a file over 5 TiB
 */
export function planTransfer(request: TransferPlanRequest): TransferPlan {
  const { direction, pairs, rate, now, credentialsExpire } = request
  const { buffers, ...sizes } = direction === 'upload' ? ofUpload(request) : ofDownload(request)
  const seconds = rate === undefined ? undefined : sizes.wireBytes / rate.bytesPerSecond
  const ends = seconds === undefined ? undefined : new Date(now.getTime() + seconds * 1000)
  const threads = request.threads ?? threadsFor(request.decrypt === false ? 0 : sizes.wireBytes)
  return {
    direction,
    files: pairs.length,
    ...sizes,
    memoryBytes: PROCESS_MEMORY + buffers + threads * THREAD_MEMORY,
    rate,
    seconds,
    secondsAreAtLeast: rate?.from === 'sealing' || sizes.wireBytes < pairs.length * SMALL_FILE,
    ends,
    credentialsExpire,
    credentialsLast:
      credentialsExpire === undefined || ends === undefined ? undefined : credentialsExpire > ends,
  }
}

interface Sizes extends Pick<TransferPlan, 'plaintextBytes' | 'wireBytes' | 'parts' | 'largestPart'> {
  /** Bytes of all buffers for parts or ranges. */
  buffers: number
}

function ofUpload({ pairs, recipientCount = 1, partSize, concurrency, memory }: TransferPlanRequest): Sizes {
  const plans = pairs.map(({ size }) => planUpload(size, recipientCount, partSize))
  const partSizes = plans.map(({ largestPart }) => largestPart)
  const slots = planSlots(partSizes, sealedHeaderSize(recipientCount), concurrency, memory)
  return {
    plaintextBytes: sum(pairs.map(({ size }) => size)),
    wireBytes: sum(plans.map(({ objectSize }) => objectSize)),
    parts: sum(plans.map(({ partCount }) => partCount)),
    largestPart: largest(partSizes),
    buffers: slots.count * slots.size,
  }
}

function ofDownload({ pairs, decrypt = true, ...asked }: TransferPlanRequest): Sizes {
  const { concurrency, rangeSize } = downloadSizes(asked)
  const sizes = pairs.map(({ size }) => size)
  const largestPart = Math.min(largest(sizes), rangeSize)
  return {
    plaintextBytes: sum(decrypt ? sizes.map(likelyPlaintext) : sizes),
    wireBytes: sum(sizes),
    parts: sum(sizes.map((size) => Math.max(1, Math.ceil(size / rangeSize)))),
    largestPart,
    buffers: concurrency * largestPart,
  }
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0)
}

function largest(sizes: readonly number[]): number {
  return sizes.reduce((most, size) => Math.max(most, size), 0)
}

/** Only the header tells how long it is, and how many readers it names: one is assumed. */
function likelyPlaintext(objectSize: number): number {
  const body = Math.max(0, objectSize - sealedHeaderSize(1))
  return Math.max(0, body - SEGMENT_OVERHEAD * Math.ceil(body / (SEGMENT_SIZE + SEGMENT_OVERHEAD)))
}
